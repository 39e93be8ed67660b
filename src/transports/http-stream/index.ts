import type { Route } from "../../http/route.ts";
import type { UniEndpointContext } from "../../http/uni-endpoint.ts";
import type { UniHttpStreamConfig } from "./config.ts";
import { HttpStreamEndpoint } from "./endpoint.ts";

/** Routes of the HTTP streaming transport; none when it is switched off. */
export function createHttpStreamRoutes(context: UniEndpointContext, config: UniHttpStreamConfig): Route[] {
  if (!config.enabled) return [];
  const endpoint = new HttpStreamEndpoint(context, config);
  return [{ path: config.handler_prefix, handle: (request, response) => endpoint.handle(request, response) }];
}
