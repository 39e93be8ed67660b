import type { Quotas } from "../core/quotas.ts";

/** One node's place at shared quotas: it remembers what the node has taken. */
export class QuotaSeat implements Quotas {
  readonly #quotas: Quotas;
  readonly #taken = new Map<string, number>();

  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  async take(key: string, max: number): Promise<boolean> {
    const isTaken = await this.#quotas.take(key, max);
    if (isTaken) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    return isTaken;
  }

  give(key: string): void {
    const count = this.#taken.get(key) ?? 0;
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
