import { z } from "zod";
import { secretText } from "../config/secret-text.ts";
import { entry, type ReportProblem, section, type Section } from "../config/section.ts";
import { portOption } from "../config/sections/http-server.ts";
import { http2Config, type Http2Config } from "../config/sections/http2.ts";
import { tlsConfig, type TlsConfig } from "../config/sections/tls.ts";

/** How API errors are reported: in the reply ("") or as the transport's own status. */
export type ApiErrorMode = "" | "transport";

/** A key, and whose it is. */
export interface NamedKeyConfig {
  readonly name: string;
  readonly key: string;
}

/** The keys of one door. */
export interface ApiKeysConfig {
  /** "" for none. */
  readonly key: string;
  readonly keys: readonly NamedKeyConfig[];
}

/** Section `http_api`: the server API over HTTP. */
export interface HttpApiConfig extends ApiKeysConfig {
  readonly disabled: boolean;
  readonly insecure: boolean;
  readonly external: boolean;
  readonly handler_prefix: string;
  readonly error_mode: ApiErrorMode;
  readonly max_request_body_size: number;
  readonly connections_channels_as_array: boolean;
}

/** Section `grpc_api`: the server API over gRPC, on a port of its own. */
export interface GrpcApiConfig extends ApiKeysConfig {
  readonly enabled: boolean;
  readonly address: string;
  readonly port: number;
  readonly error_mode: ApiErrorMode;
  readonly max_receive_message_size: number;
  readonly reflection: boolean;
  readonly http2: Http2Config;
  readonly tls: TlsConfig;
}

const namedKeys = z
  .array(
    entry<NamedKeyConfig>("A key, and whose it is.", {
      name: z
        .string()
        .min(1)
        .describe("Name of the key in the log, such as that of the service that has it."),
      key: secretText().min(1).describe("The key.").meta({ isSecret: true }),
    }),
  )
  .default([])
  .describe("More keys, each with a name, for as many services.")
  .meta({ isReloadable: true });

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
      .describe("Key that callers must present; without it and `keys` every call is refused.")
      .meta({ isSecret: true, isReloadable: true }),
    keys: namedKeys,
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
  checkKeys,
).meta({ formerPrefix: "api" });

export const grpcApiConfig: Section<GrpcApiConfig> = section<GrpcApiConfig>(
  "The server API over gRPC, on a port of its own.",
  {
    enabled: z.boolean().default(false).describe("Serves the API over gRPC."),
    address: z.string().default("").describe("Address to listen on; empty for all addresses of the machine."),
    port: portOption(10_000).describe("Port to listen on; 0 lets the system choose one."),
    key: secretText()
      .default("")
      .describe(
        "Key that callers must present as `authorization: apikey <key>`; without it and `keys` none is asked for.",
      )
      .meta({ isSecret: true, isReloadable: true }),
    keys: namedKeys,
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
  checkKeys,
);

/** Names tell keys apart in the log. */
function checkKeys({ key, keys }: ApiKeysConfig, report: ReportProblem): void {
  const seen = { name: new Set<string>(), key: new Set([key]) };
  for (const [index, named] of keys.entries()) {
    for (const member of ["name", "key"] as const) {
      if (seen[member].has(named[member])) report(["keys", index, member], "is that of another key too");
      seen[member].add(named[member]);
    }
  }
}

/** A key that a door takes; "" where it has none. */
export function firstApiKey({ key, keys }: ApiKeysConfig): string {
  return key || (keys[0]?.key ?? "");
}
