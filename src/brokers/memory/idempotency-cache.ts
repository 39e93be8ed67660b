import type { Clock } from "../../core/clock.ts";
import type { StreamPosition } from "../../core/stream-position.ts";

interface Entry {
  readonly position: StreamPosition;
  readonly expireAtMs: number;
}

/**
 * What earlier publishes with an idempotency key led to.
 *
 * Entries all live equally long, so the map's insertion order is the order of expiry and each use drops
 * what has expired from its front: no timer, no sweep.
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

  /** The position an earlier publish led to; undefined when there was none within the time to live. */
  find(channel: string, key: string): StreamPosition | undefined {
    this.#dropExpired();
    return this.#entries.get(entryKey(channel, key))?.position;
  }

  /** Remembers a publish; forgets the oldest one when there are too many. */
  remember(channel: string, key: string, position: StreamPosition): void {
    const expireAtMs = this.#clock.monotonicMs() + this.#ttlMs;
    this.#entries.set(entryKey(channel, key), { position, expireAtMs });
    if (this.#entries.size > this.#maxEntries) this.#dropFirst();
  }

  clear(): void {
    this.#entries.clear();
  }

  #dropExpired(): void {
    const now = this.#clock.monotonicMs();
    for (const [key, entry] of this.#entries) {
      if (entry.expireAtMs > now) return;
      this.#entries.delete(key);
    }
  }

  #dropFirst(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }
}

/** The length in front keeps ("a", "b_c") and ("a_b", "c") apart. */
function entryKey(channel: string, key: string): string {
  return `${channel.length}:${channel}${key}`;
}
