import { randomUUID } from "node:crypto";
import { systemClock } from "../../core/clock.ts";
import { disconnect } from "../../core/disconnect.ts";
import type { Logger } from "../../core/logger.ts";
import { TimerWheel } from "../../lib/timer-wheel.ts";
import type { ServerNode } from "../../node/server-node.ts";
import { PusherApps } from "../../protocols/pusher/app.ts";
import type { WebhookEvent } from "../../protocols/pusher/webhooks/event.ts";
import { NodeRouter } from "../../workers/node-router.ts";
import { PrimaryController } from "../../workers/primary-controller.ts";
import { SharedBroker } from "../../workers/shared-broker.ts";
import { SharedEncoder } from "../../workers/shared-encoder.ts";
import { channelRulesOf } from "../channel-rules.ts";
import type { Config } from "../config.ts";
import { createNode } from "../node.ts";
import { type LocalPorts, openLocalPorts } from "../ports.ts";
import { LocalPusherEvents } from "../pusher.ts";
import { changesThatNeedRestart, followReload } from "../reload.ts";
import type { MillraceServer, ServerAddresses } from "../server.ts";
import { readServerTls } from "../server-tls.ts";
import { withOwnPorts } from "./own-ports.ts";
import { WorkerPool } from "./worker-pool.ts";

/** What a cluster is made of. */
export interface ClusterServerOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly workers: number;
  readonly isDev: boolean;
}

/** What a cluster has once it has been started. */
interface Started {
  readonly node: ServerNode;
  readonly ports: LocalPorts;
  readonly broker: SharedBroker;
  readonly pusherEvents: LocalPusherEvents;
  readonly wheel: TimerWheel;
  readonly pool: WorkerPool;
}

/** Those of this process that have been started and not stopped. */
const running = new Set<ClusterServer>();

/**
 * A server of several processes that is one node to clients and the server API.
 *
 * The workers share all ports and have the connections. The primary, this process, has what there is one of: broker,
 * presence, quotas, what is remembered of users, and webhooks. It has a node of its own, for publishing from code.
 */
export class ClusterServer implements MillraceServer {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #workers: number;
  readonly #isDev: boolean;
  #started: Started | undefined;
  #stopping: Promise<boolean> | undefined;

  constructor({ config, logger, workers, isDev }: ClusterServerOptions) {
    this.#config = config;
    this.#logger = logger;
    this.#workers = workers;
    this.#isDev = isDev;
  }

  get node(): ServerNode {
    if (this.#started === undefined) throw new Error("the server has not been started");
    return this.#started.node;
  }

  async start(): Promise<ServerAddresses> {
    const isAlone = running.size === 0;
    running.add(this);
    try {
      this.#started = await this.#assemble(isAlone ? this.#config : await withOwnPorts(this.#config));
      await this.#started.broker.start();
      await this.#started.node.start();
      return await this.#started.pool.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async reload(config: Config): Promise<readonly string[]> {
    const { node, pusherEvents, pool } = this.#started ?? {};
    const followed = followReload(this.#config, config);
    // Others may have followed when one worker refuses; so what can be looked at here is.
    readServerTls(followed);
    // Workers look at everything that can be wrong; the first one that refuses keeps the rest as they are.
    await pool?.reload(config);
    const { channel, pusher } = followed;
    if (node !== undefined) node.channelRules = channelRulesOf(channel, pusher);
    pusherEvents?.reload(new PusherApps(pusher.apps));
    return changesThatNeedRestart(this.#config, config);
  }

  stop(): Promise<boolean> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #assemble(config: Config): Promise<Started> {
    const logger = this.#logger;
    // Each worker reads them for itself; what is wrong with them is told here.
    readServerTls(config);
    const ports = await openLocalPorts(config, logger);
    const { presence, quotas, records } = ports;
    const broker = new SharedBroker(ports.broker);
    const router = new NodeRouter(config.client.connection_limit > 0 ? "atOnce" : "inTurns", logger);
    const wheel = new TimerWheel(systemClock);
    const uid = randomUUID();
    const controller = new PrimaryController(uid, router);
    const node = createNode(config, { ...ports, broker: broker.join(), controller }, wheel, logger, {
      uid,
      serverUid: uid,
    });
    const pusherEvents = new LocalPusherEvents({
      config: config.pusher,
      apps: new PusherApps(config.pusher.apps),
      node,
      wheel,
      logger,
    });
    const pool = new WorkerPool({
      count: this.#workers,
      serverUid: uid,
      config,
      isDev: this.#isDev,
      logger,
      ports: {
        broker,
        encoder: new SharedEncoder(),
        presence,
        quotas,
        router,
        statuses: records.statuses,
        records: (table) => records.access.records(table),
        observer: pusherEvents.observer,
        // Both sides are the same program: what a worker's Pusher emits is what this one's takes.
        onEmit: (app, event) => pusherEvents.emit(app, event as WebhookEvent),
        channelOptions: (channel) => node.channelOptions(channel),
        logger,
      },
    });
    return { node, ports, broker, pusherEvents, wheel, pool };
  }

  async #stop(): Promise<boolean> {
    running.delete(this);
    if (this.#started === undefined) return true;
    const { node, ports, broker, pusherEvents, wheel, pool } = this.#started;
    const deadline = AbortSignal.timeout(this.#config.shutdown.timeout);
    const isClean = await pool.stop(deadline);
    await node.stop(disconnect("shutdown"));
    await pusherEvents.close(deadline);
    wheel[Symbol.dispose]();
    await Promise.all([broker.close(), ports.presence.close()]);
    await ports.records.store.close();
    return isClean;
  }
}
