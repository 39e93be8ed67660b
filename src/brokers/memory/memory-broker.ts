import type { Broker, BrokerListener, PublishOptions, PublishResult } from "../../core/broker.ts";
import type { Clock } from "../../core/clock.ts";
import { Publication, type PublicationInit } from "../../core/publication.ts";
import { NO_POSITION } from "../../core/stream-position.ts";
import { IdempotencyCache } from "./idempotency-cache.ts";

/** Options of the memory broker. */
export interface MemoryBrokerOptions {
  readonly clock: Clock;
  /** How long an idempotency key is remembered, milliseconds. */
  readonly idempotencyTtlMs: number;
  /** How many idempotency keys are remembered at most; the oldest is forgotten first. */
  readonly idempotencyMaxKeys: number;
}

/** The upstream's memory of idempotency keys: five minutes. */
export const DEFAULT_IDEMPOTENCY_TTL_MS = 300_000;

/**
 * The broker of a single node: everything happens in this process, in one step.
 *
 * A publish delivers before it resolves, so the order of calls is the order of delivery.
 */
export class MemoryBroker implements Broker {
  readonly #subscribed = new Set<string>();
  readonly #idempotency: IdempotencyCache;
  #listener: BrokerListener | undefined;

  constructor(options: MemoryBrokerOptions) {
    this.#idempotency = new IdempotencyCache(
      options.clock,
      options.idempotencyTtlMs,
      options.idempotencyMaxKeys,
    );
  }

  async start(listener: BrokerListener): Promise<void> {
    this.#listener = listener;
  }

  async publish(channel: string, init: PublicationInit, options: PublishOptions): Promise<PublishResult> {
    const key = options.idempotencyKey;
    if (key !== "") {
      const earlier = this.#idempotency.find(channel, key);
      if (earlier !== undefined) return { position: earlier, suppressed: true };
      this.#idempotency.remember(channel, key, NO_POSITION);
    }
    if (this.#subscribed.has(channel)) this.#listener?.onPublication(channel, new Publication(init));
    return ACCEPTED;
  }

  async subscribe(channel: string): Promise<void> {
    this.#subscribed.add(channel);
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#subscribed.delete(channel);
  }

  async close(): Promise<void> {
    this.#listener = undefined;
    this.#subscribed.clear();
    this.#idempotency.clear();
  }
}

const ACCEPTED: PublishResult = { position: NO_POSITION, suppressed: false };
