import type { Server as HttpServer } from "node:http";
import { disconnect } from "../core/disconnect.ts";
import type { Logger } from "../core/logger.ts";
import type { GrpcListener } from "../grpc/listener.ts";
import type { ServerNode } from "../node/server-node.ts";
import { HttpListeners } from "./http-listeners.ts";
import type { Config } from "./config.ts";
import { assembleServer, type Assembly } from "./assembly.ts";
import { changesThatNeedRestart } from "./reload.ts";

/** What a server is made of. */
export interface ServerOptions {
  /** Complete, validated configuration. */
  readonly config: Config;
  readonly logger: Logger;
  /** An HTTP server of the host process to serve on, instead of a listener of our own. */
  readonly attachTo?: HttpServer | undefined;
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
  return new Server(options);
}

class Server implements MillraceServer {
  readonly #options: ServerOptions;
  readonly #http = new HttpListeners();
  #assembly: Assembly | undefined;
  #stopping: Promise<boolean> | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  get node(): ServerNode {
    if (this.#assembly === undefined) throw new Error("the server has not been started");
    return this.#assembly.node;
  }

  async start(): Promise<ServerAddresses> {
    const { config, logger, attachTo } = this.#options;
    const assembly = await assembleServer(config, logger);
    this.#assembly = assembly;
    try {
      await assembly.node.start();
      return {
        ...(await this.#http.start(assembly.routes, config.http_server, logger, attachTo)),
        uniGrpc: await startGrpc(assembly.uniGrpc, config.uni_grpc.address),
        grpcApi: await startGrpc(assembly.grpcApi, config.grpc_api.address),
      };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async reload(config: Config): Promise<readonly string[]> {
    await this.#assembly?.reload(config);
    return changesThatNeedRestart(this.#options.config, config);
  }

  stop(): Promise<boolean> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<boolean> {
    const { config } = this.#options;
    const deadline = AbortSignal.timeout(config.shutdown.timeout);
    const assembly = this.#assembly;
    if (assembly === undefined) return true;
    this.#http.stopAccepting();
    const grpcClosed = [assembly.uniGrpc, assembly.grpcApi].map((listener) => listener?.stop(deadline));
    await assembly.node.stop(disconnect("shutdown"));
    await Promise.all([this.#http.drain(deadline), ...grpcClosed]);
    assembly.wheel[Symbol.dispose]();
    await assembly.store.close();
    return !deadline.aborted;
  }
}

async function startGrpc(
  listener: GrpcListener | undefined,
  host: string,
): Promise<ListenerAddress | undefined> {
  return listener === undefined ? undefined : { host: host || "::", port: await listener.start() };
}
