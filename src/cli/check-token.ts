import type { Command } from "commander";
import { checkConnectionToken } from "../auth/token-check.ts";
import { createClientTokenVerifier } from "../auth/token-verifier.ts";
import type { CliIo } from "./cli-io.ts";
import { addConfigOption, loadForHelper, type ConfigOption } from "./config-option.ts";
import { asTokenFailure, warnOfUnknownChannels } from "./token-failure.ts";

const EXAMPLES = `
Examples:
  millrace checktoken eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…
  millrace checktoken -c config.yaml "$(millrace gentoken -c config.yaml -u 42 -q)"
`;

/** `checktoken`: whether the server would accept a connection token, and what it says. */
export function addCheckTokenCommand(program: Command, io: CliIo): void {
  addConfigOption(program.command("checktoken"))
    .description("check a connection token")
    .argument("<token>", "the token (JWT)")
    .addHelpText("after", EXAMPLES)
    .action(async (token: string, options: ConfigOption) => {
      const config = loadForHelper(io, options, "token key");
      const { user, channels, payload } = await asTokenFailure(async () =>
        checkConnectionToken(await createClientTokenVerifier(config.client, io.clock), token),
      );
      const whose = user === "" ? "anonymous user" : `user ${user}`;
      warnOfUnknownChannels(io, config, channels);
      io.stdout.write(`valid token for ${whose}\npayload: ${payload}\n`);
    });
}
