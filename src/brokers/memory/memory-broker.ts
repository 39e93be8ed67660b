import type {
  Broker,
  BrokerListener,
  BrokerPublishOptions,
  HistoryFilter,
  HistoryPage,
  PublishResult,
} from "../../core/broker.ts";
import type { ChannelEvents } from "../../core/channel-events.ts";
import type { HistoryOptions } from "../../core/channel-options.ts";
import { clientError } from "../../core/client-error.ts";
import type { Clock } from "../../core/clock.ts";
import {
  type ChannelNotice,
  NO_POSITION,
  Publication,
  type PublicationInit,
} from "../../core/publication.ts";
import { IdempotencyCache } from "./idempotency-cache.ts";
import { PublicationKeeper } from "./kept-publication.ts";
import { StreamStore } from "./stream-store.ts";

/** Options of the memory broker. */
export interface MemoryBrokerOptions {
  readonly clock: Clock;
  /** Is told of occupied and vacated channels. */
  readonly events: ChannelEvents;
  /** Numbers from 0 to below 1, of which epochs are made. Default: `Math.random`. */
  readonly random?: () => number;
  /** How long an idempotency key is remembered, milliseconds. */
  readonly idempotencyTtlMs: number;
  /** How many idempotency keys are remembered at most; the oldest is forgotten first. */
  readonly idempotencyMaxKeys: number;
  /** How many channels without any publication have their position remembered at most. Default: a million. */
  readonly maxUnpublishedStreams?: number;
}

const DEFAULT_MAX_UNPUBLISHED_STREAMS = 1_000_000;

/** The upstream's memory of idempotency keys: five minutes. */
export const DEFAULT_IDEMPOTENCY_TTL_MS = 300_000;

const SWEEP_INTERVAL_MS = 100;
/** A sweep takes a few milliseconds at most; a million streams that expire at once are gone in 25 s. */
const SWEEP_MAX_ENTRIES = 4000;

/**
 * The broker of a single node: everything happens in this process, in one step.
 *
 * A publish delivers before it returns its promise, so the order of calls is the order of delivery. Streams
 * are lost with the process.
 */
export class MemoryBroker implements Broker {
  /** It forgets streams that nobody publishes to or reads for long; the checks are such reads. */
  readonly isReliable = false;
  readonly #subscribed = new Set<string>();
  readonly #idempotency: IdempotencyCache;
  readonly #streams: StreamStore;
  readonly #keeper = new PublicationKeeper();
  readonly #clock: Clock;
  readonly #events: ChannelEvents;
  #listener: BrokerListener | undefined;
  #sweeping: Disposable | undefined;

  constructor(options: MemoryBrokerOptions) {
    const { clock, random = Math.random, idempotencyTtlMs, idempotencyMaxKeys } = options;
    this.#clock = clock;
    this.#events = options.events;
    this.#idempotency = new IdempotencyCache(clock, idempotencyTtlMs, idempotencyMaxKeys);
    const { maxUnpublishedStreams = DEFAULT_MAX_UNPUBLISHED_STREAMS } = options;
    this.#streams = new StreamStore(clock, random, maxUnpublishedStreams);
  }

  async start(listener: BrokerListener): Promise<void> {
    this.#listener = listener;
    this.#sweeping ??= this.#clock.every(SWEEP_INTERVAL_MS, () => {
      this.#streams.sweep(SWEEP_MAX_ENTRIES);
      this.#idempotency.sweep(SWEEP_MAX_ENTRIES);
    });
  }

  async publish(
    channel: string,
    init: PublicationInit,
    options: BrokerPublishOptions,
  ): Promise<PublishResult> {
    const { idempotencyKey, history, excludeClient } = options;
    if (idempotencyKey !== "") {
      const earlier = this.#idempotency.find(channel, idempotencyKey);
      if (earlier !== undefined) return { position: earlier, suppressed: true };
    }
    if (history !== undefined) return this.#publishToStream(channel, init, options, history);
    if (idempotencyKey !== "") this.#idempotency.remember(channel, idempotencyKey, NO_POSITION);
    if (this.#subscribed.has(channel)) {
      const publication = new Publication(init);
      this.#listener?.onPublication(channel, { publication, previous: undefined, excludeClient });
    }
    return PASSED;
  }

  async publishNotice(channel: string, notice: ChannelNotice): Promise<void> {
    if (this.#subscribed.has(channel)) this.#listener?.onNotice(channel, notice);
  }

  async history(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<HistoryPage> {
    const { since, reverse } = filter;
    if (reverse && since?.offset === 0) throw clientError("badRequest");
    const stream = this.#streams.touch(channel, metaTtlMs);
    if (since !== undefined && since.epoch !== "" && since.epoch !== stream.epoch) {
      throw clientError("unrecoverablePosition");
    }
    return { publications: stream.select(filter), position: stream.position };
  }

  async removeHistory(channel: string): Promise<void> {
    this.#streams.find(channel)?.clear();
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) {
      const before = this.#subscribed.size;
      if (this.#subscribed.add(channel).size > before) this.#events.onOccupied(channel);
    }
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) if (this.#subscribed.delete(channel)) this.#events.onVacated(channel);
  }

  async close(): Promise<void> {
    this.#sweeping?.[Symbol.dispose]();
    this.#sweeping = undefined;
    this.#listener = undefined;
    this.#subscribed.clear();
    this.#idempotency.clear();
    this.#streams.clear();
  }

  #publishToStream(
    channel: string,
    init: PublicationInit,
    { idempotencyKey, versionEpoch, delta, excludeClient }: BrokerPublishOptions,
    history: HistoryOptions,
  ): PublishResult {
    const { version = 0n } = init;
    // A suppressed publish changes nothing, not even the stream's times.
    const before = version === 0n && !delta ? undefined : this.#streams.find(channel);
    if (before?.isNew(version, versionEpoch) === false) {
      return { position: before.position, suppressed: true };
    }
    const previous = delta ? before?.newest() : undefined;
    const stream = this.#streams.append(channel, this.#keeper.keep(init), history);
    stream.setVersion(version, versionEpoch);
    const { position } = stream;
    if (idempotencyKey !== "") this.#idempotency.remember(channel, idempotencyKey, position);
    if (this.#subscribed.has(channel)) {
      const publication = new Publication(init, position.offset, position.epoch);
      this.#listener?.onPublication(channel, { publication, previous, excludeClient });
    }
    return { position, suppressed: false };
  }
}

const PASSED: PublishResult = { position: NO_POSITION, suppressed: false };
