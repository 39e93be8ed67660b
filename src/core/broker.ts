import type { HistoryOptions } from "./channel-options.ts";
import type { ChannelNotice, Publication, PublicationInit, StreamPosition } from "./publication.ts";

/** What the publisher of a publication asks for. */
export interface PublishOptions {
  /** A second publish to the channel with the same key has no effect for five minutes; "" for none. */
  readonly idempotencyKey: string;
}

/** How a broker is to make a publication. */
export interface BrokerPublishOptions extends PublishOptions {
  /** How much of the channel's stream is kept; undefined publishes past the stream, without an offset. */
  readonly history: HistoryOptions | undefined;
  /** Name of what versions count in; those of different epochs do not compare. "" compares with any. */
  readonly versionEpoch: string;
  /** Listeners get the publication before this one too. Needs `history`, is ignored without. */
  readonly delta: boolean;
  /** Client id of a subscriber that does not get it; "" for none. */
  readonly excludeClient: string;
}

/** A publish with nothing but a payload: no history, no key, no version. */
export const PLAIN_PUBLISH: BrokerPublishOptions = {
  idempotencyKey: "",
  history: undefined,
  versionEpoch: "",
  delta: false,
  excludeClient: "",
};

/** Outcome of a publish. */
export interface PublishResult {
  /**
   * Where the publication stands; offset 0 where it went past the stream. Of a suppressed publish: where the
   * one with the same key stands, or the top of the stream whose newest version suppressed it.
   */
  readonly position: StreamPosition;
  /** True when the key or the version showed that there was nothing to be done. */
  readonly suppressed: boolean;
}

/** Which part of a stream is wanted. */
export interface HistoryFilter {
  /**
   * Only what comes after this position; with `reverse`, only what comes before it. Publications that are not
   * kept any more are left out without an error. An empty epoch matches any.
   */
  readonly since?: StreamPosition | undefined;
  /** Publications at most; negative for all, 0 for none, that is for the position only. */
  readonly limit: number;
  /** Newest first, and `limit` counts from the newest. */
  readonly reverse: boolean;
}

/** No publications: where does the stream stand? */
export const POSITION_ONLY: HistoryFilter = { limit: 0, reverse: false };

/** A part of a stream, and where the stream stood at that moment. */
export interface HistoryPage {
  /** By ascending offset; with `reverse`, by descending offset. Offsets are contiguous. */
  readonly publications: readonly Publication[];
  /** The top of the stream, whatever was asked for. */
  readonly position: StreamPosition;
}

/** A publication on its way to this node's subscribers. */
export interface Delivery {
  readonly publication: Publication;
  /** The one kept before it, for a publish that asked for `delta`; undefined otherwise, and where none is kept. */
  readonly previous: Publication | undefined;
  /** Client id of a subscriber that does not get it; "" for none. */
  readonly excludeClient: string;
}

/** Receives what brokers deliver to this node. Its methods never throw. */
export interface BrokerListener {
  /** Called in offset order per channel; only for channels this node has subscribed to. */
  onPublication(channel: string, delivery: Delivery): void;
  onNotice(channel: string, notice: ChannelNotice): void;
  /**
   * Publications may be missing: for a time, the broker was not reached. This node is subscribed again to all that it was
   * subscribed to, and what is published from now on arrives.
   */
  onInterrupted(): void;
}

/**
 * Channels across nodes.
 *
 * A channel's stream (docs/protocols/channels.md §3.1) has an epoch, a top offset and a window of the newest
 * publications. The window is bounded by `size` and dropped as a whole `ttlMs` after the latest publish. Epoch and
 * offset outlive it, until nothing has been published or read for `metaTtlMs`; the next touch begins a new epoch at
 * offset 0. So does it where there never was a publication, and too many such channels.
 *
 * Guarantees:
 * - A publish is one atomic step per channel: key and version are checked, the offset given, the window
 *   changed and the publication handed to delivery together, or not at all.
 * - Offsets of an epoch are 1, 2, 3, …, and a subscribed node gets publications in that order.
 * - Delivery to a subscribed node is at most once: one that fails to arrive shows as a gap in the offsets.
 * - The first subscription to a channel on all nodes, and the end of the last one, is told once among all nodes to
 *   whoever observes channels (`core/channel-events.ts`). What a node was subscribed to that died without a word ends with
 *   it, within seconds.
 * - A history page is one moment of the stream. A publication with an offset beyond the page's position is
 *   delivered after the page was read, or is being delivered.
 *
 * Failures reject; the caller answers with code 100 unless it is a ClientError.
 */
export interface Broker {
  /** Whether what is published arrives, and streams outlive their subscribers: then positions need not be checked. */
  readonly isReliable: boolean;
  /** Starts delivering. Called once, before anything else. */
  start(listener: BrokerListener): Promise<void>;
  /**
   * Resolves once the publication is in the stream and on its way. In process: once it is delivered.
   *
   * Where there is history, a publication with a version that is not newer than the newest one is suppressed.
   */
  publish(
    channel: string,
    publication: PublicationInit,
    options: BrokerPublishOptions,
  ): Promise<PublishResult>;
  /** Tells the channel's subscribers on all nodes. At most once, and never part of the stream. */
  publishNotice(channel: string, notice: ChannelNotice): Promise<void>;
  /**
   * Reads a part of the channel's stream. Begins the stream where there is none, and lets its position live
   * for another `metaTtlMs`.
   *
   * Rejects with ClientError `unrecoverablePosition` when `since` is of another epoch, and with `badRequest`
   * when `reverse` asks for what comes before offset 0. To get the position of a stream whose epoch may have
   * changed, ask without an epoch and compare.
   */
  history(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<HistoryPage>;
  /** Drops what is kept of the channel's stream; its position and version stay. */
  removeHistory(channel: string): Promise<void>;
  /** Resolves once what is published to the channels reaches this node's listener. Idempotent. */
  subscribe(channels: readonly string[]): Promise<void>;
  /** Stops delivery of the channels to this node. Idempotent. */
  unsubscribe(channels: readonly string[]): Promise<void>;
  /** Releases timers and connections. Idempotent. */
  close(): Promise<void>;
}
