import { CentrifugoUniStream } from "../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { DEFAULT_MAX_MESSAGE_BYTES } from "../../grpc/envelope.ts";
import { createReflectionHandlers } from "../../grpc/reflection.ts";
import type { Route } from "../../http/http-app.ts";
import type { UniEndpointContext } from "../../http/uni-endpoint.ts";
import { ConnectEndpoint } from "./endpoint.ts";

/** What `uni_grpc` says about the stream, also where it is served on the HTTP port. */
export interface ConsumeOptions {
  readonly enabled: boolean;
  readonly max_receive_message_size: number;
  readonly reflection: boolean;
}

/**
 * Routes of the `Consume` stream over gRPC, gRPC-Web and Connect, and of its schema; none when gRPC streaming is
 * switched off.
 */
export function createConsumeRoutes(context: UniEndpointContext, options: ConsumeOptions): Route[] {
  if (!options.enabled) return [];
  const maxBytes = options.max_receive_message_size || DEFAULT_MAX_MESSAGE_BYTES;
  const endpoint = new ConnectEndpoint(context, maxBytes);
  const { typeName, method } = CentrifugoUniStream;
  const reflection = options.reflection
    ? [...createReflectionHandlers([CentrifugoUniStream], context.closing)]
    : [];
  return [
    {
      path: `/${typeName}/${method.consume.name}`,
      handle: (request, response) => endpoint.handle(request, response),
    },
    ...reflection.map(([path, handle]) => ({ path, handle })),
  ];
}
