import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { parseConfig } from "../app/config.ts";
import { type FileFormat, formatOf, parseDocumentText, stringifyTree } from "../config/file-format.ts";
import type { Tree } from "../config/tree.ts";
import { CommandFailure, type CliIo } from "./cli-io.ts";
import { asCommandFailure } from "./config-option.ts";
import { fillInVariables, importSockudo } from "./import-config-sockudo.ts";
import { importSoketi, unfoldSoketi } from "./import-config-soketi.ts";
import { ImportLog } from "./import-config-tree.ts";

interface Options {
  readonly from: Source;
  readonly format: FileFormat;
}

type Source = "soketi" | "sockudo";

const EXAMPLES = `
Prints a configuration that serves the same apps, secrets included. What cannot be taken over, or means something
else here, is told on stderr.

Examples:
  millrace import-config --from soketi config.json > millrace.json
  millrace import-config --from sockudo config.toml --format yaml > millrace.yaml
`;

/** `import-config`: the configuration of another Pusher server as one of Millrace. */
export function addImportConfigCommand(program: Command, io: CliIo): void {
  program
    .command("import-config")
    .description("print the config file of another Pusher server as one of Millrace")
    .argument("<file>", "its config file (.json, .yaml or .toml)")
    .addOption(
      new Option("--from <server>", "whose file it is").choices(["soketi", "sockudo"]).makeOptionMandatory(),
    )
    .addOption(
      new Option("-f, --format <format>", "what to print").choices(["json", "yaml", "toml"]).default("json"),
    )
    .addHelpText("after", EXAMPLES)
    .action((file: string, { from, format }: Options) => {
      const { tree, notes } = asCommandFailure(`reading ${file}: `, () => importFile(io, file, from));
      io.stdout.write(stringifyTree(tree, format));
      for (const note of notes) io.stderr.write(`note: ${note}\n`);
      asCommandFailure("to be corrected before it can be used: ", () => parseConfig(tree));
    });
}

interface Imported {
  readonly tree: Tree;
  readonly notes: readonly string[];
}

function importFile(io: CliIo, file: string, from: Source): Imported {
  const text = readText(io.cwd, file);
  const log = new ImportLog();
  if (from === "soketi") {
    const written = unfoldSoketi(parseDocumentText(text, formatOf(file), file).tree);
    const tree = importSoketi(written, log);
    return { tree, notes: log.finish(written) };
  }
  const filled = fillInVariables(text, io.env);
  if (filled.missing.length > 0) {
    throw new CommandFailure(`${file} uses variables that are not set: ${filled.missing.join(", ")}`);
  }
  const written = parseDocumentText(filled.text, formatOf(file), file).tree;
  const tree = importSockudo(written, log);
  return { tree, notes: log.finish(written) };
}

function readText(directory: string, file: string): string {
  try {
    return readFileSync(resolve(directory, file), "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(`cannot read ${file}: ${reason}`, { cause });
  }
}
