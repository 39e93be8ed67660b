import type { Logger } from "../core/logger.ts";
import type { Server as HttpServer } from "node:http";
import type { Config } from "./config.ts";

/** What a server is made of. */
export interface ServerOptions {
  /** Complete, validated configuration. */
  readonly config: Config;
  readonly logger: Logger;
  /** An HTTP server of the host process to serve on, instead of a listener of our own. */
  readonly attachTo?: HttpServer | undefined;
}

/** Where a started server listens; undefined for what is switched off. */
export interface ServerAddresses {
  readonly http: { readonly host: string; readonly port: number } | undefined;
  readonly uniGrpc: { readonly host: string; readonly port: number } | undefined;
  readonly grpcApi: { readonly host: string; readonly port: number } | undefined;
}
