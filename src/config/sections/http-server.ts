import { z } from "zod";
import { duration } from "../duration.ts";
import { section, type Section } from "../section.ts";
import { http2Config, type Http2Config } from "./http2.ts";
import { tlsConfig, type TlsConfig } from "./tls.ts";

/** An option that is a TCP port. */
export function portOption(defaultPort: number): z.ZodType<number> {
  return z.int().min(0).max(65_535).default(defaultPort);
}

/** The listener of everything that speaks HTTP. */
export interface HttpServerConfig {
  readonly address: string;
  readonly port: number;
  readonly internal_address: string;
  readonly internal_port: number;
  readonly keepalive_timeout: number;
  readonly http2: Http2Config;
  readonly tls: TlsConfig;
  readonly tls_external: boolean;
  readonly internal_tls: TlsConfig;
}

export const httpServerConfig: Section<HttpServerConfig> = section<HttpServerConfig>(
  "The listener of everything that speaks HTTP: transports, server API, health.",
  {
    address: z.string().default("").describe("Address to listen on; empty for all addresses of the machine."),
    port: portOption(8000).describe("Port to listen on; 0 lets the system choose one."),
    internal_address: z
      .string()
      .default("")
      .describe("Address of server API and health; empty for that of the transports."),
    internal_port: portOption(0).describe("Port of server API and health; 0 for that of the transports."),
    keepalive_timeout: duration("75s").describe(
      "How long an idle connection is kept for its next request. It must be longer than the proxy in front keeps one (60 s with nginx and AWS's load balancers, 600 s with Google's): a request over a connection that is just being closed fails.",
    ),
    http2: http2Config,
    tls: tlsConfig,
    tls_external: z.boolean().default(false).describe("Leaves an internal port or address without TLS."),
    internal_tls: tlsConfig.describe(
      "TLS of an internal port or address, in place of that of the transports; whatever `tls_external` says.",
    ),
  },
  (server, report) => {
    if (server.keepalive_timeout < 1000) report(["keepalive_timeout"], "must be at least 1s");
    if (server.internal_tls.enabled && internalListener(server) === undefined) {
      const message =
        "there is no internal listener to serve over TLS: set internal_port or internal_address";
      report(["internal_tls"], message);
    }
  },
).meta({ formerPrefix: "" });

/** A listener of the HTTP server. */
export interface HttpPlace {
  readonly address: string;
  readonly port: number;
  /** The option with its TLS; undefined in plain text. */
  readonly tlsOption: "tls" | "internal_tls" | undefined;
}

/** Where transports are, and all else unless it has a listener of its own. */
export function mainListener({ address, port, tls }: HttpServerConfig): HttpPlace {
  return { address, port, tlsOption: tls.enabled ? "tls" : undefined };
}

/** Where server API and health are; undefined where that is the main listener. */
export function internalListener(server: HttpServerConfig): HttpPlace | undefined {
  const address = server.internal_address || server.address;
  const port = server.internal_port || server.port;
  if (address === server.address && port === server.port) return undefined;
  const { tlsOption } = mainListener(server);
  if (server.internal_tls.enabled) return { address, port, tlsOption: "internal_tls" };
  return { address, port, tlsOption: server.tls_external ? undefined : tlsOption };
}
