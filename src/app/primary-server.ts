import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { extname, join } from "node:path";
import { internalListener } from "../config/sections/http-server.ts";
import type { Ambient } from "../core/ambient.ts";
import { disconnect } from "../core/disconnect.ts";
import { LiveValue, memberOf } from "../core/live.ts";
import { RefusalLog } from "../core/refusal-log.ts";
import type { ServerNode } from "../node/server-node.ts";
import type { WebhookEvent } from "../protocols/pusher/webhooks/request.ts";
import { measureEventLoop } from "../telemetry/event-loop.ts";
import { BusHub } from "../workers/bus-hub.ts";
import { LimitsHub } from "../workers/limits-hub.ts";
import { SharedBroker } from "../workers/shared-broker.ts";
import { PushFrames } from "../workers/worker-peer.ts";
import { WorkerPool } from "../workers/worker-pool.ts";
import type { Config } from "./config.ts";
import { readServerTls } from "./http-listeners.ts";
import { createNode } from "./node.ts";
import { type NodePorts, openPorts } from "./ports.ts";
import { LocalPusherEvents, pusherAppsOf } from "./pusher.ts";
import { followReload } from "./reload.ts";
import type { ServerAddresses, ServerRun } from "./server.ts";

/** What a server of several processes is made of. */
export interface PrimaryServerOptions {
  readonly config: Config;
  /** Of this process, which has no connections. */
  readonly ambient: Ambient;
  readonly workers: number;
  readonly isDev: boolean;
}

const WORKER_PROGRAM = join(import.meta.dirname, `worker-main${extname(import.meta.filename)}`);

/** Those of this process that are being started, or have been and not stopped. */
const running = new Set<object>();

/** Runs a server of several processes. Rejects, with nothing left open, where it cannot. */
export async function openPrimaryServer(options: PrimaryServerOptions): Promise<ServerRun> {
  await using opening = new AsyncDisposableStack();
  const isAlone = running.size === 0;
  running.add(options);
  opening.defer(() => void running.delete(options));
  const config = isAlone ? options.config : await withOwnPorts(options.config);
  // Each worker reads them for itself; what is wrong with them is told here.
  readServerTls(config);
  opening.use(measureEventLoop(options.ambient.metrics, options.ambient.clock));
  const ports = opening.use(await openPorts(config));
  const server = new PrimaryServer({ ...options, config }, ports);
  let isClean = true;
  opening.defer(async () => {
    isClean = await server.stop();
  });
  const addresses = await server.start();
  const closing = opening.move();
  return {
    node: server.node,
    addresses,
    reload: (next) => server.reload(next),
    async stop() {
      await closing.disposeAsync();
      return isClean;
    },
  };
}

/**
 * A server of several processes that is one node to clients and the server API.
 *
 * The workers share all ports and have the connections. The primary, this process, has what there is one of: broker,
 * presence, limits, what is remembered of users, and webhooks. It has a node of its own, for publishing from code.
 */
class PrimaryServer {
  readonly node: ServerNode;
  readonly #config: LiveValue<Config>;
  readonly #broker: SharedBroker;
  readonly #pusherEvents: LocalPusherEvents;
  readonly #pool: WorkerPool;

  constructor({ config, ambient, workers, isDev }: PrimaryServerOptions, ports: NodePorts) {
    const live = new LiveValue(config);
    this.#config = live;
    const { presence, events, limits, records } = ports;
    const broker = new SharedBroker(ports.broker);
    const bus = new BusHub();
    const uid = randomUUID();
    const nodePorts = { ...ports, broker: broker.join(), bus: bus.busOf(uid) };
    const { clock, logger, metrics } = ambient;
    const refusals = new RefusalLog(logger, clock, metrics);
    const node = createNode(live, nodePorts, { ambient, refusals }, { uid, machine: uid });
    const pusher = memberOf(live, "pusher");
    const apps = pusherAppsOf(pusher);
    const pusherEvents = new LocalPusherEvents({ config: pusher, apps, events, node, ambient });
    this.node = node;
    this.#broker = broker;
    this.#pusherEvents = pusherEvents;
    this.#pool = new WorkerPool({
      count: workers,
      machine: uid,
      program: WORKER_PROGRAM,
      config,
      isDev,
      logger,
      ports: {
        broker,
        pushFrames: new PushFrames(),
        presence,
        events,
        limits: new LimitsHub(limits),
        bus,
        statuses: records.statuses,
        records: (table) => records.access.records(table),
        // Both sides are the same program: what a worker's Pusher emits is what this one's takes.
        onEmit: (app, event) => pusherEvents.emit(app, event as WebhookEvent),
        onGone: (nodeUid) => void node.lost(nodeUid),
        channelOptions: (channel) => node.channels.optionsOf(channel),
        logger,
      },
    });
  }

  /** Resolves once all workers listen. */
  async start(): Promise<ServerAddresses> {
    await this.#broker.start();
    await this.node.start();
    // Workers are of the same program: they tell where their server listens.
    return (await this.#pool.start()) as ServerAddresses;
  }

  async reload(config: Config): Promise<void> {
    const followed = followReload(this.#config.get(), config);
    // Others may have followed when one worker refuses; so what can be looked at here is.
    readServerTls(followed);
    // Workers look at everything that can be wrong; the first one that refuses keeps the rest as they are.
    await this.#pool.reload(followed);
    this.#config.set(followed);
  }

  async stop(): Promise<boolean> {
    const deadline = AbortSignal.timeout(this.#config.get().shutdown.timeout);
    const isClean = await this.#pool.stop(deadline);
    await this.node.stop(disconnect("shutdown"));
    await this.#pusherEvents.close(deadline);
    return isClean;
  }
}

/** A listener of a configuration. */
interface Place {
  readonly port: number;
  readonly address: string;
}

/**
 * The configuration with ports that nobody listens on; what is to be any port is one of them then. For node:cluster,
 * all servers of a process that ask for the same address and port, "any" included, are one.
 *
 * Rejects where a port is taken.
 */
async function withOwnPorts(config: Config): Promise<Config> {
  const { http_server: http, uni_grpc: uniGrpc, grpc_api: grpcApi } = config;
  const internal = internalListener(http);
  return {
    ...config,
    http_server: {
      ...http,
      port: await freePort(http),
      internal_port: internal === undefined ? http.internal_port : await freePort(internal),
    },
    uni_grpc: uniGrpc.enabled ? { ...uniGrpc, port: await freePort(uniGrpc) } : uniGrpc,
    grpc_api: grpcApi.enabled ? { ...grpcApi, port: await freePort(grpcApi) } : grpcApi,
  };
}

async function freePort({ address, port }: Place): Promise<number> {
  const probe = createServer().listen({ port, ...(address === "" ? {} : { host: address }) });
  await once(probe, "listening");
  const bound = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof bound === "object" && bound !== null ? bound.port : port;
}
