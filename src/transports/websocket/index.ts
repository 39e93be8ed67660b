import type { Route } from "../../http/http-app.ts";
import { UNI_HTTP_EDGE, type UniEndpointContext, type UniTransportEdge } from "../../http/uni-endpoint.ts";
import { quoteForShell } from "../../lib/shell.ts";
import { type UniWebSocketConfig, uniWebSocketConfig } from "./config.ts";
import {
  WebSocketEndpoint,
  type WebSocketEndpointContext,
  type WebSocketEndpointOptions,
} from "./endpoint.ts";
import { UniWebSocketProtocol } from "./uni-protocol.ts";

/** The unidirectional WebSocket transport. */
export const uniWebSocketEdge: UniTransportEdge<"uni_websocket", UniWebSocketConfig> = {
  ...UNI_HTTP_EDGE,
  name: "uni_websocket",
  section: uniWebSocketConfig,
  tryLines({ enabled, handler_prefix: path }, { http, connectRequest }) {
    if (!enabled || http === undefined) return [];
    const url = `${http.replace(/^http/u, "ws")}${path}?cf_connect=${connectRequest}`;
    return [{ label: "WebSocket", command: `npx wscat -c ${quoteForShell(url)}` }];
  },
  routes: createUniRoutes,
};

function createUniRoutes(context: UniEndpointContext, config: UniWebSocketConfig): Route[] {
  if (!config.enabled) return [];
  const { wheel } = context;
  const compression = {
    level: config.compression_level,
    minBytes: config.compression_min_size,
    inflatedMaxBytes: config.decompressed_message_size_limit || 10 * config.message_size_limit,
  };
  return createWebSocketRoutes(
    { wheel, screening: context },
    {
      protocol: new UniWebSocketProtocol(context, config),
      path: config.handler_prefix,
      isPrefix: false,
      messageSizeLimit: config.message_size_limit,
      writeTimeoutMs: config.write_timeout,
      compression: config.compression ? compression : undefined,
    },
  );
}

/** Routes of a protocol over WebSockets. */
export function createWebSocketRoutes(
  context: WebSocketEndpointContext,
  options: WebSocketEndpointOptions,
): Route[] {
  const endpoint = new WebSocketEndpoint(context, options);
  return [
    {
      path: options.path,
      prefix: options.isPrefix,
      handle: (request, response) => endpoint.handle(request, response),
      upgrade: (request, socket, head) => endpoint.upgrade(request, socket, head),
    },
  ];
}
