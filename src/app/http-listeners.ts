import type { Server as NodeHttpServer } from "node:http";
import type { HttpServerConfig } from "../config/sections/http-server.ts";
import type { TlsConfig } from "../config/sections/tls.ts";
import type { Logger } from "../core/logger.ts";
import { HttpApp } from "../http/http-app.ts";
import { HttpListener, type HttpListenerOptions } from "../http/http-listener.ts";
import type { Route } from "../http/route.ts";
import { readPem } from "../lib/pem.ts";
import { attachHttpApp } from "./attached-http.ts";
import type { ListenerAddress } from "./server.ts";

/** What a server has behind HTTP. */
export interface HttpRoutes {
  /** For clients: transports. */
  readonly external: readonly Route[];
  /** For the backend and operators: server API, health. */
  readonly internal: readonly Route[];
}

/** Where the HTTP part of a server is reached; undefined for what is on an attached server, or on the main port. */
export interface HttpAddresses {
  readonly http: ListenerAddress | undefined;
  readonly internalHttp: ListenerAddress | undefined;
}

/** Whether internal endpoints have a port or address of their own. */
export function hasInternalListener(config: HttpServerConfig): boolean {
  return config.internal_address !== "" || config.internal_port !== 0;
}

/** The HTTP listeners of a server: one, or two where internal endpoints have a port or address of their own. */
export class HttpListeners {
  readonly #listeners: HttpListener[] = [];
  #attached: Disposable | undefined;

  /** Starts listening, or serves on a server of the host process. Rejects when a port is taken. */
  async start(
    routes: HttpRoutes,
    config: HttpServerConfig,
    logger: Logger,
    attachTo: NodeHttpServer | undefined,
  ): Promise<HttpAddresses> {
    const isSplit = hasInternalListener(config);
    // The internal routes come last: with an empty prefix the API serves whatever no other path does.
    const main = new HttpApp(isSplit ? routes.external : [...routes.external, ...routes.internal], logger);
    let http: ListenerAddress | undefined;
    if (attachTo === undefined) http = await this.#listen(main, config.address, config.port, config.tls);
    else this.#attached = attachHttpApp(main, attachTo);
    if (!isSplit) return { http, internalHttp: undefined };
    const host = config.internal_address || config.address;
    const port = config.internal_port || config.port;
    const tls = config.tls_external ? undefined : config.tls;
    const internalHttp = await this.#listen(new HttpApp(routes.internal, logger), host, port, tls);
    return { http, internalHttp };
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

  async #listen(
    app: HttpApp,
    host: string,
    port: number,
    tls: TlsConfig | undefined,
  ): Promise<ListenerAddress> {
    const listener = new HttpListener(app, { host, port, tls: tlsOptions(tls) });
    const bound = await listener.start();
    this.#listeners.push(listener);
    return { host: bound.address, port: bound.port };
  }
}

function tlsOptions(tls: TlsConfig | undefined): HttpListenerOptions["tls"] {
  if (tls?.enabled !== true) return undefined;
  const identity = { cert: readPem(tls.cert_pem), key: readPem(tls.key_pem) };
  if (tls.client_ca_pem === "") return identity;
  return { ...identity, ca: readPem(tls.client_ca_pem), requestCert: true, rejectUnauthorized: true };
}
