import type { Route } from "../../http/http-app.ts";
import { UNI_HTTP_EDGE, type UniEndpointContext, type UniTransportEdge } from "../../http/uni-endpoint.ts";
import { quoteForShell } from "../../lib/shell.ts";
import { type UniHttpStreamConfig, uniHttpStreamConfig } from "./config.ts";
import { HttpStreamEndpoint } from "./endpoint.ts";

/** The HTTP streaming transport. */
export const uniHttpStreamEdge: UniTransportEdge<"uni_http_stream", UniHttpStreamConfig> = {
  ...UNI_HTTP_EDGE,
  name: "uni_http_stream",
  section: uniHttpStreamConfig,
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
