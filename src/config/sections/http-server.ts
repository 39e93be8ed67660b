import { z } from "zod";
import { section, type Section } from "../section.ts";
import { tlsConfig, type TlsConfig } from "./tls.ts";

/** The listener of everything that speaks HTTP. */
export interface HttpServerConfig {
  readonly address: string;
  readonly port: number;
  readonly tls: TlsConfig;
}

export const httpServerConfig: Section<HttpServerConfig> = section<HttpServerConfig>(
  "The listener of everything that speaks HTTP: transports, server API, health.",
  {
    address: z.string().default("").describe("Address to listen on; empty for all addresses of the machine."),
    port: port(8000).describe("Port to listen on; 0 lets the system choose one."),
    tls: tlsConfig,
  },
).meta({ formerPrefix: "" });

/** An option that is a TCP port. */
export function port(defaultPort: number): z.ZodType<number> {
  return z.int().min(0).max(65_535).default(defaultPort);
}
