import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import type { z } from "zod";
import { ConfigError, type ConfigProblem, explainIssue, formatPath } from "./config-error.ts";
import { applyEnvironment, type Environment, type EnvLayer } from "./env-layer.ts";
import { type ConfigDocument, formatOf, parseDocumentText } from "./file-format.ts";
import { type FlatName, listFlatNames } from "./flat-names.ts";
import { readText, type Spell } from "./loose-value.ts";
import { normalise, type Normalised, type WrittenPath } from "./normalise.ts";
import { findOption, outlineOf, type SectionOutline } from "./outline.ts";
import { isTree, mergeTrees, setAt, type Tree } from "./tree.ts";
import { findUnsupported, withUpstream } from "./upstream.ts";

/** Where a configuration comes from; each source wins over the ones before it. */
export interface ConfigSources {
  /** Values in place of the schema's defaults, by canonical names. */
  readonly defaults?: Tree;
  /** The file, by format of its extension. */
  readonly file?: ConfigFile;
  /** Values given in code, as one would write them in a file. */
  readonly values?: unknown;
  /** Whether an unknown key among the values is an error, not a warning. Default: false. */
  readonly refusesUnknown?: boolean;
  readonly env?: Environment;
  /** Command-line flags by path: `{ "http_server.port": "8003" }`. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** A configuration file to read. */
export interface ConfigFile {
  /** Path as the user gave it; errors show it. */
  readonly path: string;
  /** Directory that `path` is relative to, and where a `.env` file is looked for. */
  readonly directory: string;
  /** Whether to read `.env` too: below the real environment, above the file. */
  readonly readsDotEnv?: boolean;
  /** Whether it goes without saying that there may be no file. */
  readonly isOptional?: boolean;
}

/** A complete, valid configuration and what to tell its owner about it. */
export interface LoadedConfig<T> {
  readonly config: T;
  /** Sentences for the log. */
  readonly warnings: readonly string[];
  /** Keys and environment variables that led nowhere, as written; `checkconfig --strict` refuses them. */
  readonly unknownKeys: readonly string[];
  /** The file that was read; undefined when there was none. */
  readonly source: string | undefined;
}

/** Loads a configuration from all its sources. Throws ConfigError with every problem found. */
export function loadLayers<T>(schema: z.ZodType<T>, sources: ConfigSources): LoadedConfig<T> {
  const root = withUpstream(outlineOf(schema));
  const flatNames = listFlatNames(root);
  const report = new Report();
  const document = sources.file === undefined ? undefined : readDocument(sources.file);
  const source = document === undefined ? undefined : sources.file?.path;

  const fileTree = addWritten(report, root, flatNames, {
    raw: document?.tree ?? {},
    spell: document?.spell ?? String,
    locate(written) {
      const line = document?.lineOf(written);
      return line === undefined ? source : `${source}:${line}`;
    },
    refuses: isAboutTls,
  });
  const valueTree = addWritten(report, root, flatNames, {
    raw: readValues(sources.values),
    spell: String,
    locate: () => undefined,
    refuses: (written) => sources.refusesUnknown === true || isAboutTls(written),
  });
  const tree = mergeTrees(mergeTrees(structuredClone(sources.defaults ?? {}), fileTree), valueTree);

  const env = applyEnvironment(tree, flatNames, readEnvironment(sources));
  report.addEnvironment(env);
  for (const [path, text] of Object.entries(sources.flags ?? {})) {
    const option = findOption(root, path);
    setAt(tree, path.split("."), readText(option?.type === "value" ? option.kind : "text", text));
    report.setOrigin(path, () => `--${path}`);
  }

  for (const { path, off } of findUnsupported(tree)) {
    const way = off === "" ? "remove it" : `remove it, or set ${JSON.stringify(off)}`;
    report.addProblem(path, `not supported yet; to start without, ${way}`);
  }
  const result = schema.safeParse(tree);
  if (!result.success) {
    for (const issue of result.error.issues) report.addProblem(issue.path, explainIssue(issue, tree, root));
  }
  const config = report.finish(result.data);
  return { config, warnings: report.warnings, unknownKeys: report.unknownKeys, source };
}

/** A name that leads nowhere. */
interface Stray {
  readonly name: string;
  /** The known name most like it. */
  readonly nearest: string | undefined;
  readonly where: string | undefined;
}

class Report {
  readonly warnings: string[] = [];
  readonly unknownKeys: string[] = [];
  readonly #problems: ConfigProblem[] = [];
  readonly #origins = new Map<string, () => string | undefined>();

