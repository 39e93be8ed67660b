import type { Server as HttpServer } from "node:http";
import { disconnect } from "../core/disconnect.ts";
import type { Logger } from "../core/logger.ts";
import type { GrpcListener } from "../grpc/listener.ts";
import type { ServerNode } from "../node/server-node.ts";
import { type Assembly, assembleServer, type AssemblyOptions } from "./assembly.ts";
import type { Config } from "./config.ts";
import { HttpListeners } from "./http-listeners.ts";
import { followReload } from "./reload.ts";
import type { ListenerAddress, ServerAddresses } from "./server.ts";

/** A node with everything that it serves. */
export class ServingNode {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #assembly: Assembly;
  readonly #http = new HttpListeners();

  private constructor(config: Config, logger: Logger, assembly: Assembly) {
    this.#config = config;
    this.#logger = logger;
    this.#assembly = assembly;
  }

  /** Puts one together; nothing has been started. Rejects for unusable keys. */
  static async assemble(config: Config, logger: Logger, options: AssemblyOptions): Promise<ServingNode> {
    return new ServingNode(config, logger, await assembleServer(config, logger, options));
  }

  get node(): ServerNode {
    return this.#assembly.node;
  }

  /** Opens all listeners, HTTP on a server of the host process if there is one. Rejects when one of them cannot. */
  async start(attachTo?: HttpServer): Promise<ServerAddresses> {
    const { node, routes, uniGrpc, grpcApi } = this.#assembly;
    const { http_server: http, uni_grpc: uni, grpc_api: api } = this.#config;
    await node.start();
    return {
      ...(await this.#http.start(routes, http, this.#logger, attachTo)),
      uniGrpc: await startGrpc(uniGrpc, uni.address),
      grpcApi: await startGrpc(grpcApi, api.address),
    };
  }

  /** Follows the options that a running server can; rejects, changing nothing, for unusable keys. */
  reload(config: Config): Promise<void> {
    return this.#assembly.reload(followReload(this.#config, config));
  }

  /** Tells every client 3001, and waits for connections to end until the deadline. */
  async stop(deadline: AbortSignal): Promise<void> {
    const { node, uniGrpc, grpcApi } = this.#assembly;
    this.#http.stopAccepting();
    const grpcClosed = [uniGrpc, grpcApi].map((listener) => listener?.stop(deadline));
    await node.stop(disconnect("shutdown"));
    // Not after the drain: where a client does not leave, that takes all the time there is.
    await Promise.all([this.#http.drain(deadline), ...grpcClosed, this.#assembly.close(deadline)]);
  }
}

async function startGrpc(
  listener: GrpcListener | undefined,
  host: string,
): Promise<ListenerAddress | undefined> {
  return listener === undefined ? undefined : { host: host || "::", port: await listener.start() };
}
