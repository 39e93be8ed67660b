import type { Command } from "commander";
import { checkSubscriptionToken } from "../auth/token-check.ts";
import { createClientTokenVerifier } from "../auth/token-verifier.ts";
import type { CliIo } from "./cli-io.ts";
import { addConfigOption, loadForHelper, type ConfigOption } from "./config-option.ts";
import { asTokenFailure, warnOfUnknownChannels } from "./token-failure.ts";

const EXAMPLES = `
Examples:
  millrace checksubtoken eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…
  millrace checksubtoken "$(millrace gensubtoken -u 42 -s chat -q)"
`;

/** `checksubtoken`: whether the server would accept a subscription token, and what it says. */
export function addCheckSubTokenCommand(program: Command, io: CliIo): void {
  addConfigOption(program.command("checksubtoken"))
    .description("check a subscription token")
    .argument("<token>", "the token (JWT)")
    .addHelpText("after", EXAMPLES)
    .action(async (token: string, options: ConfigOption) => {
      const config = loadForHelper(io, options, "token key");
      const { user, channel, payload } = await asTokenFailure(async () =>
        checkSubscriptionToken(await createClientTokenVerifier(config.client, io.clock), token),
      );
      const whose = user === "" ? "anonymous user" : `user ${JSON.stringify(user)}`;
      const subject = `${whose} and channel ${JSON.stringify(channel)}`;
      warnOfUnknownChannels(io, config, [channel]);
      io.stdout.write(`valid subscription token for ${subject}\npayload: ${payload}\n`);
    });
}
