import type { Server as NodeHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type HttpPlace,
  type HttpServerConfig,
  internalListener,
  mainListener,
} from "../config/sections/http-server.ts";
import { http2Limits } from "../config/sections/http2.ts";
import { readTlsCredentials, type TlsSection } from "../config/tls-files.ts";
import type { Logger } from "../core/logger.ts";
import { HttpApp, type Route } from "../http/http-app.ts";
import { HttpListener } from "../http/http-listener.ts";
import type { TlsCredentials } from "../lib/tls-credentials.ts";
import { AttachedHttp } from "./attached-http.ts";
import type { Config } from "./config.ts";
import type { ListenerAddress } from "./server.ts";

/** TLS of each listener; undefined for one in plain text, or that there is not. */
export type ServerTls = Readonly<
  Record<"http" | "internalHttp" | "uniGrpc" | "grpcApi", TlsCredentials | undefined>
>;

/** What a server has behind HTTP. */
export interface HttpRoutes {
  /** For clients: transports. */
  readonly external: readonly Route[];
  /** For the backend and operators: server API, health. */
  readonly internal: readonly Route[];
  /** What clients are told who want what is not there. Left out on a server of the host, which may have it. */
  readonly unserved: readonly Route[];
}

/** What the listeners serve, and where. */
export interface HttpListenersOptions {
  readonly routes: HttpRoutes;
  readonly config: HttpServerConfig;
  readonly tls: ServerTls;
  readonly logger: Logger;
  /** What each connection to the main listener waits for before it is served; undefined for nothing. Does not reject. */
  readonly prepare: () => Promise<void> | undefined;
  /** A server of the host process in place of the main listener. */
  readonly attachTo: NodeHttpServer | undefined;
}

/** Where the HTTP part of a server is reached; undefined for what is on an attached server, or on the main port. */
export interface HttpAddresses {
  readonly http: ListenerAddress | undefined;
  readonly internalHttp: ListenerAddress | undefined;
}

/** The HTTP listeners of a server: one, or two where internal endpoints have a port or address of their own. */
export class HttpListeners {
  #main: HttpListener | undefined;
  #internal: HttpListener | undefined;
  #attached: Disposable | undefined;

  /** Starts listening, or serves on a server of the host process. Rejects when a port is taken. */
  async start({
    routes,
    config,
    tls,
    logger,
    prepare,
    attachTo,
  }: HttpListenersOptions): Promise<HttpAddresses> {
    const internal = internalListener(config);
    // The internal routes come last: with an empty prefix the API serves whatever no other path does.
    const served = internal === undefined ? [...routes.external, ...routes.internal] : routes.external;
    const main = new HttpApp(attachTo === undefined ? [...routes.unserved, ...served] : served, logger);
    const limits = { keepAliveTimeoutMs: config.keepalive_timeout, http2: http2Limits(config.http2) };
    if (attachTo !== undefined) {
      this.#attached = new AttachedHttp(main, attachTo);
    } else {
      const { address: host, port } = config;
      this.#main = new HttpListener(main, { host, port, ...limits, tls: tls.http, prepare });
    }
    if (internal !== undefined) {
      const { address: host, port } = internal;
      const app = new HttpApp(routes.internal, logger);
      this.#internal = new HttpListener(app, { host, port, ...limits, tls: tls.internalHttp });
    }
    return { http: await startListener(this.#main), internalHttp: await startListener(this.#internal) };
  }

  /** Shows new connections other certificates. */
  renewTls({ http, internalHttp }: ServerTls): void {
    if (http !== undefined) this.#main?.renewTls(http);
    if (internalHttp !== undefined) this.#internal?.renewTls(internalHttp);
  }

  /** Takes no more connections and requests. */
  stopAccepting(): void {
    this.#attached?.[Symbol.dispose]();
    for (const listener of this.#listeners) listener.stopAccepting();
  }

  /** Resolves once all connections have ended or `deadline` aborts, which cuts them. */
  async drain(deadline: AbortSignal): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.drain(deadline)));
  }

  get #listeners(): readonly HttpListener[] {
    return [this.#main, this.#internal].filter((listener) => listener !== undefined);
  }
}

/** Starts a listener if there is one; resolves with where it is reached. */
export async function startListener(
  listener: { start(): Promise<AddressInfo> } | undefined,
): Promise<ListenerAddress | undefined> {
  const bound = await listener?.start();
  return bound === undefined ? undefined : { host: bound.address, port: bound.port };
}

/**
 * Reads the certificates of all listeners that are on. Throws ConfigError with everything that cannot be used, by
 * option and file.
 */
export function readServerTls({ http_server: http, uni_grpc: uni, grpc_api: api }: Config): ServerTls {
  return readTlsCredentials({
    http: sectionOf(http, mainListener(http)),
    internalHttp: sectionOf(http, internalListener(http)),
    uniGrpc: uni.enabled ? { path: "uni_grpc.tls", tls: uni.tls } : undefined,
    grpcApi: api.enabled ? { path: "grpc_api.tls", tls: api.tls } : undefined,
  });
}

function sectionOf(http: HttpServerConfig, listener: HttpPlace | undefined): TlsSection | undefined {
  const option = listener?.tlsOption;
  return option === undefined ? undefined : { path: `http_server.${option}`, tls: http[option] };
}
