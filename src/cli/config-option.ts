import type { Command } from "commander";
import { loadConfig, type Config } from "../app/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { CommandFailure, type CliIo } from "./cli-io.ts";

/** File that commands use when none is named. */
export const DEFAULT_CONFIG_FILE = "config.json";

/** Options of a command that reads the configuration. */
export interface ConfigOption {
  readonly config: string;
}

/** Gives a command its `-c`. */
export function addConfigOption(command: Command): Command {
  return command.option("-c, --config <file>", "config file (.json, .yaml or .toml)", DEFAULT_CONFIG_FILE);
}

/** The configuration as a helper command sees it: file and environment; a missing file counts as empty. */
export function loadForHelper(io: CliIo, { config: path }: ConfigOption): Config {
  return asCommandFailure(
    "getting config: ",
    () => loadConfig({ file: { path, directory: io.cwd, isOptional: true }, env: io.env }).config,
  );
}

/** Runs a step; its ConfigError becomes a CommandFailure whose message begins with `context`. */
export function asCommandFailure<T>(context: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (cause instanceof ConfigError) throw new CommandFailure(context + cause.message, { cause });
    throw cause;
  }
}
