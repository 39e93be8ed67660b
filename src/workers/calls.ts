import type { UserStatus } from "../core/access.ts";
import type { BrokerPublishOptions, HistoryFilter, PublishResult } from "../core/broker.ts";
import type { BusAddress } from "../core/control-bus.ts";
import type { EntryTable, StoredEntry } from "../core/entry-store.ts";
import type { LogFields } from "../core/logger.ts";
import type { PresenceStats } from "../core/presence-manager.ts";
import type { ClientInfo, StreamPosition } from "../core/publication.ts";
import type { LinkLimits } from "../lib/link/message-link.ts";

/** Points taken of a rate. */
export type RateTaken = readonly [rate: string, key: string, points: number];

export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a worker is told when it begins. */
export interface WorkerStart {
  /** The configuration, as the primary has loaded it. */
  readonly config: unknown;
  /** A development server. */
  readonly isDev: boolean;
  readonly nodeUid: string;
  /** Uid of the primary's own node, and of the whole to the server API. */
  readonly machine: string;
  /** Of the primary's broker. */
  readonly isReliable: boolean;
}

/** A page of history as it travels: publications as `encodePublication` makes them. */
export interface WireHistoryPage {
  readonly publications: readonly Uint8Array[];
  readonly position: StreamPosition;
}

/** What the primary does for its workers. Errors travel as `encodeFailure` makes them. */
export interface PrimaryCalls {
  begin(): WorkerStart;
  /** The worker listens here. */
  ready(addresses: unknown): void;
  /** The worker cannot start. */
  failed(failure: Uint8Array): void;
  /** `failure` is what the line has as `err`. */
  log(level: LogLevel, fields: LogFields, message: string, failure: Uint8Array | undefined): void;

  /** `publication` as `encodePublication` makes it. */
  publish(channel: string, publication: Uint8Array, options: BrokerPublishOptions): Promise<PublishResult>;
  /** `push` as `encodeNotice` makes it. */
  publishNotice(push: Uint8Array): Promise<void>;
  history(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<WireHistoryPage>;
  removeHistory(channel: string): Promise<void>;
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;

  addPresence(channel: string, info: ClientInfo, maxUsers: number): Promise<boolean>;
  removePresence(channel: string, client: string, user: string): Promise<void>;
  presence(channel: string): Promise<ReadonlyMap<string, ClientInfo>>;
  presenceStats(channel: string): Promise<PresenceStats>;

  takeLimit(key: string, max: number): Promise<boolean>;
  giveLimit(key: string): void;
  reportTaken(taken: readonly RateTaken[]): void;
  reportSessions(count: number): void;
  /** Resolves once the worker has been sent what the others had reported before the call; it is its turn then. */
  catchUpLimits(): Promise<void>;
  /** The worker has reported what came of its turn. */
  endLimitsTurn(): void;

  records(table: EntryTable): readonly StoredEntry[];
  updateStatuses(users: readonly string[], state: string): Promise<void>;
  statuses(users: readonly string[]): Promise<readonly UserStatus[]>;
  deleteStatuses(users: readonly string[]): Promise<void>;
  seen(users: readonly string[]): void;

  /** Messages of the control bus come to the worker from now on. */
  joinBus(): void;
  sendToBus(to: BusAddress, bytes: Uint8Array): Promise<void>;

  /** The worker has one subscriber of the channel more or less. */
  subscribersChanged(channel: string): void;
  /** Something for the protocol that has made it, in the primary. */
  emit(app: string, event: unknown): void;
}

/** What workers do for their primary. Publications and notices come as frames of their own. */
export interface WorkerCalls {
  /** The broker may have lost publications. */
  interrupted(): void;
  /** A message of the control bus. */
  busMessage(bytes: Uint8Array): void;
  takenElsewhere(taken: readonly RateTaken[]): void;
  sessionsElsewhere(count: number): void;
  /** Ends all connections; resolves to whether none had to be cut. */
  stop(): Promise<boolean>;
  /** Follows a configuration that differs in reloadable options only. */
  reload(config: unknown): Promise<void>;
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
