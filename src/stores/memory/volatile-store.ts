import type { EntryStore, StoredEntry } from "../../core/entry-store.ts";

/** A store that keeps nothing: what its users have in memory is all there is, and goes with the process. */
export class VolatileStore implements EntryStore {
  readonly isDurable = false;
  #isClosed = false;

  async load(): Promise<readonly StoredEntry[]> {
    return [];
  }

  async write(): Promise<void> {
    if (this.#isClosed) throw new Error("the store is closed");
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}
