import type { GrpcApiConfig, HttpApiConfig } from "../api/config.ts";
import { grpcApiEdge, httpApiEdge } from "../api/edges.ts";
import type { DevSetup, Edge, TryContext, TryLine } from "../config/edge.ts";
import type { Shape } from "../config/section.ts";
import type { Tree } from "../config/tree.ts";
import type { Route } from "../http/http-app.ts";
import type { UniEndpointContext, UniTransportEdge } from "../http/uni-endpoint.ts";
import type { PusherConfig } from "../protocols/pusher/config.ts";
import { pusherEdge } from "../protocols/pusher/edge.ts";
import { createConsumeRoutes } from "../transports/connect/index.ts";
import type { UniGrpcConfig } from "../transports/grpc/config.ts";
import { uniGrpcEdge } from "../transports/grpc/index.ts";
import type { UniHttpStreamConfig } from "../transports/http-stream/config.ts";
import { uniHttpStreamEdge } from "../transports/http-stream/index.ts";
import type { UniSseConfig } from "../transports/sse/config.ts";
import { uniSseEdge } from "../transports/sse/index.ts";
import type { UniWebSocketConfig } from "../transports/websocket/config.ts";
import { uniWebSocketEdge } from "../transports/websocket/index.ts";
import { healthEdge } from "./health.ts";
import type { HealthConfig } from "./process-config.ts";

/** The sections of the configuration that belong to edges. */
export interface EdgeSections {
  readonly uni_websocket: UniWebSocketConfig;
  readonly uni_sse: UniSseConfig;
  readonly uni_http_stream: UniHttpStreamConfig;
  readonly uni_grpc: UniGrpcConfig;
  readonly pusher: PusherConfig;
  readonly http_api: HttpApiConfig;
  readonly grpc_api: GrpcApiConfig;
  readonly health: HealthConfig;
}

type EdgeName = keyof EdgeSections;
type AnyEdge = Edge<EdgeName, EdgeSections[EdgeName]>;
type AnyUniTransport = UniTransportEdge<EdgeName, EdgeSections[EdgeName]>;

/** Beside its own port, on the HTTP server as Connect and gRPC-Web. */
const uniGrpcOnHttp: UniTransportEdge<"uni_grpc", UniGrpcConfig> = {
  ...uniGrpcEdge,
  routes: createConsumeRoutes,
};

/** Unidirectional transports on the HTTP server; first those that one can try with nothing but curl. */
const UNI_TRANSPORTS: readonly AnyUniTransport[] = [
  uniHttpStreamEdge,
  uniSseEdge,
  uniWebSocketEdge,
  uniGrpcOnHttp,
];

/** All edges: the one list that configuration, assembly, conflicts of paths, start line and examples are made from. */
export const EDGES: readonly AnyEdge[] = [
  ...UNI_TRANSPORTS,
  httpApiEdge,
  grpcApiEdge,
  healthEdge,
  pusherEdge,
];

/** The schemas of their sections. */
// Each is that of the section with its name.
export const edgeSchemas: Shape<EdgeSections> = Object.fromEntries(
  EDGES.map(({ name, section }) => [name, section]),
) as Shape<EdgeSections>;

/** Routes of all unidirectional transports that are on. */
export function createUniTransportRoutes(context: UniEndpointContext, sections: EdgeSections): Route[] {
  return UNI_TRANSPORTS.flatMap((edge) => edge.routes(context, sections[edge.name]));
}

/** Names of the ways in which clients can listen. */
export function listTransports(sections: EdgeSections): readonly string[] {
  return enabledEdges(sections)
    .filter(({ role }) => role === "transport")
    .map(({ name }) => name);
}

/** Something that the HTTP server serves at a path, and everything below one that ends in a slash. */
export interface HttpEndpoint {
  readonly section: EdgeName;
  readonly path: string;
}

/** Whatever the HTTP server serves. */
export function listHttpEndpoints(sections: EdgeSections): readonly HttpEndpoint[] {
  return enabledEdges(sections).flatMap((edge) =>
    edge.paths(sections[edge.name]).map((path) => ({ section: edge.name, path })),
  );
}

/** Paths that the HTTP server serves. */
export function listPaths(sections: EdgeSections): readonly string[] {
  return listHttpEndpoints(sections).map(({ path }) => (path === "" ? "/" : path.replace(/\/$/u, "")));
}

/** What the edges of a development server start from. */
export function edgeDevDefaults(setup: DevSetup): Tree {
  return Object.fromEntries(EDGES.map((edge) => [edge.name, edge.devDefaults(setup)]));
}

/** Commands that show some of the edges. */
export function edgeTryLines(
  sections: EdgeSections,
  isMeant: (edge: AnyEdge) => boolean,
  context: TryContext,
): readonly TryLine[] {
  return EDGES.filter(isMeant).flatMap((edge) => edge.tryLines(sections[edge.name], context));
}

function enabledEdges(sections: EdgeSections): readonly AnyEdge[] {
  return EDGES.filter((edge) => edge.isEnabled(sections[edge.name]));
}
