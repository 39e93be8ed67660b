import { type Command, InvalidArgumentError } from "commander";
import { checkConnectionToken, checkSubscriptionToken } from "../auth/token-check.ts";
import { TokenIssuer } from "../auth/token-issuer.ts";
import { formatDuration } from "../config/duration.ts";
import { asTokenFailure, warnIfRefused, warnOfUnknownChannels } from "./check-token.ts";
import { type CliIo, CommandFailure } from "./cli-io.ts";
import { addConfigOption, type ConfigOption, loadForHelper } from "./config-option.ts";
import {
  addClaimOptions,
  addConnectionClaimOptions,
  type ClaimOptions,
  claimsOf,
  type ConnectionClaimOptions,
} from "./token-claims.ts";

/** Options of the commands that make tokens. */
export interface GenTokenOptions extends ConfigOption {
  readonly user: string;
  /** Seconds; 0 or less for a token without expiration. */
  readonly ttl: number;
  readonly quiet?: true;
}

const WEEK_SEC = 604_800;

/** Gives a command the options of token making. */
export function addGenTokenOptions(command: Command): Command {
  return addConfigOption(command)
    .option("-u, --user <id>", "user id; empty for an anonymous user", "")
    .option("-t, --ttl <seconds>", "time to live; 0 or less for no expiration", parseSeconds, WEEK_SEC)
    .option("-q, --quiet", "print the token only, without newline");
}

/** Whom a token is for, in words. */
export function describeUser(user: string): string {
  return user === "" ? "anonymous user" : `user ${JSON.stringify(user)}`;
}

/** How long it lasts, in words. */
export function describeTtl(ttlSec: number): string {
  return ttlSec > 0 ? `with expiration TTL ${formatDuration(ttlSec * 1_000)}` : "without expiration";
}

function parseSeconds(text: string): number {
  if (!/^-?\d{1,12}$/.test(text)) throw new InvalidArgumentError("Seconds are a whole number.");
  return Number(text);
}

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

interface SubTokenOptions extends GenTokenOptions, ClaimOptions {
  readonly channel: string;
}

const SUB_TOKEN_EXAMPLES = `
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
    .addHelpText("after", SUB_TOKEN_EXAMPLES)
    .action(async (options: SubTokenOptions) => {
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
