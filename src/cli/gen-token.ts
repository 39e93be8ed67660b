import type { Command } from "commander";
import { TokenIssuer } from "../auth/token-issuer.ts";
import type { CliIo } from "./cli-io.ts";
import { loadForHelper } from "./config-option.ts";
import { asTokenFailure } from "./token-failure.ts";
import { addGenTokenOptions, describeTtl, describeUser, type GenTokenOptions } from "./token-options.ts";

const EXAMPLES = `
Signs with client.token.hmac_secret_key.

Examples:
  millrace gentoken -u 42
  millrace gentoken -c config.yaml -u 42 -t 3600
  TOKEN=$(millrace gentoken -u 42 -q)
`;

/** `gentoken`: a connection token for development. */
export function addGenTokenCommand(program: Command, io: CliIo): void {
  addGenTokenOptions(program.command("gentoken"))
    .description("make a connection token")
    .addHelpText("after", EXAMPLES)
    .action(async (options: GenTokenOptions) => {
      const { user, ttl: ttlSec, quiet } = options;
      const { client } = loadForHelper(io, options);
      const token = await asTokenFailure(async () =>
        new TokenIssuer(client.token, io.clock).issueConnection({ user, ttlSec }),
      );
      const heading = `HMAC SHA-256 JWT for ${describeUser(user)} ${describeTtl(ttlSec)}:`;
      io.stdout.write(quiet === true ? token : `${heading}\n${token}\n`);
    });
}
