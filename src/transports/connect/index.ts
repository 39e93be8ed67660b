import type { Route } from "../../http/route.ts";
import type { UniEndpointContext } from "../../http/uni-endpoint.ts";
import { ConnectEndpoint } from "./endpoint.ts";

const PATH = "/centrifugal.centrifugo.unistream.CentrifugoUniStream/Consume";

/** Route of the `Consume` stream over Connect and gRPC-Web; none when gRPC streaming is switched off. */
export function createConnectRoutes(context: UniEndpointContext, enabled: boolean): Route[] {
  if (!enabled) return [];
  const endpoint = new ConnectEndpoint(context);
  return [{ path: PATH, handle: (request, response) => endpoint.handle(request, response) }];
}
