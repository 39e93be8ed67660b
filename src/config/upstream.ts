import { parseDuration } from "./duration.ts";
import type { Outline, SectionOutline, ValueOutline } from "./outline.ts";
import { isTree } from "./tree.ts";
import { UPSTREAM_OPTIONS } from "./upstream-options.ts";

/** A schema with the options of Centrifugo that it lacks, so that they are read like the others. */
export function withUpstream(root: SectionOutline): SectionOutline {
  return mergeSections(root, UPSTREAM_OPTIONS);
}

/** An option that asks for what Millrace does not have. */
export interface AskedOption {
  readonly path: readonly (string | number)[];
  /** The value that asks for nothing. */
  readonly off: unknown;
}

/** Whatever a configuration asks for and cannot get. */
export function findUnsupported(tree: unknown): readonly AskedOption[] {
  return findAsked(UPSTREAM_OPTIONS, tree, []);
}

function mergeSections(ours: SectionOutline, upstream: SectionOutline): SectionOutline {
  const members = new Map(ours.members);
  for (const [key, theirs] of upstream.members) {
    const own = members.get(key);
    if (own === undefined) members.set(key, theirs);
    else if (own.type === "section" && theirs.type === "section")
      members.set(key, mergeSections(own, theirs));
    else if (own.type === "list" && theirs.type === "list") {
      members.set(key, { ...own, entry: mergeSections(own.entry, theirs.entry) });
    }
  }
  return { ...ours, members };
}

function findAsked(outline: Outline, value: unknown, path: AskedOption["path"]): readonly AskedOption[] {
  if (value === undefined) return [];
  if (outline.type === "value") return isAsked(outline, value) ? [{ path, off: outline.default }] : [];
  if (outline.type === "list") {
    // Anything else is no list, which is found elsewhere.
    const items: readonly unknown[] = Array.isArray(value) ? value : [];
    return items.flatMap((item, index) => findAsked(outline.entry, item, [...path, index]));
  }
  if (!isTree(value) || isOff(outline, value)) return [];
  return [...outline.members].flatMap(([key, member]) => findAsked(member, value[key], [...path, key]));
}

/** Whether a switch of the section itself says that the rest is not in use. */
function isOff({ members }: SectionOutline, value: Record<string, unknown>): boolean {
  if (members.has("enabled") && (value["enabled"] ?? false) === false) return true;
  return members.has("disabled") && value["disabled"] === true;
}

/** Nothing, none and zero stand for the default there. */
function isAsked({ kind, default: off }: ValueOutline, value: unknown): boolean {
  if (off === undefined || value === "" || value === 0 || value === false) return false;
  if (kind !== "duration" || typeof value !== "string" || typeof off !== "string") return value !== off;
  const durationMs = parseDuration(value);
  return durationMs !== 0 && durationMs !== parseDuration(off);
}