  setOrigin(path: string, where: () => string | undefined): void {
    this.#origins.set(path, where);
  }

  addProblem(path: readonly PropertyKey[], message: string): void {
    this.#problems.push({ path: formatPath(path), message, where: this.#findOrigin(path) });
  }

  /** What the nearest enclosing key with a known origin says. */
  #findOrigin(path: readonly PropertyKey[]): string | undefined {
    for (let length = path.length; length > 0; length--) {
      const where = this.#origins.get(formatPath(path.slice(0, length)));
      if (where !== undefined) return where();
    }
    return undefined;
  }

  /** A key or variable that leads nowhere. */
  addStray(kind: string, { name, nearest, where }: Stray): void {
    this.unknownKeys.push(name);
    const hint = nearest === undefined ? "" : `: did you mean \`${nearest}\`?`;
    const place = where === undefined ? "" : ` (${where})`;
    this.warnings.push(`unknown ${kind} \`${name}\`${hint}${place}`);
  }

  /** A key that leads nowhere, where that is an error. */
  refuseStray({ name, nearest, where }: Stray): void {
    const hint = nearest === undefined ? "" : `: did you mean \`${nearest}\`?`;
    this.#problems.push({ path: name, message: `there is no such option${hint}`, where });
  }

  addEnvironment(env: EnvLayer): void {
    this.#problems.push(...env.problems);
    for (const [path, variable] of env.origins) this.setOrigin(path, () => variable);
    for (const { variable, suggestion } of env.unknown) {
      this.addStray("environment variable", { name: variable, nearest: suggestion, where: undefined });
    }
  }

  finish<T>(config: T | undefined): T {
    if (this.#problems.length > 0 || config === undefined) throw new ConfigError(this.#problems);
    return config;
  }
}

/** A configuration as somebody wrote it. */
interface Written {
  readonly raw: Tree;
  readonly spell: Spell;
  /** Where a key stands. */
  readonly locate: (written: WrittenPath) => string | undefined;
  /** Whether a key that leads nowhere is an error. */
  readonly refuses: (written: WrittenPath) => boolean;
}

/** A misspelt key there may leave open what was meant to be shut, such as to clients without certificate. */
function isAboutTls(written: WrittenPath): boolean {
  return written.some((step) => typeof step === "string" && /(?:^|_)tls$/iu.test(step));
}

function addWritten(
  report: Report,
  root: SectionOutline,
  flatNames: ReadonlyMap<string, FlatName>,
  { raw, spell, locate, refuses }: Written,
): Tree {
  const normalised: Normalised = normalise(raw, root, flatNames, spell);
  for (const [path, written] of normalised.written) report.setOrigin(path, () => locate(written));
  for (const { written, suggestion } of normalised.unknown) {
    const stray = { name: formatPath(written), nearest: suggestion, where: locate(written) };
    if (refuses(written)) report.refuseStray(stray);
    else report.addStray("key", stray);
  }
  for (const written of normalised.shadowed) {
    report.warnings.push(`\`${formatPath(written)}\` is ignored: its current name is given too`);
  }
  return normalised.tree;
}

function readDocument(file: ConfigFile): ConfigDocument | undefined {
  const format = formatOf(file.path);
  let text: string;
  try {
    text = readFileSync(resolve(file.directory, file.path), "utf8");
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (isMissing && file.isOptional === true) return undefined;
    const reason = isMissing ? "not found" : `not readable: ${cause instanceof Error ? cause.message : ""}`;
    throw new ConfigError([{ path: "", message: `config file ${file.path} ${reason}` }]);
  }
  return parseDocumentText(text, format, file.path);
}

function readEnvironment(sources: ConfigSources): Environment {
  if (sources.file?.readsDotEnv !== true) return sources.env ?? {};
  try {
    return {
      ...parseEnv(readFileSync(resolve(sources.file.directory, ".env"), "utf8")),
      ...sources.env,
    };
  } catch {
    // No .env file is the usual case, and an unreadable one is no reason not to start.
    return sources.env ?? {};
  }
}

function readValues(values: unknown): Tree {
  if (values === undefined || values === null) return {};
  if (isTree(values)) return values;
  throw new ConfigError([{ path: "", message: "a configuration must be an object" }]);
}
