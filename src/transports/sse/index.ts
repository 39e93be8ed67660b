import type { Route } from "../../http/http-app.ts";
import { UNI_HTTP_EDGE, type UniEndpointContext, type UniTransportEdge } from "../../http/uni-endpoint.ts";
import { quoteForShell } from "../../lib/shell.ts";
import { type UniSseConfig, uniSseConfig } from "./config.ts";
import { SseEndpoint } from "./endpoint.ts";

/** The Server-Sent Events transport. */
export const uniSseEdge: UniTransportEdge<"uni_sse", UniSseConfig> = {
  ...UNI_HTTP_EDGE,
  name: "uni_sse",
  section: uniSseConfig,
  tryLines({ enabled, handler_prefix: path }, { http, connectRequest }) {
    if (!enabled || http === undefined) return [];
    const parameter = quoteForShell(`cf_connect=${connectRequest}`);
    return [
      { label: "Server-Sent Events", command: `curl -N -G ${http}${path} --data-urlencode ${parameter}` },
    ];
  },
  routes: createSseRoutes,
};

function createSseRoutes(context: UniEndpointContext, config: UniSseConfig): Route[] {
  if (!config.enabled) return [];
  const endpoint = new SseEndpoint(context, config);
  return [{ path: config.handler_prefix, handle: (request, response) => endpoint.handle(request, response) }];
}
