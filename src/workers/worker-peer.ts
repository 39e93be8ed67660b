import type { Duplex } from "node:stream";
import type { UserStatusBook } from "../core/access.ts";
import type { BrokerListener, Delivery } from "../core/broker.ts";
import type { ChannelEvents } from "../core/channel-events.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import { clientError } from "../core/client-error.ts";
import type { EntryTable, StoredEntry } from "../core/entry-store.ts";
import type { LogFields, Logger } from "../core/logger.ts";
import type { PresenceManager, PresenceStats } from "../core/presence-manager.ts";
import type { ChannelNotice, ClientInfo } from "../core/publication.ts";
import type { HeartbeatClock } from "../lib/link/heartbeat.ts";
import {
  type EncodedFrame,
  FRAME_HEAD_BYTES,
  headFrame,
  type LinkEnd,
  MessageLink,
} from "../lib/link/message-link.ts";
import { failureFromBytes, failureToBytes } from "../wire/failure.ts";
import { decodePublication, encodePublication } from "../wire/publication.ts";
import { decodeNotice, encodeDelivery, encodeNotice } from "../wire/push.ts";
import type { BusHub } from "./bus-hub.ts";
import {
  LIMITS_OF_WORKERS,
  type LogLevel,
  type PrimaryCalls,
  type WorkerCalls,
  type WorkerStart,
} from "./calls.ts";
import type { LimitsHub, LimitsMember } from "./limits-hub.ts";
import type { BrokerMember, SharedBroker } from "./shared-broker.ts";

/** What the primary shares with its workers. */
export interface SharedPorts {
  readonly broker: SharedBroker;
  readonly pushFrames: PushFrames;
  readonly presence: PresenceManager;
  readonly events: ChannelEvents;
  readonly limits: LimitsHub;
  readonly bus: BusHub;
  /** Undefined where statuses are switched off. */
  readonly statuses: UserStatusBook | undefined;
  /** What is remembered of users and tokens at this moment. */
  readonly records: (table: EntryTable) => readonly StoredEntry[];
  /** Takes what a protocol in a worker has for the same protocol in the primary. */
  readonly onEmit: (app: string, event: unknown) => void;
  /** Is told of a worker that is gone, before what it stood for is removed. */
  readonly onGone: (nodeUid: string) => void;
  readonly channelOptions: (channel: string) => ChannelOptions | undefined;
  readonly logger: Logger;
}

/** One worker as it begins. */
export interface WorkerPeerOptions {
  readonly stream: Duplex;
  readonly clock: HeartbeatClock;
  readonly start: WorkerStart;
  readonly onReady: (addresses: unknown) => void;
  readonly onFailed: (error: Error) => void;
}

/** How long it may take over a new configuration. */
const RELOAD_TIMEOUT_MS = 60_000;

const GIVEN_UP: Readonly<Record<Exclude<LinkEnd, "ended">, string>> = {
  silent: "worker hangs: it is killed",
  unread: "worker does not read what it is sent: it is killed",
};

/** The primary's side of one worker. When the link ends, so does everything that the worker stood for. */
export class WorkerPeer {
  readonly #ports: SharedPorts;
  readonly #options: WorkerPeerOptions;
  readonly #broker: BrokerMember;
  readonly #presence: PresenceMember;
  readonly #limits: LimitsMember;
  readonly #link: MessageLink<PrimaryCalls, WorkerCalls>;
  readonly #left = Promise.withResolvers<void>();

