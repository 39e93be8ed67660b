import type { Command } from "commander";
import { loadConfig } from "../app/config.ts";
import { readServerTls } from "../app/http-listeners.ts";
import { createClientTokenVerifier } from "../auth/token-verifier.ts";
import { asTokenFailure } from "./check-token.ts";
import { type CliIo, CommandFailure } from "./cli-io.ts";
import {
  addConfigOption,
  asCommandFailure,
  configFileOf,
  type ConfigOption,
  DEFAULT_CONFIG_FILE,
} from "./config-option.ts";

interface Options extends ConfigOption {
  readonly strict?: true;
}

const EXAMPLES = `
Prints nothing but warnings, and exits with status 0, when the file is fine.

Examples:
  millrace checkconfig
  millrace checkconfig -c deploy/millrace.yaml --strict
`;

/** `checkconfig`: whether a config file can be used; with `--strict`, whether it has no unknown keys either. */
export function addCheckConfigCommand(program: Command, io: CliIo): void {
  addConfigOption(program.command("checkconfig"))
    .description("check a config file")
    .option("-s, --strict", "fail on unknown keys too")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => {
      const { config, unknownKeys, warnings, source } = asCommandFailure("validating config: ", () =>
        loadConfig({ file: configFileOf(io, options), env: io.env }),
      );
      if (source === undefined) throw new CommandFailure(`config file ${DEFAULT_CONFIG_FILE} not found`);
      if (options.strict === true && unknownKeys.length > 0) {
        throw new CommandFailure(`unknown keys in config: ${unknownKeys.join(", ")}`);
      }
      // Certificates are only read where they are used, and keys of tokens where a verifier is made of them.
      asCommandFailure("validating config: ", () => readServerTls(config));
      await asTokenFailure(() => createClientTokenVerifier(config.client, io.clock));
      for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
    });
}
