import type { HttpPlace, HttpServerConfig } from "../config/sections/http-server.ts";
import { internalListener, mainListener } from "../config/sections/http-server.ts";
import { readTlsCredentials, type TlsSection } from "../config/tls-files.ts";
import type { TlsCredentials } from "../lib/tls-credentials.ts";
import type { Config } from "./config.ts";

/** TLS of each listener; undefined for one in plain text, or that there is not. */
export type ServerTls = Readonly<
  Record<"http" | "internalHttp" | "uniGrpc" | "grpcApi", TlsCredentials | undefined>
>;

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