  constructor(ports: SharedPorts, options: WorkerPeerOptions) {
    const { logger } = ports;
    this.#ports = ports;
    this.#options = options;
    this.#broker = ports.broker.join();
    this.#presence = new PresenceMember(ports.presence);
    this.#limits = ports.limits.join({
      takenElsewhere: (taken) => this.#link.notify("takenElsewhere", taken),
      sessionsElsewhere: (count) => this.#link.notify("sessionsElsewhere", count),
    });
    this.#link = new MessageLink(options.stream, {
      calls: this.#calls(),
      encodeError: failureToBytes,
      decodeError: failureFromBytes,
      onError: (err) => logger.error({ err }, "message of a worker failed"),
      onClose: (reason) => {
        if (reason !== "ended") logger.error({ worker: options.start.nodeUid }, GIVEN_UP[reason]);
        this.#leave().catch((err: unknown) => logger.error({ err }, "worker not cleaned up"));
      },
      clock: options.clock,
      limits: LIMITS_OF_WORKERS,
    });
  }

  /** Resolves once the worker is gone and nothing of it is left. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** Ends the worker's connections, however long that takes. Rejects where it is gone. */
  stop(): Promise<boolean> {
    return this.#link.callWithin(Infinity, "stop");
  }

  reload(config: unknown): Promise<void> {
    return this.#link.callWithin(RELOAD_TIMEOUT_MS, "reload", config);
  }

  #calls(): PrimaryCalls {
    const { start, onReady, onFailed } = this.#options;
    const { bus, events, onEmit, records } = this.#ports;
    return {
      begin: () => start,
      ready: onReady,
      failed: (failure) => onFailed(failureFromBytes(failure)),
      log: (level, fields, message, failure) => this.#log(level, fields, message, failure),
      ...this.#brokerCalls(),
      ...this.#presenceCalls(),
      ...this.#limitCalls(),
      records,
      ...this.#statusCalls(),
      joinBus: () => bus.join(start.nodeUid, (bytes) => this.#link.notify("busMessage", bytes)),
      sendToBus: async (to, bytes) => bus.send(start.nodeUid, to, bytes),
      subscribersChanged: (channel) => events.onSubscribersChanged(channel),
      emit: onEmit,
    };
  }

  #brokerCalls(): Pick<
    PrimaryCalls,
    "publish" | "publishNotice" | "history" | "removeHistory" | "subscribe" | "unsubscribe"
  > {
    const broker = this.#broker;
    const listener = this.#ports.pushFrames.listener(
      (frame) => this.#link.sendFrame(frame),
      () => this.#link.notify("interrupted"),
    );
    return {
      publish: (channel, publication, options) =>
        broker.publish(channel, decodePublication(publication).publication, options),
      publishNotice: (push) => {
        const { channel, notice } = decodeNotice(push);
        return broker.publishNotice(channel, notice);
      },
      history: async (...args) => {
        const { publications, position } = await broker.history(...args);
        return { publications: publications.map(encodePublication), position };
      },
      removeHistory: (channel) => broker.removeHistory(channel),
      subscribe: (channels) => {
        broker.listener ??= listener;
        return broker.subscribe(channels);
      },
      unsubscribe: (channels) => broker.unsubscribe(channels),
    };
  }

  #presenceCalls(): Pick<PrimaryCalls, "addPresence" | "removePresence" | "presence" | "presenceStats"> {
    const presence = this.#presence;
    return {
      addPresence: (...args) => presence.add(...args),
      removePresence: (...args) => presence.remove(...args),
      presence: (channel) => presence.get(channel),
      presenceStats: (channel) => presence.stats(channel),
    };
  }

  #limitCalls(): Pick<
    PrimaryCalls,
    "takeLimit" | "giveLimit" | "reportTaken" | "reportSessions" | "catchUpLimits" | "endLimitsTurn"
  > {
    const limits = this.#limits;
    return {
      takeLimit: (key, max) => limits.take(key, max),
      giveLimit: (key) => limits.give(key),
      reportTaken: (taken) => limits.reportTaken(taken),
      reportSessions: (count) => limits.reportSessions(count),
      catchUpLimits: () => limits.catchUp(),
      endLimitsTurn: () => limits.endTurn(),
    };
  }

  #statusCalls(): Pick<PrimaryCalls, "updateStatuses" | "statuses" | "deleteStatuses" | "seen"> {
    const { statuses } = this.#ports;
    const book = (): UserStatusBook => {
      if (statuses === undefined) throw clientError("notAvailable");
      return statuses;
    };
    return {
      updateStatuses: (users, state) => book().update(users, state),
      statuses: (users) => book().get(users),
      deleteStatuses: (users) => book().delete(users),
      seen: (users) => {
        for (const user of users) statuses?.seen(user);
      },
    };
  }

  #log(level: LogLevel, fields: LogFields, message: string, failure: Uint8Array | undefined): void {
    const err = failure === undefined ? {} : { err: failureFromBytes(failure) };
    this.#ports.logger[level]({ worker: this.#options.start.nodeUid, ...fields, ...err }, message);
  }

  async #leave(): Promise<void> {
    const { bus, onGone } = this.#ports;
    const { nodeUid } = this.#options.start;
    bus.leave(nodeUid);
    onGone(nodeUid);
    this.#limits.leave();
    this.#broker.listener = undefined;
    for (const entry of await this.#presence.leave()) await this.#announceLost(entry);
    await this.#broker.close();
    this.#left.resolve();
  }

  /** Tells a channel who is gone with the worker, as the worker would have done. */
  async #announceLost({ channel, info }: LostEntry): Promise<void> {
    const options = this.#ports.channelOptions(channel);
    if (options?.joinLeave === true) await this.#broker.publishNotice(channel, { type: "leave", info });
  }
}

