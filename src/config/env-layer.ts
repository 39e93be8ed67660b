import { type ConfigProblem, findNearestName, formatPath } from "./config-error.ts";
import { parseJsonText, spellingOfJson } from "./file-format.ts";
import { type FlatName, listFlatNames } from "./flat-names.ts";
import { readLoosely, readText } from "./loose-value.ts";
import { normaliseList, readAsSection } from "./normalise.ts";
import type { ListOutline } from "./outline.ts";
import { getAt, isTree, mergeTrees, setAt, type Tree } from "./tree.ts";

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Prefixes of our environment variables; the first wins. */
const ENV_PREFIXES = ["MILLRACE_", "CENTRIFUGO_"] as const;

/** An environment variable that leads nowhere. */
export interface UnknownVariable {
  readonly variable: string;
  readonly suggestion: string | undefined;
}

/** What the environment added to a configuration. */
export interface EnvLayer {
  readonly unknown: readonly UnknownVariable[];
  readonly problems: readonly ConfigProblem[];
  /** Which variable set the option at a path. */
  readonly origins: ReadonlyMap<string, string>;
}

interface Variable {
  readonly variable: string;
  readonly flatName: string;
  readonly value: string;
}

/** Writes what the environment says over `tree`. An empty variable counts as unset. */
export function applyEnvironment(
  tree: Tree,
  flatNames: ReadonlyMap<string, FlatName>,
  env: Environment,
): EnvLayer {
  const problems: ConfigProblem[] = [];
  const origins = new Map<string, string>();
  const strangers: Variable[] = [];
  // The weakest comes first, so that the strongest is written last.
  const variables = ENV_PREFIXES.toReversed().flatMap((prefix) => selectVariables(env, prefix, flatNames));
  for (const entry of variables) {
    const flat = flatNames.get(entry.flatName);
    const read = flat === undefined ? undefined : readVariable(flat, entry, tree, problems);
    if (flat === undefined || read === undefined) {
      strangers.push(entry);
      continue;
    }
    setAt(tree, flat.path, read.value);
    origins.set(formatPath(flat.path), entry.variable);
  }
  const members = listNamedLists(flatNames);
  const unknown = strangers
    .filter((entry) => !members.some((list) => applyToMember(tree, list, entry, origins)))
    .map((entry) => ({ variable: entry.variable, suggestion: suggestVariable(entry, flatNames) }));
  return { unknown, problems, origins };
}

/** What a variable says of the option or section that has its name; undefined where it can say nothing of it. */
function readVariable(
  { path, outline }: FlatName,
  entry: Variable,
  tree: Tree,
  problems: ConfigProblem[],
): { readonly value: unknown } | undefined {
  if (outline.type === "value") return { value: readText(outline.kind, entry.value) };
  if (outline.type === "list") return { value: readList(outline, path, entry, getAt(tree, path), problems) };
  const members = Object.entries(readAsSection(outline, entry.value) ?? {}).map(([key, value]) => {
    const member = outline.members.get(key);
    return [key, member?.type === "value" ? readLoosely(member.kind, value) : value] as const;
  });
  return members.length === 0 ? undefined : { value: Object.fromEntries(members) };
}

function selectVariables(
  env: Environment,
  prefix: string,
  flatNames: ReadonlyMap<string, FlatName>,
): readonly Variable[] {
  const found: Variable[] = [];
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || value === "" || !variable.startsWith(prefix)) continue;
    const rest = variable.slice(prefix.length);
    if (!isForeign(rest, value, flatNames.has(rest.toLowerCase()))) {
      found.push({ variable, flatName: rest.toLowerCase(), value });
    }
  }
  const isCurrent = (entry: Variable): number => Number(flatNames.get(entry.flatName)?.isCurrent ?? false);
  return found.toSorted((one, other) => isCurrent(one) - isCurrent(other));
}

/** Variables that others make: Kubernetes describes services named like us, users name their own `…_VAR_…`. */
function isForeign(rest: string, value: string, isKnown: boolean): boolean {
  if (rest.startsWith("VAR_")) return true;
  if (isKnown) return /^(tcp|udp|sctp):\/\//.test(value);
  return /^(.*_)?(PORT|SERVICE)(_|$)/.test(rest);
}

/** A list is JSON, which replaces it, or (where a name makes an entry) names of further entries. */
function readList(
  option: ListOutline,
  path: readonly string[],
  entry: Variable,
  present: unknown,
  problems: ConfigProblem[],
): unknown {
  if (entry.value.trimStart().startsWith("[")) {
    try {
      return normaliseList(option, parseJsonText(entry.value), spellingOfJson(entry.value).spell);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      problems.push({ path: formatPath(path), message: `not valid JSON: ${reason}`, where: entry.variable });
      return present;
    }
  }
  if (option.entry.members.has("name")) {
    const names = entry.value.split(/\s+/).filter((name) => name !== "");
    return [...(Array.isArray(present) ? present : []), ...names.map((name) => ({ name }))];
  }
  problems.push({ path: formatPath(path), message: "expected a JSON array", where: entry.variable });
  return present;
}

interface NamedList {
  readonly flatName: string;
  readonly path: readonly string[];
  /** Flat names of what an entry has. */
  readonly members: ReadonlyMap<string, FlatName>;
  /** The member that tells entries apart. */
  readonly key: string;
}

const ENTRY_KEYS = ["name", "id"] as const;

function listNamedLists(flatNames: ReadonlyMap<string, FlatName>): readonly NamedList[] {
  const lists: NamedList[] = [];
  for (const [flatName, { path, outline }] of flatNames) {
    if (outline.type !== "list") continue;
    const key = ENTRY_KEYS.find((member) => outline.entry.members.has(member));
    if (key !== undefined) lists.push({ flatName, path, members: listFlatNames(outline.entry), key });
  }
  return lists;
}

/**
 * Sets one option of one entry: `CHANNEL_NAMESPACES_<NAME>_<OPTION>`, `PUSHER_APPS_<ID>_<OPTION>`. False when the
 * variable is not that.
 */
function applyToMember(tree: Tree, list: NamedList, entry: Variable, origins: Map<string, string>): boolean {
  if (!entry.flatName.startsWith(`${list.flatName}_`)) return false;
  const rest = entry.flatName.slice(list.flatName.length + 1);
  const items: unknown = getAt(tree, list.path);
  if (!Array.isArray(items)) return false;
  for (const [index, item] of items.entries()) {
    const id = isTree(item) ? item[list.key] : undefined;
    if (!isTree(item) || typeof id !== "string") continue;
    const name = id.toLowerCase().replaceAll(/[.-]/g, "_");
    if (!rest.startsWith(`${name}_`)) continue;
    const option = list.members.get(rest.slice(name.length + 1));
    if (option?.outline.type !== "value") continue;
    const over: Tree = {};
    setAt(over, option.path, readText(option.outline.kind, entry.value));
    setAt(tree, list.path, items.with(index, mergeTrees(item, over)));
    origins.set(formatPath([...list.path, index, ...option.path]), entry.variable);
    return true;
  }
  return false;
}

function suggestVariable(entry: Variable, flatNames: ReadonlyMap<string, FlatName>): string | undefined {
  const nearest = findNearestName(entry.flatName, flatNames.keys());
  if (nearest === undefined) return undefined;
  const prefix = entry.variable.slice(0, entry.variable.length - entry.flatName.length);
  return prefix + nearest.toUpperCase();
}
