import { z } from "zod";
import { section, type Section } from "../section.ts";
import { tlsConfig, type TlsConfig } from "./tls.ts";

/** The listener of everything that speaks HTTP. */
export interface HttpServerConfig {
  readonly address: string;
  readonly port: number;
  readonly internal_address: string;
  readonly internal_port: number;
  readonly tls: TlsConfig;
  readonly tls_external: boolean;
}

export const httpServerConfig: Section<HttpServerConfig> = section<HttpServerConfig>(
  "The listener of everything that speaks HTTP: transports, server API, health.",
  {
    address: z.string().default("").describe("Address to listen on; empty for all addresses of the machine."),
    port: port(8000).describe("Port to listen on; 0 lets the system choose one."),
    internal_address: z
      .string()
      .default("")
      .describe("Address of server API and health; empty for that of the transports."),
    internal_port: port(0).describe("Port of server API and health; 0 for that of the transports."),
    tls: tlsConfig,
    tls_external: z.boolean().default(false).describe("Leaves an internal port or address without TLS."),
  },
).meta({ formerPrefix: "" });

/** An option that is a TCP port. */
export function port(defaultPort: number): z.ZodType<number> {
  return z.int().min(0).max(65_535).default(defaultPort);
}