/** An entry that went with its process. */
export interface LostEntry {
  readonly channel: string;
  readonly info: ClientInfo;
}

/** A presence manager that one of several processes uses: it remembers what the process has entered. */
export class PresenceMember implements PresenceManager {
  readonly #presence: PresenceManager;
  /** By channel, by client. */
  readonly #entries = new Map<string, Map<string, ClientInfo>>();

  constructor(presence: PresenceManager) {
    this.#presence = presence;
  }

  /** Remembered from the call on, so that whatever follows it, the end of the process included, finds the entry. */
  async add(channel: string, info: ClientInfo, maxUsers: number): Promise<boolean> {
    const ofChannel = this.#entries.get(channel) ?? new Map<string, ClientInfo>();
    const before = ofChannel.get(info.client);
    this.#entries.set(channel, ofChannel.set(info.client, info));
    const isIn = await this.#presence.add(channel, info, maxUsers);
    if (!isIn && before === undefined) this.#forget(channel, info);
    return isIn;
  }

  async remove(channel: string, client: string, user: string): Promise<void> {
    const info = this.#entries.get(channel)?.get(client);
    if (info !== undefined) this.#forget(channel, info);
    await this.#presence.remove(channel, client, user);
  }

  get(channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    return this.#presence.get(channel);
  }

  stats(channel: string): Promise<PresenceStats> {
    return this.#presence.stats(channel);
  }

  /** The manager itself stays, with what has been entered. */
  async close(): Promise<void> {}

  /** Removes everything that the process has entered. */
  async leave(): Promise<readonly LostEntry[]> {
    const lost: LostEntry[] = [];
    for (const [channel, clients] of this.#entries) {
      for (const info of clients.values()) {
        await this.#presence.remove(channel, info.client, info.user);
        lost.push({ channel, info });
      }
    }
    this.#entries.clear();
    return lost;
  }

  /** Unless the client has been entered anew. */
  #forget(channel: string, info: ClientInfo): void {
    const ofChannel = this.#entries.get(channel);
    if (ofChannel?.get(info.client) !== info) return;
    ofChannel.delete(info.client);
    if (ofChannel.size === 0) this.#entries.delete(channel);
  }
}

/** Encodes what goes to one worker after the other once for all of them. */
export class PushFrames {
  #last: { readonly of: object; readonly frame: EncodedFrame } | undefined;

  delivery(channel: string, delivery: Delivery): EncodedFrame {
    if (this.#last?.of === delivery) return this.#last.frame;
    return this.#keep(delivery, encodeDelivery(channel, delivery, FRAME_HEAD_BYTES));
  }

  notice(channel: string, notice: ChannelNotice): EncodedFrame {
    if (this.#last?.of === notice) return this.#last.frame;
    return this.#keep(notice, encodeNotice(channel, notice, FRAME_HEAD_BYTES));
  }

  /** A listener that sends on what it is told. */
  listener(send: (frame: EncodedFrame) => void, onInterrupted: () => void): BrokerListener {
    return {
      onPublication: (channel, delivery) => send(this.delivery(channel, delivery)),
      onNotice: (channel, notice) => send(this.notice(channel, notice)),
      onInterrupted,
    };
  }

  #keep(of: object, bytes: Buffer): EncodedFrame {
    const frame = [headFrame(bytes)];
    this.#last = { of, frame };
    return frame;
  }
}
