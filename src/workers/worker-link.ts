import type { Duplex } from "node:stream";
import { setImmediate as endOfTurn } from "node:timers/promises";
import type { UserStatus, UserStatusBook } from "../core/access.ts";
import type {
  Broker,
  BrokerListener,
  BrokerPublishOptions,
  HistoryFilter,
  HistoryPage,
  PublishResult,
} from "../core/broker.ts";
import type { ControlBus } from "../core/control-bus.ts";
import type { EntryStore, EntryTable, StoredEntry } from "../core/entry-store.ts";
import type { LogFields, Logger } from "../core/logger.ts";
import type { PresenceManager, PresenceStats } from "../core/presence-manager.ts";
import {
  type ChannelNotice,
  type ClientInfo,
  Publication,
  type PublicationInit,
} from "../core/publication.ts";
import type { SharedLimits } from "../core/shared-limits.ts";
import { FRAME_MARK_BYTES } from "../lib/link/link-reader.ts";
import type { HeartbeatClock } from "../lib/link/heartbeat.ts";
import { type LinkEnd, MessageLink } from "../lib/link/message-link.ts";
import { failureFromBytes, failureToBytes } from "../wire/failure.ts";
import { decodePublication, encodePublication } from "../wire/publication.ts";
import { decodePush, encodeNotice } from "../wire/push.ts";
import {
  LIMITS_OF_PRIMARY,
  type LogLevel,
  type PrimaryCalls,
  type RateTaken,
  type WorkerCalls,
} from "./calls.ts";
import type { LimitsListener } from "./limits-hub.ts";

/** A worker's link to its primary. */
export type PrimaryLink = MessageLink<WorkerCalls, PrimaryCalls>;

/** What a worker does when its primary says so, or is gone. */
export interface WorkerLife extends Pick<WorkerCalls, "stop" | "reload"> {
  readonly onPrimaryGone: (reason: LinkEnd) => void;
}

/** The worker's side of its link: everything that the primary has, as ports. */
export class WorkerLink {
  readonly link: PrimaryLink;
  readonly broker: RemoteBroker;
  readonly presence: RemotePresenceManager;
  readonly bus: ControlBus;
  readonly limits: RemoteLimits;
  readonly records: RemoteRecords;
  readonly statuses: RemoteStatuses;
  /** Keeps lines of the lowest level to itself unless `logsDebug`. */
  readonly logger: Logger;
  logsDebug = false;
  #onBusMessage: ((bytes: Uint8Array) => void) | undefined;

  constructor(stream: Duplex, clock: HeartbeatClock, { stop, reload, onPrimaryGone }: WorkerLife) {
    this.link = new MessageLink<WorkerCalls, PrimaryCalls>(stream, {
      calls: {
        stop,
        reload,
        interrupted: () => this.broker.onInterrupted(),
        busMessage: (bytes) => this.#onBusMessage?.(bytes),
        takenElsewhere: (taken) => this.limits.listener.takenElsewhere(taken),
        sessionsElsewhere: (count) => this.limits.listener.sessionsElsewhere(count),
      },
      encodeError: failureToBytes,
      decodeError: failureFromBytes,
      onError: (err) => this.logger.error({ err }, "message of the primary failed"),
      onFrame: (frame) => this.broker.onPush(frame.subarray(FRAME_MARK_BYTES)),
      onClose: onPrimaryGone,
      clock,
      limits: LIMITS_OF_PRIMARY,
    });
    this.broker = new RemoteBroker(this.link);
    this.presence = new RemotePresenceManager(this.link);
    this.limits = new RemoteLimits(this.link);
    this.records = new RemoteRecords(this.link);
    this.statuses = new RemoteStatuses(this.link);
    this.bus = this.#createBus();
    this.logger = this.#createLogger();
  }

  /** Tells the primary that the worker cannot start. */
  fail(error: unknown): void {
    this.link.notify("failed", failureToBytes(error));
  }

  /** The primary passes on what is sent. */
  #createBus(): ControlBus {
    return {
      start: async (onMessage) => {
        this.#onBusMessage = onMessage;
        await this.link.call("joinBus");
      },
      send: async (to, bytes) => this.link.notify("sendToBus", to, bytes),
      close: async () => {
        this.#onBusMessage = undefined;
      },
    };
  }

  #createLogger(): Logger {
    const logAs =
      (level: LogLevel) =>
      ({ err, ...fields }: LogFields, message: string): void =>
        this.link.notify("log", level, fields, message, err === undefined ? undefined : failureToBytes(err));
    const debug = logAs("debug");
    return {
      debug: (fields, message) => {
        if (this.logsDebug) debug(fields, message);
      },
      info: logAs("info"),
      warn: logAs("warn"),
      error: logAs("error"),
    };
  }
}

/** The primary's broker, as a worker reaches it. */
export class RemoteBroker implements Broker {
  /** Known when the worker begins. */
  isReliable = false;
  readonly #link: PrimaryLink;
  #listener: BrokerListener | undefined;

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  /** Takes what the primary delivers. */
  onPush(bytes: Uint8Array): void {
    const push = decodePush(bytes);
    if (push.type === "delivery") this.#listener?.onPublication(push.channel, push.delivery);
    else this.#listener?.onNotice(push.channel, push.notice);
  }

  onInterrupted(): void {
    this.#listener?.onInterrupted();
  }

