import type { ForeignTree } from "./foreign-tree.ts";

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
