import type { SharedLimits } from "../../core/shared-limits.ts";

/** Limits of one process. There are no other nodes to hear of, nor to tell. */
export class MemoryLimits implements SharedLimits {
  readonly sessionsElsewhere = 0;
  readonly #counts = new Map<string, number>();

  take(key: string, max: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  give(key: string): void {
    const count = this.#counts.get(key) ?? 0;
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }

  reportTaken(): void {}

  onTakenElsewhere(): void {}

  reportSessions(): void {}

  catchUp(): undefined {}
}
