import type { Command } from "commander";
import { checkSubscriptionToken } from "../auth/token-check.ts";
import { TokenIssuer } from "../auth/token-issuer.ts";
import { CommandFailure, type CliIo } from "./cli-io.ts";
import { loadForHelper } from "./config-option.ts";
import { addClaimOptions, claimsOf, type ClaimOptions } from "./token-claims.ts";
import { asTokenFailure, warnIfRefused, warnOfUnknownChannels } from "./token-failure.ts";
import { addGenTokenOptions, describeTtl, describeUser, type GenTokenOptions } from "./token-options.ts";

interface Options extends GenTokenOptions, ClaimOptions {
  readonly channel: string;
}

const EXAMPLES = `
Signs with client.subscription_token.hmac_secret_key where client.subscription_token.enabled is set,
and with client.token.hmac_secret_key otherwise, as gentoken does.

Examples:
  millrace gensubtoken -u 42 -s chat:index
  millrace gensubtoken -u 42 -s chat:index --info '{"role":"host"}'
`;

/** `gensubtoken`: a subscription token for development. */
export function addGenSubTokenCommand(program: Command, io: CliIo): void {
  addClaimOptions(addGenTokenOptions(program.command("gensubtoken")), "the user in the channel")
    .description("make a subscription token")
    .option("-s, --channel <channel>", "channel that the token opens", "")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => {
      const { user, channel, ttl: ttlSec, quiet } = options;
      if (channel === "") throw new CommandFailure("channel is required");
      const config = loadForHelper(io, options, "token key");
      const { client } = config;
      const section = client.subscription_token.enabled ? "subscription_token" : "token";
      const claims = claimsOf(options);
      const token = await asTokenFailure(async () => {
        const issuer = new TokenIssuer(client[section], io.clock, { section: `client.${section}` });
        return issuer.issueSubscription({ user, channel, ttlSec, claims });
      });
      await warnIfRefused(io, config, (verifier) => checkSubscriptionToken(verifier, token));
      warnOfUnknownChannels(io, config, [channel]);
      const subject = `${describeUser(user)} and channel ${JSON.stringify(channel)}`;
      const heading = `HMAC SHA-256 JWT for ${subject} ${describeTtl(ttlSec)}:`;
      io.stdout.write(quiet === true ? token : `${heading}\n${token}\n`);
    });
}
