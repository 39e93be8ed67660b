import type { Command } from "commander";
import { loadConfig } from "../app/config.ts";
import { CommandFailure, type CliIo } from "./cli-io.ts";
import { addConfigOption, asCommandFailure, type ConfigOption } from "./config-option.ts";

interface Options extends ConfigOption {
  readonly strict: boolean;
}

const EXAMPLES = `
Prints nothing but warnings and exits with status 0 when the server would start with the file.

Examples:
  millrace checkconfig
  millrace checkconfig -c deploy/millrace.yaml --strict
`;

/** `checkconfig`: whether a config file can be used; with `--strict`, whether it has no unknown keys either. */
export function addCheckConfigCommand(program: Command, io: CliIo): void {
  addConfigOption(program.command("checkconfig"))
    .description("check a config file")
    .option("-s, --strict", "fail on unknown keys too", false)
    .addHelpText("after", EXAMPLES)
    .action((options: Options) => {
      const { unknownKeys, warnings, source } = asCommandFailure("validating config: ", () =>
        loadConfig({ file: { path: options.config, directory: io.cwd, isOptional: true }, env: io.env }),
      );
      if (source === undefined) throw new CommandFailure("config file not found");
      if (options.strict && unknownKeys.length > 0) {
        throw new CommandFailure(`unknown keys in config: ${unknownKeys.join(", ")}`);
      }
      for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
    });
}
