import type { Publication, PublicationInit } from "./publication.ts";
import type { StreamPosition } from "./stream-position.ts";

/** How a publication is to be made. */
export interface PublishOptions {
  /** A second publish to the channel with the same key is not delivered, for `idempotencyTtlMs`; "" for none. */
  readonly idempotencyKey: string;
}

/** What became of a publish. */
export interface PublishResult {
  /** Where the publication stands; offset 0 where the channel keeps no history. */
  readonly position: StreamPosition;
  /** True when an earlier publish with the same key had the effect already. */
  readonly suppressed: boolean;
}

/** Receives what brokers deliver to this node. */
export interface BrokerListener {
  /** Called in offset order per channel; only for channels this node has subscribed to. */
  onPublication(channel: string, publication: Publication): void;
}

/**
 * Channels across nodes.
 *
 * Guarantees: a publish is one atomic step per channel (idempotency, order of delivery); delivery to a
 * subscribed node is at most once. Failures reject; the caller answers with code 100.
 */
export interface Broker {
  /** Starts delivering. Called once, before anything else. */
  start(listener: BrokerListener): Promise<void>;
  publish(channel: string, publication: PublicationInit, options: PublishOptions): Promise<PublishResult>;
  /** Resolves once publications of the channel reach this node's listener. Idempotent. */
  subscribe(channel: string): Promise<void>;
  /** Stops delivery of the channel to this node. Idempotent. */
  unsubscribe(channel: string): Promise<void>;
  /** Releases timers and connections. Idempotent. */
  close(): Promise<void>;
}
