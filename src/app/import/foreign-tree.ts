import { formatPath } from "../../config/config-error.ts";
import { readLoosely, type Spell } from "../../config/loose-value.ts";
import { isTree, type Tree } from "../../config/tree.ts";
import { WEBHOOK_EVENTS } from "../../protocols/pusher/config.ts";

type Path = readonly (string | number)[];

/** One section of another server's configuration. It remembers what has been read, to tell what has not. */
export class ForeignTree {
  readonly #tree: Tree;
  readonly #path: Path;
  readonly #log: ImportLog;

  constructor(tree: Tree, log: ImportLog, path: Path = []) {
    this.#tree = tree;
    this.#log = log;
    this.#path = path;
  }

  /** Whether the key has a value. */
  has(key: string): boolean {
    return (this.#tree[key] ?? null) !== null;
  }

  /** The value under the last of the keys that has one; undefined where none has. */
  value(...keys: readonly string[]): unknown {
    let value: unknown;
    for (const key of keys) {
      this.#log.take([...this.#path, key]);
      value = this.#tree[key] ?? value;
    }
    return value;
  }

  text(keys: readonly string[], fallback: string): string {
    return this.#read(keys, "text", fallback, (value) => typeof value === "string");
  }

  flag(keys: readonly string[], fallback: boolean): boolean {
    return this.#read(keys, "boolean", fallback, (value) => typeof value === "boolean");
  }

  /** A number; a fraction is rounded up. */
  number(keys: readonly string[], fallback: number): number {
    const raw = this.value(...keys);
    const number = typeof raw === "string" && raw.trim() !== "" ? Number(raw) : (raw ?? fallback);
    if (typeof number === "number" && Number.isFinite(number)) return Math.ceil(number);
    return this.#unreadable(keys, fallback);
  }

  texts(...keys: readonly string[]): readonly string[] {
    const raw = this.value(...keys);
    return Array.isArray(raw) ? raw.filter((item) => typeof item === "string") : [];
  }

  /** The section under a key; an empty one where there is none. */
  section(key: string): ForeignTree {
    const raw = this.#tree[key];
    return new ForeignTree(isTree(raw) ? raw : {}, this.#log, [...this.#path, key]);
  }

  /** The sections in a list, which may be written as JSON text; undefined where there is no list. */
  sections(...keys: readonly string[]): readonly ForeignTree[] | undefined {
    const key = keys.findLast((candidate) => this.has(candidate));
    if (key === undefined) return undefined;
    const raw = this.#tree[key];
    if (typeof raw === "string") this.#log.take([...this.#path, key]);
    const list = typeof raw === "string" ? parseList(raw) : listOf(raw);
    return list?.map((item, index) => {
      return new ForeignTree(isTree(item) ? item : {}, this.#log, [...this.#path, key, index]);
    });
  }

  /** Tells the reader of the import about a key. */
  note(key: string, message: string): void {
    this.#log.note([...this.#path, key], message);
  }

  /** Takes a key whose value, one of these, means what Millrace does anyway. */
  expect(key: string, ...values: readonly unknown[]): void {
    if (!this.has(key) || values.includes(this.#tree[key])) this.value(key);
  }

  #read<T>(
    keys: readonly string[],
    kind: "text" | "boolean",
    fallback: T,
    isFine: (value: unknown) => value is T,
  ): T {
    const key = keys.findLast((candidate) => this.has(candidate)) ?? "";
    const written = { path: [...this.#path, key], spell: this.#log.spell };
    const value = readLoosely(kind, this.value(...keys) ?? fallback, written);
    return isFine(value) ? value : this.#unreadable(keys, fallback);
  }

  #unreadable<T>(keys: readonly string[], fallback: T): T {
    const key = keys.findLast((candidate) => this.has(candidate)) ?? "";
    this.note(key, `cannot be read, taken as ${JSON.stringify(fallback)}`);
    return fallback;
  }
}

/** What becomes of the keys of another server's configuration. */
export class ImportLog {
  readonly #taken = new Set<string>();
  readonly #notes: string[] = [];
  readonly spell: Spell;

  constructor(spell: Spell) {
    this.spell = spell;
  }

  take(path: Path): void {
    this.#taken.add(formatPath(path));
  }

  note(path: Path, message: string): void {
    this.take(path);
    this.#notes.push(`${formatPath(path)}: ${message}`);
  }

  /** All notes, and one for each key or section of the tree that nobody has read. */
  finish(tree: Tree): readonly string[] {
    return [...this.#notes, ...this.#leftOver(tree, []).map((path) => `not taken over: ${path}`)];
  }

  /** Paths of what has not been read; a section that nothing has been read of is one path, and nothing none. */
  #leftOver(value: unknown, path: Path): readonly string[] {
    const name = formatPath(path);
    const isNothing = value === null || (Array.isArray(value) && value.length === 0);
    if (isNothing || this.#taken.has(name)) return [];
    if (isTree(value) && this.#isTouched(name)) {
      return Object.entries(value).flatMap(([key, item]) => this.#leftOver(item, [...path, key]));
    }
    if (Array.isArray(value) && this.#isTouched(name)) {
      return value.flatMap((item, index) => this.#leftOver(item, [...path, index]));
    }
    return [name];
  }

  #isTouched(name: string): boolean {
    if (name === "") return true;
    return [...this.#taken].some((taken) => taken.startsWith(`${name}.`) || taken.startsWith(`${name}[`));
  }
}

function parseList(text: string): readonly unknown[] | undefined {
  try {
    return listOf(JSON.parse(text));
  } catch {
    // Text that is no JSON is no list either.
    return undefined;
  }
}

/** Dotted keys make a list of an object with numbers for keys. */
function listOf(raw: unknown): readonly unknown[] | undefined {
  if (isTree(raw)) return Object.values(raw);
  return Array.isArray(raw) ? raw : undefined;
}

/** One limit of apps. */
export interface LimitNames {
  /** Our name. */
  readonly to: string;
  /** Their spellings; the last one given wins. */
  readonly from: readonly string[];
  /** What holds where an app does not say; 0 for no limit. */
  readonly fallback: number;
  /** Smaller numbers stand for no limit. */
  readonly unlimitedBelow: number;
}

/** Reads an app's limits as ours, which are 0 for none. */
export function readLimits(app: ForeignTree, limits: readonly LimitNames[]): Record<string, number> {
  const read = limits.map(({ to, from, fallback, unlimitedBelow }) => {
    if (!from.some((key) => app.has(key))) return [to, fallback] as const;
    return [to, app.number(from, fallback) < unlimitedBelow ? 0 : readPositive(app, from, fallback)] as const;
  });
  return Object.fromEntries(read);
}

/** Reads a number that is at least 1: one that lets nothing through becomes 1, with a note. */
export function readPositive(section: ForeignTree, keys: readonly string[], fallback: number): number {
  const number = section.number(keys, fallback);
  if (number >= 1) return number;
  const key = keys.findLast((candidate) => section.has(candidate)) ?? "";
  section.note(key, "lets nothing through, which Millrace cannot say: taken over as 1");
  return 1;
}

/** How another server calls the members of a webhook's filter. */
export interface FilterNames {
  readonly prefix: string;
  readonly suffix: string;
}

const KNOWN: ReadonlySet<string> = new Set(WEBHOOK_EVENTS);

/** Reads the webhooks of an app. Those that are no HTTP endpoint, or get no event that there is, are left out. */
export function readWebhooks(
  webhooks: readonly ForeignTree[] | undefined,
  names: FilterNames,
): readonly Tree[] {
  return (webhooks ?? []).map((webhook) => readWebhook(webhook, names)).filter((tree) => tree !== undefined);
}

function readWebhook(webhook: ForeignTree, { prefix, suffix }: FilterNames): Tree | undefined {
  if (!webhook.has("url")) {
    webhook.note("url", "missing: only HTTP endpoints are told, so the webhook is left out");
    return undefined;
  }
  const given = webhook.texts("event_types");
  const eventTypes = given.filter((type) => KNOWN.has(type));
  const unknown = given.filter((type) => !KNOWN.has(type));
  if (unknown.length > 0) webhook.note("event_types", `there are no events ${unknown.join(", ")}`);
  if (eventTypes.length === 0) {
    webhook.note("event_types", "has no event, so the webhook is left out");
    return undefined;
  }
  const filter = webhook.section("filter");
  const headers = webhook.value("headers");
  return {
    url: webhook.text(["url"], ""),
    event_types: eventTypes,
    headers: isTree(headers) ? headers : {},
    filter: { channel_prefix: filter.text([prefix], ""), channel_suffix: filter.text([suffix], "") },
  };
}
