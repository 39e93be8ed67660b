import type { Duplex } from "node:stream";
import type { BrokerListener } from "../core/broker.ts";
import type { ChannelObserver } from "../core/channel-observer.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import { clientError } from "../core/client-error.ts";
import type { EntryTable, StoredEntry } from "../core/entry-store.ts";
import type { Logger } from "../core/logger.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type { PresenceManager } from "../core/presence-manager.ts";
import type { LocalQuotas } from "../core/quotas.ts";
import type { UserStatusBook } from "../core/user-status.ts";
import type { HeartbeatClock } from "../lib/link/heartbeat.ts";
import { type LinkEnd, MessageLink } from "../lib/link/message-link.ts";
import { LIMITS_OF_WORKERS, type PrimaryCalls, type WorkerCalls, type WorkerStart } from "./calls.ts";
import type { NodeRouter } from "./node-router.ts";
import { type LostEntry, PresenceSeat } from "./presence-seat.ts";
import { QuotaSeat } from "./quota-seat.ts";
import type { BrokerSeat, SharedBroker } from "./shared-broker.ts";
import type { SharedEncoder } from "./shared-encoder.ts";
import { decodeError, decodeLogFields, encodeError, encodePublication } from "./wire.ts";

/** What the primary shares with its workers. */
export interface SharedPorts {
  readonly broker: SharedBroker;
  readonly encoder: SharedEncoder;
  readonly presence: PresenceManager;
  readonly quotas: LocalQuotas;
  readonly router: NodeRouter;
  /** Undefined where statuses are switched off. */
  readonly statuses: UserStatusBook | undefined;
  /** What is remembered of users and tokens at this moment. */
  readonly records: (table: EntryTable) => readonly StoredEntry[];
  readonly observer: ChannelObserver;
  /** Takes what a protocol in a worker has for the same protocol in the primary. */
  readonly onEmit: (app: string, event: unknown) => void;
  readonly channelOptions: (channel: string) => ChannelOptions | undefined;
  readonly logger: Logger;
}

/** One worker as it begins. */
export interface SeatOptions {
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
export class WorkerSeat {
  readonly #ports: SharedPorts;
  readonly #options: SeatOptions;
  readonly #broker: BrokerSeat;
  readonly #presence: PresenceSeat;
  readonly #quotas: QuotaSeat;
  readonly #link: MessageLink<PrimaryCalls, WorkerCalls>;
  readonly #left = Promise.withResolvers<void>();

  constructor(ports: SharedPorts, options: SeatOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#broker = ports.broker.join();
    this.#presence = new PresenceSeat(ports.presence, {
      onFirst: (channel, info) => this.#tellMember("memberAdded", channel, info),
      onLast: (channel, info) => this.#tellMember("memberRemoved", channel, info),
    });
    this.#quotas = new QuotaSeat(ports.quotas);
    const { logger } = ports;
    this.#link = new MessageLink(options.stream, {
      calls: this.#calls(),
      encodeError,
      decodeError,
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

  reload(config: unknown): Promise<readonly string[]> {
    return this.#link.callWithin(RELOAD_TIMEOUT_MS, "reload", config);
  }

  #calls(): PrimaryCalls {
    const { logger, router, statuses, observer, onEmit, records } = this.#ports;
    const { start, onReady, onFailed } = this.#options;
    const [broker, presence, quotas, uid] = [this.#broker, this.#presence, this.#quotas, start.nodeUid];
    const book = (): UserStatusBook => statuses ?? notAvailable();
    return {
      begin: () => start,
      join: () => {
        router.add(uid, {
          ask: (name, args) => this.#link.call("ask", name, args),
          setOthers: (uids, sessions) => this.#link.notify("others", uids, sessions),
          noteRates: (taken) => this.#link.notify("ratesTaken", taken),
        });
      },
      ready: onReady,
      log: (level, fields, message) => logger[level]({ worker: uid, ...decodeLogFields(fields) }, message),
      failed: (error) => onFailed(decodeError(error)),
      publish: (channel, init, options) => broker.publish(channel, init, options),
      publishNotice: (channel, notice) => broker.publishNotice(channel, notice),
      history: async (...args) => {
        const { publications, position } = await broker.history(...args);
        return { publications: publications.map(encodePublication), position };
      },
      removeHistory: (channel) => broker.removeHistory(channel),
      subscribe: async (channel) => {
        broker.listener ??= this.#listener();
        const isFirst = await broker.subscribe(channel);
        if (isFirst) observer.onOccupied(channel);
        return isFirst;
      },
      unsubscribe: async (channel) => {
        const wasLast = await broker.unsubscribe(channel);
        if (wasLast) observer.onVacated(channel);
        return wasLast;
      },
      addPresence: (...args) => presence.add(...args),
      removePresence: (...args) => presence.remove(...args),
      presence: (channel) => presence.get(channel),
      presenceStats: (channel) => presence.stats(channel),
      takeQuota: (key, max) => quotas.take(key, max),
      giveQuota: (key) => quotas.give(key),
      ratesTaken: (taken) => router.noteRates(uid, taken),
      records,
      updateStatuses: (users, state) => book().update(users, state),
      statuses: (users) => book().get(users),
      deleteStatuses: (users) => book().delete(users),
      seen: (users) => {
        for (const user of users) statuses?.seen(user);
      },
      askOthers: (name, args) => router.askOthers(uid, name, args),
      askNode: (other, name, args) => router.askNode(other, name, args),
      reportSessions: (count) => router.reportSessions(uid, count),
      subscribersChanged: (channel) => observer.onSubscribersChanged(channel),
      emit: onEmit,
    };
  }

  #listener(): BrokerListener {
    const { encoder } = this.#ports;
    return {
      onPublication: (channel, delivery) => this.#link.sendFrame(encoder.delivery(channel, delivery)),
      onNotice: (channel, notice) => this.#link.sendFrame(encoder.notice(channel, notice)),
    };
  }

  async #leave(): Promise<void> {
    const { router, observer } = this.#ports;
    router.remove(this.#options.start.nodeUid);
    this.#quotas.leave();
    this.#broker.listener = undefined;
    for (const entry of await this.#presence.leave()) await this.#tellLost(entry);
    for (const channel of await this.#broker.leave()) observer.onVacated(channel);
    this.#left.resolve();
  }

  /** Tells a channel who is gone with the worker, as the worker would have done. */
  async #tellLost({ channel, info }: LostEntry): Promise<void> {
    const options = this.#ports.channelOptions(channel);
    if (options?.joinLeave === true) await this.#broker.publishNotice(channel, { type: "leave", info });
  }

  #tellMember(type: "memberAdded" | "memberRemoved", channel: string, info: ClientInfo): void {
    const { observer, channelOptions, logger } = this.#ports;
    if (channelOptions(channel)?.memberNotices !== true) return;
    if (type === "memberAdded") observer.onMemberAdded(channel, info);
    else observer.onMemberRemoved(channel, info);
    this.#broker.publishNotice(channel, { type, info }).catch((err: unknown) => {
      logger.error({ channel, err }, "notice of a member not published");
    });
  }
}

function notAvailable(): never {
  throw clientError("notAvailable");
}
