import type { BrokerPublishOptions, HistoryFilter, PublishResult } from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type { EntryTable, StoredEntry } from "../core/entry-store.ts";
import type { LogFields } from "../core/logger.ts";
import type { PresenceEntry, PresenceStats } from "../core/presence-manager.ts";
import type { PublicationInit } from "../core/publication.ts";
import type { StreamPosition } from "../core/stream-position.ts";
import type { UserStatus } from "../core/user-status.ts";
import type { LinkLimits } from "../lib/link/message-link.ts";

/** A publication as it travels. */
export interface WirePublication {
  readonly data: Uint8Array;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly info: ClientInfo | undefined;
  readonly version: bigint;
  readonly offset: number;
  readonly epoch: string;
  readonly knownJson: boolean;
}

/** Points taken of a limit. */
export type RateTaken = readonly [limit: string, key: string, points: number];

export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a worker is told when it begins. */
export interface WorkerStart {
  /** The configuration, as the primary has loaded it. */
  readonly config: unknown;
  /** Whether it is a development server's. */
  readonly isDev: boolean;
  readonly nodeUid: string;
  /** Uid of the whole, to the server API. */
  readonly serverUid: string;
}

/** What the primary does for its workers. */
export interface PrimaryCalls {
  begin(): WorkerStart;
  /** The worker answers from now on what other nodes ask. */
  join(): void;
  /** The worker listens here. */
  ready(addresses: unknown): void;
  /** The worker cannot start. */
  failed(error: unknown): void;
  /** An error in `err` as `encodeError` made it. */
  log(level: LogLevel, fields: LogFields, message: string): void;

  publish(channel: string, init: PublicationInit, options: BrokerPublishOptions): Promise<PublishResult>;
  publishNotice(channel: string, notice: ChannelNotice): Promise<void>;
  history(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<WireHistoryPage>;
  removeHistory(channel: string): Promise<void>;
  subscribe(channel: string): Promise<boolean>;
  unsubscribe(channel: string): Promise<boolean>;

  addPresence(channel: string, info: ClientInfo, maxUsers: number): Promise<PresenceEntry>;
  removePresence(channel: string, client: string, user: string): Promise<boolean>;
  presence(channel: string): Promise<ReadonlyMap<string, ClientInfo>>;
  presenceStats(channel: string): Promise<PresenceStats>;

  takeQuota(key: string, max: number): boolean;
  giveQuota(key: string): void;
  ratesTaken(taken: readonly RateTaken[]): void;

  records(table: EntryTable): readonly StoredEntry[];
  updateStatuses(users: readonly string[], state: string): Promise<void>;
  statuses(users: readonly string[]): Promise<readonly UserStatus[]>;
  deleteStatuses(users: readonly string[]): Promise<void>;
  seen(users: readonly string[]): void;

  /** Asks all nodes but the caller; `args` as `encodeArgs` made them. */
  askOthers(name: string, args: readonly unknown[]): Promise<readonly unknown[]>;
  askNode(uid: string, name: string, args: readonly unknown[]): Promise<unknown>;
  /** How many identified sessions the worker has. */
  reportSessions(count: number): void;

  /** The worker has one subscriber of the channel more or less. */
  subscribersChanged(channel: string): void;
  /** Something for the protocol that has made it, in the primary. */
  emit(app: string, event: unknown): void;
}

/** A page of history as it travels. */
export interface WireHistoryPage {
  readonly publications: readonly WirePublication[];
  readonly position: StreamPosition;
}

/** What workers do for their primary. */
export interface WorkerCalls {
  deliver(
    channel: string,
    publication: WirePublication,
    previous: WirePublication | undefined,
    excludeClient: string,
  ): void;
  notice(channel: string, notice: ChannelNotice): void;
  /** Asks the worker's node; `args` as `encodeArgs` made them. */
  ask(name: string, args: readonly unknown[]): Promise<unknown>;
  ratesTaken(taken: readonly RateTaken[]): void;
  /** The uids of the other nodes, and how many sessions they have together. */
  others(uids: readonly string[], sessions: number): void;
  /** Ends all connections; resolves to whether none had to be cut. */
  stop(): Promise<boolean>;
  reload(config: unknown): Promise<readonly string[]>;
}

const MAX_UNREAD_BYTES = 256 * 1024 * 1024;

/**
 * What the primary bears of its workers. Long pauses of the garbage collector, or of a machine that is short of CPU, are
 * no reason to cut connections.
 */
export const LIMITS_OF_WORKERS: LinkLimits = {
  maxBufferedBytes: MAX_UNREAD_BYTES,
  silenceTimeoutMs: 6000,
  callTimeoutMs: 10_000,
};

/** What workers bear of the primary: it costs the connections of all of them, and it waits for other workers' answers. */
export const LIMITS_OF_PRIMARY: LinkLimits = {
  maxBufferedBytes: MAX_UNREAD_BYTES,
  silenceTimeoutMs: 12_000,
  callTimeoutMs: 15_000,
};
