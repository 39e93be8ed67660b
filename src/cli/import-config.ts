import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { parseConfig } from "../app/config.ts";
import { IMPORT_SOURCES, importConfig, type ImportSource } from "../app/import/import-config.ts";
import { type FileFormat, stringifyTree } from "../config/file-format.ts";
import { CommandFailure, type CliIo } from "./cli-io.ts";
import { asCommandFailure } from "./config-option.ts";

interface Options {
  readonly from: ImportSource;
  readonly format: FileFormat;
}

const EXAMPLES = `
Prints a configuration that serves the same apps, secrets included. What cannot be taken over, or means something
else here, is told on stderr.

Examples:
  millrace import-config --from soketi config.json > millrace.json
  millrace import-config --from sockudo config.toml --format yaml > millrace.yaml
  millrace import-config --from reverb .env > millrace.json

What a Laravel application's config/reverb.php says beside its .env, Laravel prints:
  php artisan tinker --execute 'echo json_encode(config("reverb"));' > reverb.json
`;

/** `import-config`: the configuration of another Pusher server as one of Millrace. */
export function addImportConfigCommand(program: Command, io: CliIo): void {
  program
    .command("import-config")
    .description("print the config file of another Pusher server as one of Millrace")
    .argument("<file>", "its config file (.json, .yaml or .toml; of reverb also .env)")
    .addOption(
      new Option("--from <server>", "whose file it is").choices(IMPORT_SOURCES).makeOptionMandatory(),
    )
    .addOption(
      new Option("-f, --format <format>", "what to print").choices(["json", "yaml", "toml"]).default("json"),
    )
    .addHelpText("after", EXAMPLES)
    .action((file: string, { from, format }: Options) => {
      const text = readText(io.cwd, file);
      const { tree, notes } = asCommandFailure(`reading ${file}: `, () =>
        importConfig(from, file, text, io.env),
      );
      io.stdout.write(stringifyTree(tree, format));
      for (const note of notes) io.stderr.write(`note: ${note}\n`);
      asCommandFailure("to be corrected before it can be used: ", () => parseConfig(tree));
    });
}

function readText(directory: string, file: string): string {
  try {
    return readFileSync(resolve(directory, file), "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(`cannot read ${file}: ${reason}`, { cause });
  }
}
