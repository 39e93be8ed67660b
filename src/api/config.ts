import { z } from "zod";
import { secretText } from "../config/secret-text.ts";
import { section, type Section } from "../config/section.ts";
import { portOption } from "../config/sections/http-server.ts";
import { http2Config, type Http2Config } from "../config/sections/http2.ts";
import { tlsConfig, type TlsConfig } from "../config/sections/tls.ts";

/** How API errors are reported: in the reply ("") or as the transport's own status. */
export type ApiErrorMode = "" | "transport";

/** Section `http_api`: the server API over HTTP. */
export interface HttpApiConfig {
  readonly disabled: boolean;
  readonly insecure: boolean;
  readonly external: boolean;
  readonly handler_prefix: string;
  readonly key: string;
  readonly error_mode: ApiErrorMode;
  readonly max_request_body_size: number;
  readonly connections_channels_as_array: boolean;
}

/** Section `grpc_api`: the server API over gRPC, on a port of its own. */
export interface GrpcApiConfig {
  readonly enabled: boolean;
  readonly address: string;
  readonly port: number;
  readonly key: string;
  readonly error_mode: ApiErrorMode;
  readonly max_receive_message_size: number;
  readonly reflection: boolean;
  readonly http2: Http2Config;
  readonly tls: TlsConfig;
}

const ERROR_MODES: readonly ApiErrorMode[] = ["", "transport"];
const errorMode = z
  .enum(ERROR_MODES)
  .default("")
  .describe("Empty reports API errors inside successful replies; `transport` as HTTP or gRPC status.");

export const httpApiConfig: Section<HttpApiConfig> = section<HttpApiConfig>(
  "The server API over HTTP: JSON, Connect and gRPC-Web.",
  {
    disabled: z
      .boolean()
      .default(false)
      .describe("Switches the API off on the HTTP server.")
      .meta({ formerWord: "disable" }),
    insecure: z.boolean().default(false).describe("For development: asks for no key."),
    external: z
      .boolean()
      .default(false)
      .describe(
        "Serves the API on the port of the transports, also where internal endpoints have their own.",
      ),
    handler_prefix: z.string().default("/api").describe("Path that the methods stand below: `/api/publish`."),
    key: secretText()
      .default("")
      .describe("Key that callers must present; while it is empty, every call is refused.")
      .meta({ isSecret: true }),
    error_mode: errorMode,
    max_request_body_size: z
      .int()
      .default(67_108_864)
      .describe("Bytes that a request may have; a larger one gets status 413. 0 or less for no limit."),
    connections_channels_as_array: z
      .boolean()
      .default(false)
      .describe(
        "Writes `state.channels` of `connections` as the array of names that v4.0.0 had, not as an object.",
      ),
  },
).meta({ formerPrefix: "api" });

export const grpcApiConfig: Section<GrpcApiConfig> = section<GrpcApiConfig>(
  "The server API over gRPC, on a port of its own.",
  {
    enabled: z.boolean().default(false).describe("Serves the API over gRPC."),
    address: z.string().default("").describe("Address to listen on; empty for all addresses of the machine."),
    port: portOption(10_000).describe("Port to listen on; 0 lets the system choose one."),
    key: secretText()
      .default("")
      .describe("Key that callers must present as `authorization: apikey <key>`; empty asks for none.")
      .meta({ isSecret: true }),
    error_mode: errorMode,
    max_receive_message_size: z
      .int()
      .default(0)
      .describe("Bytes that a request may have; 0 for gRPC's own limit of 4 MiB, negative for no limit."),
    reflection: z
      .boolean()
      .default(false)
      .describe("Tells callers the schema (gRPC server reflection), so that tools need no proto files."),
    http2: http2Config,
    tls: tlsConfig,
  },
);
