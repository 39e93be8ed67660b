import type { LocalQuotas } from "../core/quotas.ts";

/** One node's place at shared quotas: it remembers what the node has taken. */
export class QuotaSeat {
  readonly #quotas: LocalQuotas;
  readonly #taken = new Map<string, number>();

  constructor(quotas: LocalQuotas) {
    this.#quotas = quotas;
  }

  take(key: string, max: number): boolean {
    const isTaken = this.#quotas.takeNow(key, max);
    if (isTaken) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    return isTaken;
  }

  /** Gives one back; nothing where the node has none. */
  give(key: string): void {
    const count = this.#taken.get(key);
    if (count === undefined) return;
    if (count > 1) this.#taken.set(key, count - 1);
    else this.#taken.delete(key);
    this.#quotas.give(key);
  }

  /** Gives back everything that the node has taken. */
  leave(): void {
    for (const [key, count] of this.#taken) for (let at = 0; at < count; at++) this.#quotas.give(key);
    this.#taken.clear();
  }
}
