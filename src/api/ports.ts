import type { UserStatus } from "../core/access.ts";
import type { HistoryFilter, HistoryPage } from "../core/broker.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import type {
  ChannelFilter,
  ConnectionPage,
  ConnectionQuery,
  InvalidateTokensCommand,
  NodeInfo,
  PublishRequest,
  RefreshCommand,
  SessionTarget,
  SubscribeCommand,
} from "../core/commands.ts";
import type { Disconnect } from "../core/disconnect.ts";
import type { PresenceStats } from "../core/presence-manager.ts";
import type { ClientInfo, PublicationInit, StreamPosition } from "../core/publication.ts";

/** What the API needs of connections. Commands reach them on all nodes; no match is no error. */
export interface ApiSessions {
  subscribe(target: SessionTarget, command: SubscribeCommand): Promise<void>;
  /** Each of them is told, whether it was subscribed or not. */
  unsubscribe(target: SessionTarget, channel: string): Promise<void>;
  refresh(target: SessionTarget, command: RefreshCommand): Promise<void>;
  /** Closes them, but for the client ids in `whitelist`. */
  disconnect(target: SessionTarget, reason: Disconnect, whitelist: readonly string[]): Promise<void>;
  /** Rejects with 107 for a query that cannot be used, and with the signal's reason. */
  list(query: ConnectionQuery, signal: AbortSignal): Promise<ConnectionPage>;
}

/** What the API needs of channels. Calls reject with ClientError 102 for an unknown namespace. */
export interface ApiChannels {
  /** Options of a channel; undefined where its namespace is unknown. */
  optionsOf(channel: string): ChannelOptions | undefined;
  /** Rejects with 107 for an empty name, and for data that the channel does not take. */
  publish(channel: string, publication: PublicationInit, request: PublishRequest): Promise<StreamPosition>;
  /** Rejects with 108 where the channel keeps none, 112 for a position of another epoch. */
  history(channel: string, filter: HistoryFilter): Promise<HistoryPage>;
  /** Rejects with 108 where the channel keeps none. */
  removeHistory(channel: string): Promise<void>;
  /** By client id. Rejects with 108 where the channel does not keep track. */
  presence(channel: string): Promise<ReadonlyMap<string, ClientInfo>>;
  presenceStats(channel: string): Promise<PresenceStats>;
  /** Numbers of subscribers of the channels that have any. */
  list(filter: ChannelFilter): Promise<ReadonlyMap<string, number>>;
}

/**
 * What the API needs of control over users. Commands act at once on live connections and on later ones; they have
 * outlived the process, where they can, when they resolve. Ends are Unix seconds, undefined for the configured time.
 */
export interface ApiUsers {
  /** Rejects with ClientError 108 where statuses are switched off, as do its kin; 107 for a bad state. */
  updateStatus(users: readonly string[], state: string): Promise<void>;
  /** In the order of the users, unknown ones included. */
  statuses(users: readonly string[]): Promise<readonly UserStatus[]>;
  deleteStatuses(users: readonly string[]): Promise<void>;
  /** Rejects with ClientError 106 where the list is full, as do its kin. */
  block(user: string, expireAtSec: number | undefined): Promise<void>;
  unblock(user: string): Promise<void>;
  revokeToken(tokenId: string, expireAtSec: number | undefined): Promise<void>;
  invalidateTokens(command: InvalidateTokensCommand): Promise<void>;
}

/** What the API needs of the node. Rejections that are not a ClientError are answered with code 100. */
export interface ApiNode {
  /** True once the node disconnects its clients to go down. */
  readonly isStopping: boolean;
  readonly channels: ApiChannels;
  readonly sessions: ApiSessions;
  readonly users: ApiUsers;
  /** All nodes, as of their last announcement. */
  info(): Promise<readonly NodeInfo[]>;
}
