import type { PublishOptions } from "../core/broker.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import type { Disconnect } from "../core/disconnect.ts";
import type { PublicationInit } from "../core/publication.ts";
import type { StreamPosition } from "../core/stream-position.ts";

/** Which connections a call is about: all of a user that match what else is given. */
export interface SessionTarget {
  /** "" means the anonymous connections. */
  readonly user: string;
  /** Client id; "" for any. */
  readonly client: string;
  /** Session id; "" for any. */
  readonly session: string;
}

/** One node of the cluster. */
export interface NodeInfo {
  readonly uid: string;
  readonly name: string;
  readonly version: string;
  readonly numClients: number;
  readonly numUsers: number;
  readonly numChannels: number;
  readonly numSubs: number;
  /** Seconds since the node started. */
  readonly uptimeSec: number;
}

/** What the API needs of the node. Rejections that are not a ClientError are answered with code 100. */
export interface ApiNode {
  /** True once the node disconnects its clients to go down. */
  readonly isStopping: boolean;
  /** Options of a channel; undefined where its namespace is unknown. */
  channelOptions(channel: string): ChannelOptions | undefined;
  publish(channel: string, publication: PublicationInit, options: PublishOptions): Promise<StreamPosition>;
  /** Closes the matching connections on all nodes, but for the client ids in `whitelist`. */
  disconnect(target: SessionTarget, reason: Disconnect, whitelist: readonly string[]): Promise<void>;
  /** All nodes, as of their last announcement. */
  info(): Promise<readonly NodeInfo[]>;
}
