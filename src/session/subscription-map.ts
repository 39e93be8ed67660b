import type { Subscription } from "./subscription.ts";

/**
 * The subscriptions of one session, by channel, in the order in which they were made.
 *
 * Most sessions have one, which is held directly: even an empty Map takes 0.2 KB.
 */
export class SubscriptionMap implements Iterable<readonly [channel: string, subscription: Subscription]> {
  #held: Subscription | Map<string, Subscription> | undefined;

  get size(): number {
    if (this.#held === undefined) return 0;
    return this.#held instanceof Map ? this.#held.size : 1;
  }

  get(channel: string): Subscription | undefined {
    const held = this.#held;
    if (held instanceof Map) return held.get(channel);
    return held?.channel === channel ? held : undefined;
  }

  has(channel: string): boolean {
    return this.get(channel) !== undefined;
  }

  /** Adds a subscription, in place of another one to its channel. */
  add(subscription: Subscription): void {
    const { channel } = subscription;
    const held = this.#held;
    if (held === undefined || (!(held instanceof Map) && held.channel === channel)) {
      this.#held = subscription;
    } else if (held instanceof Map) {
      held.set(channel, subscription);
    } else {
      this.#held = new Map([
        [held.channel, held],
        [channel, subscription],
      ]);
    }
  }

  delete(channel: string): void {
    const held = this.#held;
    if (held instanceof Map) held.delete(channel);
    else if (held?.channel === channel) this.#held = undefined;
  }

  /** The channels. */
  *keys(): Generator<string> {
    for (const { channel } of this.values()) yield channel;
  }

  values(): Iterable<Subscription> {
    if (this.#held === undefined) return [];
    return this.#held instanceof Map ? this.#held.values() : [this.#held];
  }

  *[Symbol.iterator](): Generator<readonly [channel: string, subscription: Subscription]> {
    for (const subscription of this.values()) yield [subscription.channel, subscription];
  }
}
