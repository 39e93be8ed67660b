import type { Command } from "commander";
import { channelRulesOf } from "../app/channel-rules.ts";
import type { Config } from "../app/config.ts";
import { TokenOptionError } from "../auth/config.ts";
import {
  checkConnectionToken,
  type CheckedToken,
  checkSubscriptionToken,
  TokenCheckError,
} from "../auth/token-check.ts";
import { createClientTokenVerifier } from "../auth/token-verifier.ts";
import type { TokenVerifier } from "../core/token-verifier.ts";
import { type CliIo, CommandFailure } from "./cli-io.ts";
import { addConfigOption, type ConfigOption, loadForHelper } from "./config-option.ts";

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

const SUB_TOKEN_EXAMPLES = `
Examples:
  millrace checksubtoken eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…
  millrace checksubtoken "$(millrace gensubtoken -u 42 -s chat -q)"
`;

/** `checksubtoken`: whether the server would accept a subscription token, and what it says. */
export function addCheckSubTokenCommand(program: Command, io: CliIo): void {
  addConfigOption(program.command("checksubtoken"))
    .description("check a subscription token")
    .argument("<token>", "the token (JWT)")
    .addHelpText("after", SUB_TOKEN_EXAMPLES)
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

/** Runs a step with tokens; unusable options and refused tokens become a CommandFailure. */
export async function asTokenFailure<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    const isExpected = cause instanceof TokenOptionError || cause instanceof TokenCheckError;
    if (isExpected) throw new CommandFailure(cause.message, { cause });
    throw cause;
  }
}

/** Says so where a server with this configuration would refuse a token that has just been made. */
export async function warnIfRefused<Token extends CheckedToken>(
  io: CliIo,
  config: Config,
  check: (verifier: TokenVerifier) => Promise<Token>,
): Promise<Token | undefined> {
  const verifier = await asTokenFailure(() => createClientTokenVerifier(config.client, io.clock));
  try {
    return await check(verifier);
  } catch (error) {
    if (!(error instanceof TokenCheckError)) throw error;
    io.stderr.write(`warning: the server would refuse this token: ${error.reason}\n`);
    return undefined;
  }
}

/** Says so where the channels of a token are none to a server with this configuration, which then refuses it. */
export function warnOfUnknownChannels(io: CliIo, config: Config, channels: readonly string[]): void {
  const rules = channelRulesOf(config.channel, config.pusher);
  for (const channel of channels.filter((name) => rules.optionsOf(name) === undefined)) {
    const problem = `the namespace of its channel ${JSON.stringify(channel)} is not in channel.namespaces`;
    io.stderr.write(`warning: the server would refuse this token: ${problem}\n`);
  }
}
