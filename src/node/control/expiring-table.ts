import { clientError } from "../../core/client-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { EntryChange, EntryStore, EntryTable, StoredEntry } from "../../core/entry-store.ts";

/** An entry as it stands in memory. */
export interface Entry<Value> {
  readonly value: Value;
  /** Unix seconds; undefined for never. */
  readonly expireAtSec: number | undefined;
}

/** How a table is kept. */
export interface ExpiringTableOptions<Value> {
  readonly table: EntryTable;
  readonly store: EntryStore;
  readonly clock: Clock;
  readonly maxEntries: number;
  /** Makes a value of what was read; throws where it is none. */
  readonly parse: (json: unknown) => Value;
}

/**
 * Entries that expire: all of them in memory, where they are read, and written through to a store.
 *
 * A change counts at once, also while it is being written, and even where that fails.
 */
export class ExpiringTable<Value> {
  readonly #options: ExpiringTableOptions<Value>;
  /** The one changed longest ago first. */
  readonly #entries = new Map<string, Entry<Value>>();
  #sweeping: Iterator<[string, Entry<Value>]> | undefined;

  constructor(options: ExpiringTableOptions<Value>) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Takes over what the store has. Rejects for entries that are not of the table's kind. */
  async load(): Promise<void> {
    const { table, store, parse } = this.#options;
    for (const { key, value, expireAtSec } of await store.load(table)) {
      this.#entries.set(key, { value: parse(JSON.parse(value)), expireAtSec });
    }
  }

  /** All entries that have not expired, as they are stored. */
  records(): readonly StoredEntry[] {
    return [...this.#entries]
      .filter(([, entry]) => !this.#hasExpired(entry))
      .map(([key, { value, expireAtSec }]) => ({ key, value: JSON.stringify(value), expireAtSec }));
  }

  /** The entry of a key; undefined when there is none, or none any more. */
  get(key: string): Entry<Value> | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined || this.#hasExpired(entry) ? undefined : entry;
  }

  /** Puts an entry in place of the one before. Rejects with ClientError 106 where a new one is one too many. */
  async put(key: string, entry: Entry<Value>): Promise<void> {
    if (!this.#entries.has(key)) this.#makeRoom();
    this.set(key, entry);
    await this.#options.store.write([this.#asPut(key, entry)]);
  }

  /** Puts an entry in memory only; `save` writes it. */
  set(key: string, entry: Entry<Value>): void {
    // In the order of changes, not of first appearance.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  /** Writes these entries as they are now, and removes the ones that are gone. */
  async save(keys: readonly string[]): Promise<void> {
    const { table, store } = this.#options;
    const changes = keys.map((key): EntryChange => {
      const entry = this.#entries.get(key);
      return entry === undefined ? { type: "remove", table, key } : this.#asPut(key, entry);
    });
    if (changes.length > 0) await store.write(changes);
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#entries.delete(key);
    await this.save(keys);
  }

  /** Forgets those changed longest ago beyond so many, in memory; returns their keys for `save`. */
  dropOldestBeyond(maxEntries: number): readonly string[] {
    const count = this.#entries.size - maxEntries;
    if (count <= 0) return [];
    const keys = [...this.#entries.keys().take(count)];
    for (const key of keys) this.#entries.delete(key);
    return keys;
  }

  /** Looks at the next entries, around and around, and forgets those that have expired; resolves once written. */
  async sweep(maxLooks: number): Promise<void> {
    await this.save(this.#forgetExpired(maxLooks));
  }

  #forgetExpired(maxLooks: number): string[] {
    this.#sweeping ??= this.#entries.entries();
    const expired: string[] = [];
    for (let looks = 0; looks < maxLooks; looks++) {
      const next = this.#sweeping.next();
      if (next.done === true) {
        this.#sweeping = undefined;
        break;
      }
      const [key, entry] = next.value;
      if (!this.#hasExpired(entry)) continue;
      this.#entries.delete(key);
      expired.push(key);
    }
    return expired;
  }

  #makeRoom(): void {
    const { maxEntries, table } = this.#options;
    if (maxEntries <= 0 || this.#entries.size < maxEntries) return;
    throw clientError("limitExceeded", new Error(`${table} has ${maxEntries} entries already`));
  }

  #hasExpired({ expireAtSec }: Entry<Value>): boolean {
    return expireAtSec !== undefined && expireAtSec * 1000 <= this.#options.clock.wallMs();
  }

  #asPut(key: string, { value, expireAtSec }: Entry<Value>): EntryChange {
    const entry: StoredEntry = { key, value: JSON.stringify(value), expireAtSec };
    return { type: "put", table: this.#options.table, entry };
  }
}
