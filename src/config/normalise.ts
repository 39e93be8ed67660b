import { findNearestName, formatPath } from "./config-error.ts";
import type { FlatName } from "./flat-names.ts";
import { readLoosely, type Spell } from "./loose-value.ts";
import { findOption, type ListOutline, type Outline, type SectionOutline } from "./outline.ts";
import { isTree, setAt, type Tree } from "./tree.ts";

/** A path as the author spelled it, to find its line again. */
export type WrittenPath = readonly (string | number)[];

/** A key that leads nowhere. */
export interface UnknownKey {
  readonly written: WrittenPath;
  /** The known name most like it. */
  readonly suggestion: string | undefined;
}

/** Someone's configuration with canonical names and, as far as they can be told, types. */
export interface Normalised {
  readonly tree: Tree;
  /** How the author spelled each canonical path. */
  readonly written: ReadonlyMap<string, WrittenPath>;
  readonly unknown: readonly UnknownKey[];
  /** Older names that lost against the current name of the same option. */
  readonly shadowed: readonly WrittenPath[];
}

/** Gives every key of a written configuration its canonical name: any case, nested, flat, or older than v6. */
export function normalise(
  raw: Tree,
  root: SectionOutline,
  flatNames: ReadonlyMap<string, FlatName>,
  spell: Spell,
): Normalised {
  const walk = new Walk(spell);
  for (const [key, value] of Object.entries(raw)) {
    if (isAbsent(value) || root.members.has(key.toLowerCase())) continue;
    const flat = flatNames.get(key.toLowerCase()) ?? findDotted(root, key.toLowerCase());
    if (flat === undefined) {
      const known = [...root.members.keys(), ...flatNames.keys()];
      walk.unknown.push({ written: [key], suggestion: findNearestName(key.toLowerCase(), known) });
      continue;
    }
    setAt(walk.tree, flat.path, walk.read(flat.outline, value, flat.path, [key]));
  }
  const formerlyWritten = new Map(walk.written);
  const nested = walk.readSection(root, raw, [], [], () => undefined);
  for (const [key, value] of Object.entries(nested)) setAt(walk.tree, [key], value);
  const shadowed = [...formerlyWritten]
    .filter(([path, written]) => walk.written.get(path) !== written)
    .map(([, written]) => written);
  return { tree: walk.tree, written: walk.written, unknown: walk.unknown, shadowed };
}

/** Does the same to the value of one list, given outside a file. */
export function normaliseList(list: ListOutline, raw: unknown, spell: Spell): unknown {
  return new Walk(spell).read(list, raw, [], []);
}

/** Where a path in one key leads: `http_server.port`. */
function findDotted(root: SectionOutline, key: string): Pick<FlatName, "path" | "outline"> | undefined {
  const outline = findOption(root, key);
  return outline === undefined ? undefined : { path: key.split("."), outline };
}

/** What a lone value in place of a section says of it: whether it is on, or of which type it is. */
export function readAsSection(section: SectionOutline, value: unknown): Tree | undefined {
  const isSwitch = typeof readLoosely("boolean", value) === "boolean" || !section.members.has("type");
  if (isSwitch) return section.members.has("enabled") ? { enabled: value } : undefined;
  return { enabled: true, type: value };
}

type OnUnknown = (key: string) => void;

class Walk {
  readonly tree: Tree = {};
  readonly written = new Map<string, WrittenPath>();
  readonly unknown: UnknownKey[] = [];
  readonly #spell: Spell;

  constructor(spell: Spell) {
    this.#spell = spell;
  }

  read(outline: Outline, raw: unknown, path: WrittenPath, written: WrittenPath): unknown {
    if (outline.type === "section") return this.#readBranch(outline, raw, path, written);
    this.written.set(formatPath(path), written);
    if (outline.type === "value")
      return readLoosely(outline.kind, raw, { path: written, spell: this.#spell });
    if (!Array.isArray(raw)) return raw;
    return raw.map((item: unknown, index) =>
      this.read(outline.entry, item, [...path, index], [...written, index]),
    );
  }

  readSection(
    outline: SectionOutline,
    raw: Tree,
    path: WrittenPath,
    written: WrittenPath,
    onUnknown: OnUnknown,
  ): Tree {
    const tree: Tree = {};
    for (const [key, value] of Object.entries(raw)) {
      if (isAbsent(value)) continue;
      const name = key.toLowerCase();
      const member = outline.members.get(name);
      if (member === undefined) {
        onUnknown(key);
        continue;
      }
      const read = this.read(member, value, [...path, name], [...written, key]);
      if (read !== undefined) tree[name] = read;
    }
    return tree;
  }

  #readBranch(outline: SectionOutline, raw: unknown, path: WrittenPath, written: WrittenPath): unknown {
    this.written.set(formatPath(path), written);
    const lone = typeof raw === "object" ? undefined : readAsSection(outline, raw);
    if (lone !== undefined) return this.readSection(outline, lone, path, written, () => undefined);
    if (!isTree(raw)) return raw;
    return this.readSection(outline, raw, path, written, (key) => {
      const nearest = findNearestName(key.toLowerCase(), outline.members.keys());
      const suggestion = nearest === undefined ? undefined : formatPath([...path, nearest]);
      this.unknown.push({ written: [...written, key], suggestion });
    });
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
