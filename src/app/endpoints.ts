import type { Config } from "./config.ts";

const TRANSPORTS = ["uni_websocket", "uni_sse", "uni_http_stream"] as const;

/** Something with a path of its own on the HTTP server, and the section that says which. */
export interface HttpEndpoint {
  readonly section: (typeof TRANSPORTS)[number] | "http_api" | "health";
  readonly path: string;
}

/** Whatever the HTTP server serves at a `handler_prefix`. */
export function listHttpEndpoints(config: Config): readonly HttpEndpoint[] {
  const sections = [
    ...TRANSPORTS.filter((section) => config[section].enabled),
    ...(config.http_api.disabled ? [] : (["http_api"] as const)),
    ...(config.health.enabled ? (["health"] as const) : []),
  ];
  return sections.map((section) => ({ section, path: config[section].handler_prefix }));
}

/** Names of the ways in which clients can listen. */
export function listTransports(config: Config): readonly string[] {
  const { uni_grpc: grpc, pusher } = config;
  return [
    ...TRANSPORTS.filter((section) => config[section].enabled),
    ...(grpc.enabled ? ["uni_grpc"] : []),
    ...(pusher.enabled ? ["pusher"] : []),
  ];
}

/** Paths that the HTTP server serves. */
export function listPaths(config: Config): readonly string[] {
  const { enabled, path_prefix: prefix } = config.pusher;
  const paths = listHttpEndpoints(config).map(({ path }) => (path === "" ? "/" : path));
  return [...paths, ...(enabled ? [`${prefix}/app`, `${prefix}/apps`] : [])];
}
