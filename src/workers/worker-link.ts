import type { Duplex } from "node:stream";
import type { ChannelObserver } from "../core/channel-observer.ts";
import type { LogFields, Logger } from "../core/logger.ts";
import type { HeartbeatClock } from "../lib/link/heartbeat.ts";
import { type LinkEnd, MessageLink } from "../lib/link/message-link.ts";
import { LIMITS_OF_PRIMARY, type LogLevel, type PrimaryCalls, type WorkerCalls } from "./calls.ts";
import { RemoteBroker } from "./remote-broker.ts";
import { RemoteController } from "./remote-controller.ts";
import { RemotePresenceManager } from "./remote-presence-manager.ts";
import { RemoteRates } from "./remote-rates.ts";
import { RemoteQuotas, RemoteRecords, RemoteStatuses } from "./remote-users.ts";
import { decodeError, encodeError, encodeLogFields } from "./wire.ts";

/** A worker's link to its primary. */
export type PrimaryLink = MessageLink<WorkerCalls, PrimaryCalls>;

/** What a worker does when its primary says so, or is gone. */
export interface WorkerLife extends Pick<WorkerCalls, "stop" | "reload"> {
  /** Takes over what has happened so far, before other nodes are answered. */
  readonly onJoined: () => Promise<void>;
  readonly onPrimaryGone: (reason: LinkEnd) => void;
}

/** The worker's side of its link: everything that the primary has, as ports. */
export class WorkerLink {
  readonly link: PrimaryLink;
  readonly broker: RemoteBroker;
  readonly presence: RemotePresenceManager;
  readonly controller: RemoteController;
  readonly quotas: RemoteQuotas;
  readonly rates: RemoteRates;
  readonly records: RemoteRecords;
  readonly statuses: RemoteStatuses;
  /** Keeps lines of the lowest level to itself unless `logsDebug`. */
  readonly logger: Logger;
  logsDebug = false;
  readonly observer: ChannelObserver;

  constructor(stream: Duplex, clock: HeartbeatClock, { stop, reload, onJoined, onPrimaryGone }: WorkerLife) {
    // The ports answer through the link, and the link is made of their answers.
    const calls = {} as { -readonly [Name in keyof WorkerCalls]: WorkerCalls[Name] };
    this.link = new MessageLink<WorkerCalls, PrimaryCalls>(stream, {
      calls,
      encodeError,
      decodeError,
      onError: (err) => this.logger.error({ err }, "message of the primary failed"),
      onFrame: (frame) => this.broker.deliverPlain(frame),
      onClose: onPrimaryGone,
      clock,
      limits: LIMITS_OF_PRIMARY,
    });
    this.broker = new RemoteBroker(this.link);
    this.presence = new RemotePresenceManager(this.link);
    this.controller = new RemoteController(this.link, onJoined);
    this.quotas = new RemoteQuotas(this.link);
    this.rates = new RemoteRates(this.link);
    this.records = new RemoteRecords(this.link);
    this.statuses = new RemoteStatuses(this.link);
    this.logger = createRemoteLogger(this.link, () => this.logsDebug);
    this.observer = createRemoteObserver(this.link);
    Object.assign(calls, {
      stop,
      reload,
      ...this.broker.deliveries,
      ...this.controller.answers,
      ...this.rates.news,
    });
  }

  /** Tells the primary that the worker cannot start. */
  fail(error: unknown): void {
    this.link.notify("failed", encodeError(error));
  }
}

function createRemoteLogger(link: PrimaryLink, logsDebug: () => boolean): Logger {
  const logAs =
    (level: LogLevel) =>
    (fields: LogFields, message: string): void =>
      link.notify("log", level, encodeLogFields(fields), message);
  const debug = logAs("debug");
  return {
    debug: (fields, message) => {
      if (logsDebug()) debug(fields, message);
    },
    info: logAs("info"),
    warn: logAs("warn"),
    error: logAs("error"),
  };
}

function createRemoteObserver(link: PrimaryLink): ChannelObserver {
  return {
    onSubscribersChanged: (channel) => link.notify("subscribersChanged", channel),
    // Of these the primary is the first to know.
    onOccupied: () => undefined,
    onVacated: () => undefined,
    onMemberAdded: () => undefined,
    onMemberRemoved: () => undefined,
  };
}
