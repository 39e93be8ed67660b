import type { Command } from "commander";
import { configSchema, loadConfig } from "../app/config.ts";
import { outlineOf, type Outline } from "../config/outline.ts";
import { printConfig } from "../config/print-config.ts";
import { isTree } from "../config/tree.ts";
import type { CliIo } from "./cli-io.ts";
import { asCommandFailure } from "./config-option.ts";

interface Options {
  readonly base?: string;
  readonly baseNonZeroOnly?: true;
}

const PREFIX = "MILLRACE";
const EXAMPLES = `
The same names with the prefix CENTRIFUGO_ are understood, too.

Examples:
  millrace defaultenv
  millrace defaultenv -b config.json --base-non-zero-only
`;

/** `defaultenv`: the whole configuration as environment variables, sorted. */
export function addDefaultEnvCommand(program: Command, io: CliIo): void {
  program
    .command("defaultenv")
    .description("print every option with its default as an environment variable")
    .option("-b, --base <file>", "config file whose values to use in place of defaults")
    .option("--base-non-zero-only", "leave out what is zero, empty or false")
    .addHelpText("after", EXAMPLES)
    .action(({ base, baseNonZeroOnly }: Options) => {
      const file = base === undefined ? {} : { file: { path: base, directory: io.cwd } };
      const outline = outlineOf(configSchema);
      const { config } = asCommandFailure("getting config: ", () => loadConfig(file));
      const lines = variablesOf(printConfig(config, outline), outline, PREFIX)
        .filter(({ value }) => baseNonZeroOnly !== true || !isZero(value))
        .map(({ name, value }) => `${name}=${formatValue(value)}`);
      io.stdout.write(`${lines.toSorted().join("\n")}\n`);
    });
}

interface Variable {
  readonly name: string;
  readonly value: unknown;
}

/** The options below a section; a list of sections is one variable with JSON. */
function variablesOf(value: unknown, outline: Outline, name: string): Variable[] {
  if (outline.type !== "section" || !isTree(value)) return [{ name, value }];
  return [...outline.members].flatMap(([key, member]) =>
    variablesOf(value[key], member, `${name}_${key.toUpperCase()}`),
  );
}

/** Text in quotes, lists of plain values divided by spaces, lists of sections as JSON. */
function formatValue(value: unknown): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return value.some(isTree) ? JSON.stringify(value) : JSON.stringify(value.join(" "));
}

function isZero(value: unknown): boolean {
  return (
    value === "" ||
    value === 0 ||
    value === false ||
    value === "0s" ||
    (Array.isArray(value) && value.length === 0)
  );
}
