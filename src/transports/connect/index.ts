import type { Route } from "../../http/route.ts";
import type { UniEndpointContext } from "../../http/uni-endpoint.ts";
import { DEFAULT_MAX_MESSAGE_BYTES } from "../../grpc/envelope.ts";
import { ConnectEndpoint } from "./endpoint.ts";

const PATH = "/centrifugal.centrifugo.unistream.CentrifugoUniStream/Consume";

/** What `uni_grpc` says about the stream, also where it is served on the HTTP port. */
export interface ConsumeOptions {
  readonly enabled: boolean;
  readonly max_receive_message_size: number;
}

/** Route of the `Consume` stream over gRPC, gRPC-Web and Connect; none when gRPC streaming is switched off. */
export function createConnectRoutes(context: UniEndpointContext, options: ConsumeOptions): Route[] {
  if (!options.enabled) return [];
  const endpoint = new ConnectEndpoint(
    context,
    options.max_receive_message_size || DEFAULT_MAX_MESSAGE_BYTES,
  );
  return [{ path: PATH, handle: (request, response) => endpoint.handle(request, response) }];
}
