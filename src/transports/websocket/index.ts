import type { Route } from "../../http/route.ts";
import type { UniWebSocketConfig } from "./config.ts";
import { WebSocketEndpoint, type WebSocketEndpointContext } from "./endpoint.ts";
import { SocketEndpoint, type SocketEndpointContext, type SocketEndpointOptions } from "./socket-endpoint.ts";

/** Routes of the unidirectional WebSocket transport; none when it is switched off. */
export function createWebSocketRoutes(
  context: WebSocketEndpointContext,
  config: UniWebSocketConfig,
): Route[] {
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
