import type { Figure } from "../figures.ts";
import type { Machine } from "../machine.ts";
import type { Verdict } from "../judge.ts";

/** Everything that a run has to say. */
export interface Report {
  readonly machine: Machine;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly wallSec: number;
  readonly figures: readonly Figure[];
  readonly verdicts: readonly Verdict[];
  readonly skipped: readonly { readonly part: string; readonly reason: string }[];
}
