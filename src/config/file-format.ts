import { extname } from "node:path";
import { parse as parseToml, stringify as stringifyToml } from "smol-toml";
import { isNode, LineCounter, parseDocument, stringify as stringifyYaml, type Document } from "yaml";
import { ConfigError, formatPath } from "./config-error.ts";
import { JsonSyntaxError, parseJsonText } from "./json-text.ts";
import type { WrittenPath } from "./normalise.ts";
import { isTree, type Tree } from "./tree.ts";

/** Formats of configuration files, told apart by extension. */
export type FileFormat = "json" | "yaml" | "toml";

/** A configuration file that has been read. */
export interface ConfigDocument {
  readonly tree: Tree;
  /** Line of a key or list entry, from 1; undefined where the format gives no positions (TOML). */
  lineOf(path: WrittenPath): number | undefined;
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
  const { value, lineOf } = parseText(text.replace(/^\uFEFF/, ""), format, file);
  if (value === null || value === undefined) return { tree: {}, lineOf };
  if (!isTree(value)) {
    throw new ConfigError([{ path: "", message: "a configuration must be an object", where: file }]);
  }
  return { tree: value, lineOf };
}

/** Writes a configuration in a format. */
export function stringifyTree(tree: Tree, format: FileFormat): string {
  if (format === "json") return `${JSON.stringify(tree, undefined, 2)}\n`;
  return format === "yaml" ? stringifyYaml(tree) : `${stringifyToml(tree)}\n`;
}

interface ParsedText {
  readonly value: unknown;
  readonly lineOf: (path: WrittenPath) => number | undefined;
}

function parseText(text: string, format: FileFormat, file: string): ParsedText {
  if (format === "json") return parseJson(text, file);
  if (format === "yaml") return parseYaml(text, file);
  return { value: parseTomlText(text, file), lineOf: () => undefined };
}

function parseJson(text: string, file: string): ParsedText {
  if (text.trim() === "") return { value: undefined, lineOf: () => undefined };
  try {
    return { value: parseJsonText(text), lineOf: (path) => locate(text, path) };
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    const { message, position } = cause;
    const line = position === undefined ? undefined : text.slice(0, position).split("\n").length;
    throw syntaxError(message, file, line);
  }
}

/** JSON carries no positions, but it is YAML, whose parser knows them; needed only once there is an error. */
function locate(text: string, path: WrittenPath): number | undefined {
  const lines = new LineCounter();
  return lineIn(parseDocument(text, { lineCounter: lines, uniqueKeys: false }), lines, path);
}

function parseYaml(text: string, file: string): ParsedText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) throw syntaxError(error.message, file, lines.linePos(error.pos[0]).line);
  const value: unknown = document.toJS();
  return { value, lineOf: (path) => lineIn(document, lines, path) };
}

function lineIn(document: Document, lines: LineCounter, path: WrittenPath): number | undefined {
  const node: unknown = document.getIn(path, true);
  if (!isNode(node) || node.range === null || node.range === undefined) return undefined;
  return lines.linePos(node.range[0]).line;
}

function parseTomlText(text: string, file: string): unknown {
  try {
    return parseToml(text);
  } catch (cause) {
    const line =
      typeof cause === "object" && cause !== null && "line" in cause && typeof cause.line === "number"
        ? cause.line
        : undefined;
    const message = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw syntaxError(message, file, line);
  }
}

/** Without its cause, which quotes the text: there are secrets in it, and errors are logged. */
function syntaxError(message: string, file: string, line: number | undefined): ConfigError {
  const where = line === undefined ? file : `${file}:${line}`;
  return new ConfigError([{ path: formatPath([]), message: `syntax error: ${message}`, where }]);
}
