import type { Clock } from "../../core/clock.ts";
import type { StreamPosition } from "../../core/stream-position.ts";

interface Entry {
  readonly position: StreamPosition;
  readonly expireAtMs: number;
}

/**
 * What earlier publishes with an idempotency key led to.
 *
 * Entries all live equally long and are never renewed, so the map's insertion order is the order of expiry.
 * What has expired is never found; its memory is freed by sweeps.
 */
export class IdempotencyCache {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxEntries: number;

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
    const name = entryKey(channel, key);
    const expireAtMs = this.#clock.monotonicMs() + this.#ttlMs;
    // An expired entry would keep its place among the oldest.
    this.#entries.delete(name);
    this.#entries.set(name, { position, expireAtMs });
    if (this.#entries.size > this.#maxEntries) this.#dropOldest();
  }

  /** Frees what has expired, `maxEntries` at most; the rest waits for the next sweep. */
  sweep(maxEntries: number): void {
    const nowMs = this.#clock.monotonicMs();
    let left = maxEntries;
    for (const [name, entry] of this.#entries) {
      if (entry.expireAtMs > nowMs || left-- <= 0) return;
      this.#entries.delete(name);
    }
  }

  clear(): void {
    this.#entries.clear();
  }

  #dropOldest(): void {
    for (const name of this.#entries.keys()) {
      this.#entries.delete(name);
      return;
    }
  }
}

/** The length in front keeps ("a", "b_c") and ("a_b", "c") apart. */
function entryKey(channel: string, key: string): string {
  return `${channel.length}:${channel}${key}`;
}
