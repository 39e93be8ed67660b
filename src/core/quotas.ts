/** Counts of what there may be only so much of, across nodes. */
export interface Quotas {
  /** Counts one more; resolves to false, and counts nothing, where there are `max` already. One atomic step. */
  take(key: string, max: number): Promise<boolean>;
  /** Counts one less. */
  give(key: string): void;
}

/** Counts of one process. */
export class LocalQuotas implements Quotas {
  readonly #counts = new Map<string, number>();

  async take(key: string, max: number): Promise<boolean> {
    return this.takeNow(key, max);
  }

  /** Does what `take` does, at once. */
  takeNow(key: string, max: number): boolean {
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
}
