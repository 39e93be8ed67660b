import { InvalidArgumentError, type Command } from "commander";
import { formatDuration } from "../config/duration.ts";
import { addConfigOption, type ConfigOption } from "./config-option.ts";

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
