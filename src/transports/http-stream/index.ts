import type { Route } from "../../http/http-app.ts";
import type { UniEndpointContext, UniTransportEdge } from "../../http/uni-endpoint.ts";
import { quoteForShell } from "../../lib/shell.ts";
import { type UniHttpStreamConfig, uniHttpStreamConfig } from "./config.ts";
import { HttpStreamEndpoint } from "./endpoint.ts";

/** The HTTP streaming transport. */
export const uniHttpStreamEdge: UniTransportEdge<"uni_http_stream", UniHttpStreamConfig> = {
  name: "uni_http_stream",
  section: uniHttpStreamConfig,
  role: "transport",
  isEnabled: ({ enabled }) => enabled,
  paths: ({ handler_prefix: path }) => [path],
  devDefaults: () => ({ enabled: true }),
  tryLines({ enabled, handler_prefix: path }, { http, connectRequest }) {
    if (!enabled || http === undefined) return [];
    return [
      { label: "HTTP streaming", command: `curl -N ${http}${path} -d ${quoteForShell(connectRequest)}` },
    ];
  },
  routes: createHttpStreamRoutes,
};

function createHttpStreamRoutes(context: UniEndpointContext, config: UniHttpStreamConfig): Route[] {
  if (!config.enabled) return [];
  const endpoint = new HttpStreamEndpoint(context, config);
  return [{ path: config.handler_prefix, handle: (request, response) => endpoint.handle(request, response) }];
}
