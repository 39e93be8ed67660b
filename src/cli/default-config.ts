import type { Command } from "commander";
import { configSchema, loadConfig } from "../app/config.ts";
import { formatOf, stringifyTree } from "../config/file-format.ts";
import { outlineOf } from "../config/outline.ts";
import { printConfig } from "../config/print-config.ts";
import type { CliIo } from "./cli-io.ts";
import {
  addConfigOption,
  asCommandFailure,
  type ConfigOption,
  DEFAULT_CONFIG_FILE,
} from "./config-option.ts";
import { writeNewFile } from "./files.ts";

interface Options extends ConfigOption {
  readonly base?: string;
  readonly dryRun?: true;
}

const EXAMPLES = `
The format follows the extension of the target. Environment variables count.

Examples:
  millrace defaultconfig --dry-run
  millrace defaultconfig -c full.yaml
  millrace defaultconfig -b config.json -c full.toml
`;

/** `defaultconfig`: the whole configuration, every option with its value. */
export function addDefaultConfigCommand(program: Command, io: CliIo): void {
  addConfigOption(program.command("defaultconfig"))
    .description("write every option with its default")
    .option("-b, --base <file>", "config file whose values to use in place of defaults")
    .option("-d, --dry-run", "print instead of writing")
    .addHelpText("after", EXAMPLES)
    .action((options: Options) => {
      const text = asCommandFailure("getting config: ", () => render(io, options));
      if (options.dryRun === true) io.stdout.write(text);
      else writeNewFile(io.cwd, targetOf(options), text, "target file already exists");
    });
}

function targetOf({ config }: Options): string {
  return config ?? DEFAULT_CONFIG_FILE;
}

function render(io: CliIo, options: Options): string {
  const { base } = options;
  const file = base === undefined ? {} : { file: { path: base, directory: io.cwd } };
  const format = formatOf(targetOf(options));
  const { config } = loadConfig({ ...file, env: io.env });
  return stringifyTree(printConfig(config, outlineOf(configSchema)), format);
}
