import type { Duplex } from "node:stream";
import { ChannelEvents } from "../core/channel-events.ts";
import { createAmbient } from "../core/ambient.ts";
import { systemClock } from "../core/clock.ts";
import { NO_METRICS } from "../core/metrics.ts";
import type { LinkEnd } from "../lib/link/message-link.ts";
import { createLogger } from "../telemetry/logger.ts";
import { WorkerLink } from "../workers/worker-link.ts";
import type { Config } from "./config.ts";
import { ServingNode } from "./serving-node.ts";
import { createRemoteRecords } from "./user-control.ts";
import type { NodePorts } from "./ports.ts";
import type { ConnectPusher } from "./pusher.ts";

/** How long a worker takes over its own end at most, once its primary is gone. */
const ORPHAN_EXIT_MS = 1000;

/** Runs this process as a worker, until its primary ends it or is gone. */
export function runWorker(stream: Duplex): void {
  // Whoever sends signals to a whole group of processes means the primary, which ends its workers in order.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  new WorkerServer(stream).start();
}

class WorkerServer {
  readonly #link: WorkerLink;
  #config: Config | undefined;
  #serving: ServingNode | undefined;
  /** Settles when the worker listens, or cannot. */
  readonly #started = Promise.withResolvers<void>();

  constructor(stream: Duplex) {
    this.#link = new WorkerLink(stream, systemClock, {
      stop: () => this.#stop(),
      reload: (config) => this.#reload(config),
      onPrimaryGone: (reason) => this.#end(reason),
    });
  }

  start(): void {
    // Reloads wait for it, if there are any.
    this.#started.promise.catch(() => undefined);
    this.#run().then(this.#started.resolve, (error: unknown) => {
      this.#started.reject(error);
      this.#link.fail(error);
      setTimeout(() => process.exit(1), ORPHAN_EXIT_MS).unref();
    });
  }

  /** Clients come back to the next server; there is nobody to publish to them. */
  #end(reason: LinkEnd): void {
    if (this.#config !== undefined && reason !== "ended") {
      // Not by way of the primary, as everything else.
      const logger = createLogger(this.#config.log, process);
      logger.error({ pid: process.pid }, "the primary does not answer: the worker ends");
    }
    process.exit(1);
  }

  async #run(): Promise<void> {
    const { link, broker, presence, bus, limits, records, statuses, logger } = this.#link;
    const { config: received, isDev, nodeUid: uid, machine, isReliable } = await link.call("begin");
    broker.isReliable = isReliable;
    // The primary is of the same program, and has loaded it.
    const config = received as Config;
    this.#config = config;
    this.#link.logsDebug = config.log.level === "debug" || config.log.level === "trace";
    // Firsts and lasts are the primary's to tell; of subscribers, each process knows its own.
    const events = new ChannelEvents();
    events.add({ onSubscribersChanged: (channel) => link.notify("subscribersChanged", channel) });
    const connectPusher: ConnectPusher = () => ({
      webhooks: { emit: (app, event) => link.notify("emit", app.config.id, event) },
      close: () => Promise.resolve(),
    });
    const ports: NodePorts = {
      ...{ broker, presence, events, bus, limits },
      heartbeat: undefined,
      records: createRemoteRecords(config, systemClock, records, statuses),
    };
    this.#serving = await ServingNode.assemble(config, createAmbient(logger, NO_METRICS), {
      ports,
      identity: { uid, machine },
      connectPusher,
      isDev,
    });
    link.notify("ready", await this.#serving.start());
  }

  async #stop(): Promise<boolean> {
    if (this.#config === undefined) return true;
    const deadline = AbortSignal.timeout(this.#config.shutdown.timeout);
    await this.#serving?.stop(deadline);
    return !deadline.aborted;
  }

  /** The primary sends what differs from before in reloadable options only. */
  async #reload(received: unknown): Promise<void> {
    await this.#started.promise;
    await this.#serving?.reload(received as Config);
  }
}
