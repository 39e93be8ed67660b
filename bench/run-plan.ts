import type { Figure } from "./figures.ts";
import { openFileLimit } from "./machine.ts";
import { partsOf } from "./parts.ts";
import type { Plan } from "./plan.ts";

/** Files that a process has open besides its connections; generously. */
const OTHER_OPEN_FILES = 100;

/** Who hears of what goes on. */
export interface RunObserver {
  onPart(part: string): void;
  onFigure(figure: Figure): void;
  /** A part was left out, or broke; the others go on. */
  onSkipped(part: string, reason: string): void;
}

/** Measures everything that the plan asks for, one part after the other. */
export async function runPlan(plan: Plan, observer: RunObserver): Promise<void> {
  const limit = openFileLimit();
  for (const part of partsOf(plan)) {
    observer.onPart(part.name);
    const needed = part.sockets + OTHER_OPEN_FILES;
    if (needed > limit) {
      observer.onSkipped(part.name, `needs ${needed} open files, ${limit} are allowed: raise ulimit -n`);
      continue;
    }
    try {
      for await (const figure of part.measure()) observer.onFigure(figure);
    } catch (error) {
      observer.onSkipped(part.name, error instanceof Error ? error.message : String(error));
    }
  }
}
