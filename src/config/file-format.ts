import { extname } from "node:path";
import { parse as parseToml, stringify as stringifyToml } from "smol-toml";
import { stringify as stringifyYaml } from "yaml";
import { ConfigError, formatPath } from "./config-error.ts";
import type { Spell } from "./loose-value.ts";
import type { WrittenPath } from "./normalise.ts";
import { isTree, type Tree } from "./tree.ts";
import { YamlSyntaxError, YamlText } from "./yaml-text.ts";

/** Text that is no JSON. It does not quote the text, as its cause does: there may be secrets in it. */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
  /** Where in the text, as far as it is known. */
  readonly position: number | undefined;

  constructor(cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(
      message
        .replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/su, "")
        .replace(/ \(line \d+ column \d+\)$/u, ""),
    );
    const at = /at position (\d+)/u.exec(message)?.[1];
    this.position = at === undefined ? undefined : Number(at);
  }
}

/** Parses JSON that a user has written. Throws JsonSyntaxError. */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JsonSyntaxError(cause);
  }
}

/** Formats of configuration files, told apart by extension. */
export type FileFormat = "json" | "yaml" | "toml";

/** How the parts of a text are written that a parsed value no longer shows. */
export interface Spelling {
  /** Line of a key or list entry, from 1; undefined where the format gives no positions (TOML). */
  lineOf(path: WrittenPath): number | undefined;
  /** What the number or truth value at a path is as text. */
  readonly spell: Spell;
}

/** A configuration file that has been read. */
export interface ConfigDocument extends Spelling {
  readonly tree: Tree;
}

/** The format of a file by its name. Throws ConfigError for any other extension. */
export function formatOf(file: string): FileFormat {
  switch (extname(file).toLowerCase()) {
    case ".json":
      return "json";
    case ".yaml":
    case ".yml":
      return "yaml";
    case ".toml":
      return "toml";
    default:
      throw new ConfigError([
        { path: "", message: `${file}: a config file must end in .json, .yaml, .yml or .toml` },
      ]);
  }
}

/** Reads the text of a configuration file. Throws ConfigError with the line of a syntax error. */
export function parseDocumentText(text: string, format: FileFormat, file: string): ConfigDocument {
  const { value, ...spelling } = parseText(text.replace(/^\uFEFF/, ""), format, file);
  if (value === null || value === undefined) return { tree: {}, ...spelling };
  if (!isTree(value)) {
    throw new ConfigError([{ path: "", message: "a configuration must be an object", where: file }]);
  }
  return { tree: value, ...spelling };
}

/** How a text that is JSON is written. */
export function spellingOfJson(text: string): Spelling {
  // JSON carries no positions, but it is YAML, whose parser knows them; needed only now and then.
  let parsed: YamlText | undefined;
  const yaml = (): YamlText => (parsed ??= YamlText.ofJson(text));
  return {
    lineOf: (path) => yaml().lineOf(path),
    spell: (value, path) => yaml().sourceOf(path) ?? String(value),
  };
}

/** Writes a configuration in a format. */
export function stringifyTree(tree: Tree, format: FileFormat): string {
  if (format === "json") return `${JSON.stringify(tree, undefined, 2)}\n`;
  return format === "yaml" ? stringifyYaml(tree) : `${stringifyToml(tree)}\n`;
}

interface ParsedText extends Spelling {
  readonly value: unknown;
}

function parseText(text: string, format: FileFormat, file: string): ParsedText {
  if (format === "json") return parseJson(text, file);
  return format === "yaml" ? parseYaml(text, file) : parseTomlText(text, file);
}

function parseJson(text: string, file: string): ParsedText {
  const spelling = spellingOfJson(text);
  if (text.trim() === "") return { value: undefined, ...spelling };
  try {
    return { value: parseJsonText(text), ...spelling };
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    const { message, position } = cause;
    const line = position === undefined ? undefined : text.slice(0, position).split("\n").length;
    throw syntaxError(message, file, line);
  }
}

function parseYaml(text: string, file: string): ParsedText {
  try {
    const yaml = YamlText.parse(text);
    return {
      value: yaml.toValue(),
      lineOf: (path) => yaml.lineOf(path),
      spell: (value, path) => yaml.sourceOf(path) ?? String(value),
    };
  } catch (cause) {
    if (!(cause instanceof YamlSyntaxError)) throw cause;
    throw syntaxError(cause.message, file, cause.line);
  }
}

function parseTomlText(text: string, file: string): ParsedText {
  try {
    const floats = new Set<string>();
    const value = readTomlNumbers(parseToml(text, { integersAsBigInt: true }), [], floats);
    return {
      value,
      lineOf: () => undefined,
      // TOML does not tell how a fraction is spelled: it stays what it is, which is no text.
      spell: (number, path) => (floats.has(formatPath(path)) ? number : String(number)),
    };
  } catch (cause) {
    const line =
      typeof cause === "object" && cause !== null && "line" in cause && typeof cause.line === "number"
        ? cause.line
        : undefined;
    const message = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw syntaxError(message, file, line);
  }
}

/** Integers of TOML as numbers, or as text where they are larger; notes down the paths of other numbers. */
function readTomlNumbers(value: unknown, path: WrittenPath, floats: Set<string>): unknown {
  if (typeof value === "number") floats.add(formatPath(path));
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => readTomlNumbers(item, [...path, index], floats));
  }
  if (!isTree(value) || value instanceof Date) return value;
  const members = Object.entries(value);
  return Object.fromEntries(
    members.map(([key, member]) => [key, readTomlNumbers(member, [...path, key], floats)]),
  );
}

/** Without its cause, which quotes the text: there are secrets in it, and errors are logged. */
function syntaxError(message: string, file: string, line: number | undefined): ConfigError {
  const where = line === undefined ? file : `${file}:${line}`;
  return new ConfigError([{ path: formatPath([]), message: `syntax error: ${message}`, where }]);
}
