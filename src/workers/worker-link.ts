import type { Duplex } from "node:stream";
import type { ControlBus } from "../core/control-bus.ts";
import type { LogFields, Logger } from "../core/logger.ts";
import { FRAME_MARK_BYTES } from "../lib/link/frame-reader.ts";
import type { HeartbeatClock } from "../lib/link/heartbeat.ts";
import { type LinkEnd, MessageLink } from "../lib/link/message-link.ts";
import { failureFromBytes, failureToBytes } from "../wire/failure.ts";
import { LIMITS_OF_PRIMARY, type LogLevel, type PrimaryCalls, type WorkerCalls } from "./calls.ts";
import { RemoteBroker } from "./remote-broker.ts";
import { RemoteLimits } from "./remote-limits.ts";
import { RemotePresenceManager } from "./remote-presence-manager.ts";
import { RemoteRecords, RemoteStatuses } from "./remote-users.ts";

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
