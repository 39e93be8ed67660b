import type { Server as HttpServer } from "node:http";
import { availableParallelism } from "node:os";
import type { EntryStore } from "../core/entry-store.ts";
import type { Logger } from "../core/logger.ts";
import type { ServerNode } from "../node/server-node.ts";
import type { Config } from "./config.ts";
import { ClusterServer } from "./cluster/cluster-server.ts";
import { openLocalPorts } from "./ports.ts";
import { type ConnectPusher, LocalPusherEvents } from "./pusher.ts";
import { changesThatNeedRestart } from "./reload.ts";
import { ServingNode } from "./serving-node.ts";

/** What a server is made of. */
export interface ServerOptions {
  /** Complete, validated configuration. */
  readonly config: Config;
  readonly logger: Logger;
  /** An HTTP server of the host process to serve on, instead of a listener of our own. */
  readonly attachTo?: HttpServer | undefined;
  /** A development server: with a page at `/` that shows it, and its keys, to browsers on this machine. */
  readonly isDev?: boolean | undefined;
}

/** Where one listener of a started server is reached. */
export interface ListenerAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a started server listens; undefined for what is switched off, and for HTTP on an attached server. */
export interface ServerAddresses {
  readonly http: ListenerAddress | undefined;
  /** Server API and health, where they have a port or address of their own. */
  readonly internalHttp: ListenerAddress | undefined;
  readonly uniGrpc: ListenerAddress | undefined;
  readonly grpcApi: ListenerAddress | undefined;
}

/** A server: from configuration to listeners, and back. */
export interface MillraceServer {
  /** The node, for publishing from code. Available once started. */
  readonly node: ServerNode;
  /** Opens all listeners. Rejects, with nothing left open, when one of them cannot. */
  start(): Promise<ServerAddresses>;
  /**
   * Follows a new configuration as far as a running server can; resolves to the paths of the changed options
   * that need a restart. Rejects, changing nothing, for unusable keys.
   */
  reload(config: Config): Promise<readonly string[]>;
  /**
   * Stops listening, tells every client 3001, and waits for connections to end; past `shutdown.timeout` the
   * rest are cut. Resolves to whether none had to be. Idempotent.
   */
  stop(): Promise<boolean>;
}

/** Makes a server. Nothing happens until it is started. */
export function createServer(options: ServerOptions): MillraceServer {
  const { config, logger, attachTo, isDev = false } = options;
  const workers = config.node.workers === "auto" ? availableParallelism() : Number(config.node.workers);
  if (workers === 1) return new Server(options);
  if (attachTo !== undefined)
    throw new Error("node.workers: workers cannot serve on a server of the host process");
  return new ClusterServer({ config, logger, workers, isDev });
}

/** A server in this process alone. */
class Server implements MillraceServer {
  readonly #options: ServerOptions;
  #store: EntryStore | undefined;
  #serving: ServingNode | undefined;
  #stopping: Promise<boolean> | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  get node(): ServerNode {
    if (this.#serving === undefined) throw new Error("the server has not been started");
    return this.#serving.node;
  }

  async start(): Promise<ServerAddresses> {
    const { config, logger, attachTo, isDev = false } = this.#options;
    const ports = await openLocalPorts(config, logger);
    this.#store = ports.records.store;
    try {
      const connectPusher: ConnectPusher = (parts) => new LocalPusherEvents(parts);
      this.#serving = await ServingNode.assemble(config, logger, { ports, connectPusher, isDev });
      return await this.#serving.start(attachTo);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async reload(config: Config): Promise<readonly string[]> {
    await this.#serving?.reload(config);
    return changesThatNeedRestart(this.#options.config, config);
  }

  stop(): Promise<boolean> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<boolean> {
    const deadline = AbortSignal.timeout(this.#options.config.shutdown.timeout);
    await this.#serving?.stop(deadline);
    // Calls write to it as long as there are any.
    await this.#store?.close();
    return !deadline.aborted;
  }
}
