import type { Route } from "../../http/route.ts";
import type { UniEndpointContext } from "../../http/uni-endpoint.ts";
import type { UniSseConfig } from "./config.ts";
import { SseEndpoint } from "./endpoint.ts";

/** Routes of the Server-Sent Events transport; none when it is switched off. */
export function createSseRoutes(context: UniEndpointContext, config: UniSseConfig): Route[] {
  if (!config.enabled) return [];
  const endpoint = new SseEndpoint(context, config);
  return [{ path: config.handler_prefix, handle: (request, response) => endpoint.handle(request, response) }];
}
