import type { Command } from "commander";
import { checkConnectionToken } from "../auth/token-check.ts";
import { TokenIssuer } from "../auth/token-issuer.ts";
import type { CliIo } from "./cli-io.ts";
import { loadForHelper } from "./config-option.ts";
import { addConnectionClaimOptions, claimsOf, type ConnectionClaimOptions } from "./token-claims.ts";
import { asTokenFailure, warnIfRefused, warnOfUnknownChannels } from "./token-failure.ts";
import { addGenTokenOptions, describeTtl, describeUser, type GenTokenOptions } from "./token-options.ts";

type Options = GenTokenOptions & ConnectionClaimOptions;

const EXAMPLES = `
Signs with client.token.hmac_secret_key: that of the config file, of the environment, or else of the
development server (serve --dev).

Examples:
  millrace gentoken -u 42
  millrace gentoken -u 42 --channels news,sports --info '{"name":"Ann"}' --labels plan=gold
  millrace gentoken -u 42 --subs '{"news":{"override":{"force_recovery":{"value":true}}}}'
  millrace gentoken -c config.yaml -u 42 -t 3600 --claims '{"jti":"7"}'
  TOKEN=$(millrace gentoken -u 42 -q)
`;

/** `gentoken`: a connection token for development. */
export function addGenTokenCommand(program: Command, io: CliIo): void {
  addConnectionClaimOptions(addGenTokenOptions(program.command("gentoken")))
    .description("make a connection token")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => {
      const { user, ttl: ttlSec, quiet } = options;
      const config = loadForHelper(io, options, "token key");
      const claims = claimsOf(options);
      const token = await asTokenFailure(async () =>
        new TokenIssuer(config.client.token, io.clock).issueConnection({ user, ttlSec, claims }),
      );
      const checked = await warnIfRefused(io, config, (verifier) => checkConnectionToken(verifier, token));
      warnOfUnknownChannels(io, config, checked?.channels ?? []);
      const heading = `HMAC SHA-256 JWT for ${describeUser(user)} ${describeTtl(ttlSec)}:`;
      io.stdout.write(quiet === true ? token : `${heading}\n${token}\n`);
    });
}
