import type { Route } from "../../http/route.ts";
import type { UniEndpointContext, UniTransportEdge } from "../../http/uni-endpoint.ts";
import { quoteForShell } from "../../lib/shell.ts";
import { type UniWebSocketConfig, uniWebSocketConfig } from "./config.ts";
import { WebSocketEndpoint } from "./endpoint.ts";
import { SocketEndpoint, type SocketEndpointContext, type SocketEndpointOptions } from "./socket-endpoint.ts";

/** The unidirectional WebSocket transport. */
export const uniWebSocketEdge: UniTransportEdge<"uni_websocket", UniWebSocketConfig> = {
  name: "uni_websocket",
  section: uniWebSocketConfig,
  role: "transport",
  isEnabled: ({ enabled }) => enabled,
  paths: ({ handler_prefix: path }) => [path],
  devDefaults: () => ({ enabled: true }),
  tryLines({ enabled, handler_prefix: path }, { http, connectRequest }) {
    if (!enabled || http === undefined) return [];
    const url = `${http.replace(/^http/u, "ws")}${path}?cf_connect=${connectRequest}`;
    return [{ label: "WebSocket", command: `npx wscat -c ${quoteForShell(url)}` }];
  },
  routes: createWebSocketRoutes,
};

function createWebSocketRoutes(context: UniEndpointContext, config: UniWebSocketConfig): Route[] {
  if (!config.enabled) return [];
  const endpoint = new WebSocketEndpoint(context, config);
  return [
    {
      path: config.handler_prefix,
      handle: (request, response) => endpoint.handle(request, response),
      upgrade: (request, socket, head) => endpoint.upgrade(request, socket, head),
    },
  ];
}

/** Routes of a protocol over messages both ways: its path, or everything below one that ends in a slash. */
export function createSocketRoutes(context: SocketEndpointContext, options: SocketEndpointOptions): Route[] {
  const endpoint = new SocketEndpoint(context, options);
  return [
    {
      path: options.path,
      prefix: options.path.endsWith("/"),
      handle: (request, response) => endpoint.handle(request, response),
      upgrade: (request, socket, head) => endpoint.upgrade(request, socket, head),
    },
  ];
}
