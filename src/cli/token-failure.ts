import type { Config } from "../app/config.ts";
import { channelRulesOf } from "../app/channel-rules.ts";
import { type CheckedToken, TokenCheckError } from "../auth/token-check.ts";
import { TokenOptionError } from "../auth/config.ts";
import { createClientTokenVerifier } from "../auth/token-verifier.ts";
import type { TokenVerifier } from "../core/token-verifier.ts";
import { type CliIo, CommandFailure } from "./cli-io.ts";

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
