import type { Command } from "commander";
import { TokenIssuer } from "../auth/token-issuer.ts";
import { CommandFailure, type CliIo } from "./cli-io.ts";
import { loadForHelper } from "./config-option.ts";
import { asTokenFailure } from "./token-failure.ts";
import { addGenTokenOptions, describeTtl, describeUser, type GenTokenOptions } from "./token-options.ts";

interface Options extends GenTokenOptions {
  readonly channel: string;
}

const EXAMPLES = `
Signs with client.subscription_token.hmac_secret_key where client.subscription_token.enabled is set,
and with client.token.hmac_secret_key otherwise.

Examples:
  millrace gensubtoken -u 42 -s chat:index
`;

/** `gensubtoken`: a subscription token for development. */
export function addGenSubTokenCommand(program: Command, io: CliIo): void {
  addGenTokenOptions(program.command("gensubtoken"))
    .description("make a subscription token")
    .option("-s, --channel <channel>", "channel that the token opens", "")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => {
      const { user, channel, ttl: ttlSec, quiet } = options;
      if (channel === "") throw new CommandFailure("channel is required");
      const { client } = loadForHelper(io, options);
      const section = client.subscription_token.enabled ? "subscription_token" : "token";
      const token = await asTokenFailure(async () => {
        const issuer = new TokenIssuer(client[section], io.clock, { section: `client.${section}` });
        return issuer.issueSubscription({ user, channel, ttlSec });
      });
      const subject = `${describeUser(user)} and channel ${JSON.stringify(channel)}`;
      const heading = `HMAC SHA-256 JWT for ${subject} ${describeTtl(ttlSec)}:`;
      io.stdout.write(quiet === true ? token : `${heading}\n${token}\n`);
    });
}
