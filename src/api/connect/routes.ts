import type { DescMethodUnary } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type MethodImpl,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { CentrifugoApi } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { RequestHandler, Route } from "../../http/route.ts";
import { ConnectOrigin } from "../call-origin.ts";
import { ERROR_MODE_HEADER, type HttpDoorOptions, TRANSPORT_ERROR_MODE } from "../http-door.ts";
import { implementedRpcs, type Rpc } from "../rpc.ts";
import type { ServerApi } from "../server-api.ts";
import { connectError, maxMessageBytes, unauthenticated } from "./protocol.ts";
import { createUnaryHandler } from "./unary-endpoint.ts";

type UnaryImplementation = MethodImpl<DescMethodUnary>;

/** Whether the request came with the key. */
const isAuthorized = createContextKey(false);

/**
 * The Connect door: the same service on the HTTP port, for clients that speak Connect, gRPC-Web or gRPC.
 *
 * Responses carry API errors as they do over gRPC; in transport error mode these are errors of the protocol,
 * with the API's error in the details. Keys are presented as they are to the JSON door. What nearly all requests
 * look like we answer ourselves; connect-node has the rest, with the same answers.
 */
export function createConnectRoutes(api: ServerApi, options: HttpDoorOptions): Route[] {
  const rpcs = implementedRpcs(api);
  const other = createConnectNodeHandler(api, options);
  return CentrifugoApi.methods.map((desc) => {
    const rpc = rpcs.get(desc);
    return {
      path: `/${desc.parent.typeName}/${desc.name}`,
      handle: rpc === undefined ? other : createUnaryHandler(rpc, options, other),
    };
  });
}

/** Serves all rpcs in all forms, by connect-node alone. */
export function createConnectNodeHandler(api: ServerApi, options: HttpDoorOptions): RequestHandler {
  return connectNodeAdapter({
    routes: (router) => addRpcs(router, implementedRpcs(api), options.transportErrors),
    readMaxBytes: maxMessageBytes(options),
    // Connect leaves the type open between HTTP/1 and HTTP/2; what a key is read from is the same in both.
    contextValues: (request) => createContextValues().set(isAuthorized, options.auth(request)),
    requestGate: requireKey,
  });
}

function requireKey({ values }: HandlerContext): void {
  if (!values.get(isAuthorized)) throw unauthenticated();
}

function addRpcs(
  router: ConnectRouter,
  rpcs: ReturnType<typeof implementedRpcs>,
  transportErrors: boolean,
): void {
  for (const desc of Object.values<DescMethodUnary>(CentrifugoApi.method)) {
    const rpc = rpcs.get(desc);
    router.rpc(desc, rpc === undefined ? unimplemented(desc) : implementation(rpc, transportErrors));
  }
}

function implementation(rpc: Rpc, transportErrors: boolean): UnaryImplementation {
  return async (request, context) => {
    const { response, error } = await rpc.answer(request, new ConnectOrigin(context));
    const isAsked = transportErrors || context.requestHeader.get(ERROR_MODE_HEADER) === TRANSPORT_ERROR_MODE;
    if (error !== undefined && isAsked) throw connectError(error);
    return response;
  };
}

function unimplemented({ name }: DescMethodUnary): UnaryImplementation {
  return () => {
    throw new ConnectError(`method ${name} not implemented`, Code.Unimplemented);
  };
}
