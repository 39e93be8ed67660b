import type { Server as HttpServer } from "node:http";
import type { Ambient } from "../core/ambient.ts";
import { disconnect } from "../core/disconnect.ts";
import type { ServerNode } from "../node/server-node.ts";
import { assembleServer, type Assembly, type AssemblyOptions } from "./assembly.ts";
import type { Config } from "./config.ts";
import { HttpListeners, readServerTls, startListener } from "./http-listeners.ts";
import type { ServerAddresses } from "./server.ts";

/** A node with everything that it serves. */
export class ServingNode {
  readonly #config: Config;
  readonly #ambient: Ambient;
  readonly #assembly: Assembly;
  readonly #http = new HttpListeners();

  private constructor(config: Config, ambient: Ambient, assembly: Assembly) {
    this.#config = config;
    this.#ambient = ambient;
    this.#assembly = assembly;
  }

  /** Puts one together; nothing has been started. Rejects for unusable keys. */
  static async assemble(config: Config, ambient: Ambient, options: AssemblyOptions): Promise<ServingNode> {
    return new ServingNode(config, ambient, await assembleServer(config, ambient, options));
  }

  get node(): ServerNode {
    return this.#assembly.node;
  }

  /** Opens all listeners, HTTP on a server of the host process if there is one. Rejects when one of them cannot. */
  async start(attachTo?: HttpServer): Promise<ServerAddresses> {
    const { node, routes, prepare, tls, uniGrpc, grpcApi } = this.#assembly;
    await node.start();
    const { logger } = this.#ambient;
    const http = { routes, config: this.#config.http_server, tls, logger, prepare, attachTo };
    return {
      ...(await this.#http.start(http)),
      uniGrpc: await startListener(uniGrpc),
      grpcApi: await startListener(grpcApi),
    };
  }

  /**
   * Follows a configuration that differs in reloadable options only, and shows new connections the certificates that the
   * files hold now. Rejects, changing nothing, for unusable keys and certificates.
   */
  async reload(config: Config): Promise<void> {
    const { uniGrpc, grpcApi } = this.#assembly;
    const tls = readServerTls(config);
    await this.#assembly.reload(config);
    this.#http.renewTls(tls);
    if (tls.uniGrpc !== undefined) uniGrpc?.renewTls(tls.uniGrpc);
    if (tls.grpcApi !== undefined) grpcApi?.renewTls(tls.grpcApi);
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