  async start(listener: BrokerListener): Promise<void> {
    this.#listener = listener;
  }

  publish(channel: string, init: PublicationInit, options: BrokerPublishOptions): Promise<PublishResult> {
    return this.#link.call("publish", channel, encodePublication(new Publication(init)), options);
  }

  publishNotice(channel: string, notice: ChannelNotice): Promise<void> {
    return this.#link.call("publishNotice", encodeNotice(channel, notice));
  }

  async history(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<HistoryPage> {
    const { publications, position } = await this.#link.call("history", channel, filter, metaTtlMs);
    return { publications: publications.map((bytes) => decodePublication(bytes).publication), position };
  }

  removeHistory(channel: string): Promise<void> {
    return this.#link.call("removeHistory", channel);
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#link.call("subscribe", channels);
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#link.call("unsubscribe", channels);
  }

  /** The primary's broker stays. */
  async close(): Promise<void> {
    this.#listener = undefined;
  }
}

/** Limits that hold for all processes of the machine, as a worker reaches them: the primary counts. */
export class RemoteLimits implements SharedLimits {
  sessionsElsewhere = 0;
  readonly #link: PrimaryLink;
  readonly #listeners = new Map<string, (key: string, points: number) => void>();
  #taken: RateTaken[] = [];
  #sessions = 0;
  #isReporting = false;
  /** What all wait for who ask in this turn. */
  #catchingUp: Promise<void> | undefined;

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  /** Takes what the primary says of the others. */
  readonly listener: LimitsListener = {
    takenElsewhere: (taken) => {
      for (const [rate, key, points] of taken) this.#listeners.get(rate)?.(key, points);
    },
    sessionsElsewhere: (count) => {
      this.sessionsElsewhere = count;
    },
  };

  take(key: string, max: number): boolean | Promise<boolean> {
    if (Number.isFinite(max)) return this.#link.call("takeLimit", key, max);
    this.#link.notify("takeLimit", key, max);
    return true;
  }

  give(key: string): void {
    this.#link.notify("giveLimit", key);
  }

  /** Goes out with all that is taken in this tick, before whoever has taken it is answered. */
  reportTaken(rate: string, key: string, points: number): void {
    if (this.#taken.push([rate, key, points]) > 1) return;
    process.nextTick(() => {
      this.#link.notify("reportTaken", this.#taken);
      this.#taken = [];
    });
  }

  onTakenElsewhere(rate: string, listener: (key: string, points: number) => void): void {
    this.#listeners.set(rate, listener);
  }

  /** The primary is asked at the end of the turn, once for all who wait for it. */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#askPrimary();
    return this.#catchingUp;
  }

  /** Goes out before clients are told that they are connected: the others know of them when they see it. */
  reportSessions(count: number): void {
    this.#sessions = count;
    if (this.#isReporting) return;
    this.#isReporting = true;
    process.nextTick(() => {
      this.#isReporting = false;
      this.#link.notify("reportSessions", this.#sessions);
    });
  }

  async #askPrimary(): Promise<void> {
    await endOfTurn();
    this.#catchingUp = undefined;
    // Where the primary does not answer, what is known has to do; the end of the link is that of the worker.
    await this.#link.call("catchUpLimits").catch(() => undefined);
    setImmediate(() => this.#link.notify("endLimitsTurn"));
  }
}

/** The primary's presence manager, as a worker reaches it. */
export class RemotePresenceManager implements PresenceManager {
  readonly #link: PrimaryLink;

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  add(channel: string, info: ClientInfo, maxUsers: number): Promise<boolean> {
    return this.#link.call("addPresence", channel, info, maxUsers);
  }

  remove(channel: string, client: string, user: string): Promise<void> {
    return this.#link.call("removePresence", channel, client, user);
  }

  get(channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    return this.#link.call("presence", channel);
  }

  stats(channel: string): Promise<PresenceStats> {
    return this.#link.call("presenceStats", channel);
  }

  /** The primary's presence stays. */
  async close(): Promise<void> {}
}

/**
 * What the primary remembers of users and tokens, as a worker begins with it. Every change is told to the worker's node
 * and to the primary's alike, and the primary writes it down.
 */
export class RemoteRecords implements EntryStore {
  readonly isDurable = false;
  readonly #link: PrimaryLink;

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  load(table: EntryTable): Promise<readonly StoredEntry[]> {
    return this.#link.call("records", table);
  }

  async write(): Promise<void> {}

  async close(): Promise<void> {}
}

/** The primary's statuses of users, as a worker reaches them. */
export class RemoteStatuses implements UserStatusBook {
  readonly #link: PrimaryLink;
  #seen = new Set<string>();

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  update(users: readonly string[], state: string): Promise<void> {
    return this.#link.call("updateStatuses", users, state);
  }

  get(users: readonly string[]): Promise<readonly UserStatus[]> {
    return this.#link.call("statuses", users);
  }

  delete(users: readonly string[]): Promise<void> {
    return this.#link.call("deleteStatuses", users);
  }

  /** Goes to the primary with whoever else is seen in this turn. */
  seen(user: string): void {
    if (this.#seen.size === 0) {
      setImmediate(() => {
        this.#link.notify("seen", [...this.#seen]);
        this.#seen = new Set();
      });
    }
    this.#seen.add(user);
  }

  async save(): Promise<void> {}

  async sweep(): Promise<void> {}
}
