import type { Command } from "commander";
import { type Config, firstApiKey, loadConfig } from "../app/config.ts";
import { createDevDefaults } from "../app/dev-config.ts";
import { ConfigError } from "../config/config-error.ts";
import { hasTokenKey } from "../auth/config.ts";
import { findDevKeys } from "./dev-keys.ts";
import type { ConfigFile } from "../config/load-config.ts";
import { CommandFailure, type CliIo } from "./cli-io.ts";

/** File that commands use when none is named. */
export const DEFAULT_CONFIG_FILE = "config.json";

/** Options of a command that has to do with a file of the configuration. */
export interface ConfigOption {
  readonly config?: string;
}

/** Gives a command its `-c`. */
export function addConfigOption(command: Command): Command {
  return command.option(
    "-c, --config <file>",
    `config file (.json, .yaml or .toml; default: ${DEFAULT_CONFIG_FILE})`,
  );
}

/** The file that a command reads: the one that is named, which must be there, or else the usual one, which may. */
export function configFileOf(io: CliIo, { config: path }: ConfigOption): ConfigFile {
  return { path: path ?? DEFAULT_CONFIG_FILE, directory: io.cwd, isOptional: path === undefined };
}

/** A key that a helper command cannot do without. */
export type NeededKey = "token key" | "API key";

/**
 * The configuration as a helper command sees it: file and environment, as the server would. Where a needed key is nowhere set, it is that of this user's development server, if there has been one.
 */
export function loadForHelper(io: CliIo, options: ConfigOption, needed?: NeededKey): Config {
  const file = { ...configFileOf(io, options), readsDotEnv: true };
  return asCommandFailure("getting config: ", () => {
    const { config } = loadConfig({ file, env: io.env });
    if (needed === undefined || hasKey(config, needed)) return config;
    const kept = findDevKeys(io.env);
    if (kept === undefined) return config;
    io.stderr.write(`note: no ${needed} is configured: taking the development server's (${kept.path})\n`);
    return loadConfig({ defaults: createDevDefaults(kept.keys), file, env: io.env }).config;
  });
}

function hasKey(config: Config, needed: NeededKey): boolean {
  return needed === "token key" ? hasTokenKey(config.client.token) : firstApiKey(config.http_api) !== "";
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
