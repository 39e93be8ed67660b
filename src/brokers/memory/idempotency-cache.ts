import type { Clock } from "../../core/clock.ts";
import type { StreamPosition } from "../../core/publication.ts";

interface Entry {
  readonly name: string;
  readonly position: StreamPosition;
  readonly expireAtMs: number;
  /** The one remembered after it. */
  next: Entry | undefined;
}

/**
 * What earlier publishes with an idempotency key led to.
 *
 * Entries all live equally long and are never renewed, so a list in order of arrival is in order of expiry.
 * (A map has that order too, but to find its first entry it walks over all that were deleted before it.)
 * What has expired is never found; its memory is freed by sweeps.
 */
export class IdempotencyCache {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxEntries: number;
  #oldest: Entry | undefined;
  #newest: Entry | undefined;

  constructor(clock: Clock, ttlMs: number, maxEntries: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#maxEntries = maxEntries;
  }

  /** Keys in memory, among them expired ones that wait for the sweep. */
  get size(): number {
    return this.#entries.size;
  }

  /** The position an earlier publish led to; undefined when there was none within the time to live. */
  find(channel: string, key: string): StreamPosition | undefined {
    const entry = this.#entries.get(entryKey(channel, key));
    if (entry === undefined || entry.expireAtMs <= this.#clock.monotonicMs()) return undefined;
    return entry.position;
  }

  /** Remembers a publish that `find` knows nothing of; forgets the oldest one when there are too many. */
  remember(channel: string, key: string, position: StreamPosition): void {
    const expireAtMs = this.#clock.monotonicMs() + this.#ttlMs;
    const entry: Entry = { name: entryKey(channel, key), position, expireAtMs, next: undefined };
    this.#entries.set(entry.name, entry);
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.next = entry;
    this.#newest = entry;
    while (this.#entries.size > this.#maxEntries && this.#oldest !== undefined) this.#drop(this.#oldest);
  }

  /** Frees what has expired, `maxEntries` at most; the rest waits for the next sweep. */
  sweep(maxEntries: number): void {
    const nowMs = this.#clock.monotonicMs();
    for (let left = maxEntries; left > 0; left--) {
      const oldest = this.#oldest;
      if (oldest === undefined || oldest.expireAtMs > nowMs) return;
      this.#drop(oldest);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
  }

  #drop(oldest: Entry): void {
    this.#oldest = oldest.next;
    if (oldest.next === undefined) this.#newest = undefined;
    // The key may have been used again after it expired.
    if (this.#entries.get(oldest.name) === oldest) this.#entries.delete(oldest.name);
  }
}

/** The length in front keeps ("a", "b_c") and ("a_b", "c") apart. */
function entryKey(channel: string, key: string): string {
  return `${channel.length}:${channel}${key}`;
}
