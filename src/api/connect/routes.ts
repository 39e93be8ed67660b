import type { DescMethodClientStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import { CentrifugoApi } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { createRpcHandlers, type RpcHandler, type RpcHandlersOptions } from "../../grpc/rpc-handlers.ts";
import { peerAddressOf } from "../../http/client-address.ts";
import type { Route } from "../../http/http-app.ts";
import type { ApiCaller } from "../api-key.ts";
import { callerAddress, ConnectOrigin } from "../call-origin.ts";
import { ERROR_MODE_HEADER, type HttpDoorOptions, TRANSPORT_ERROR_MODE } from "../http-door.ts";
import { implementedRpcs, type Rpc } from "../rpc.ts";
import type { ServerApi } from "../server-api.ts";
import {
  connectError,
  createUnaryHandler,
  maxMessageBytes,
  readingError,
  unauthenticated,
} from "./unary-endpoint.ts";

type Rpcs = ReturnType<typeof implementedRpcs>;
type UnaryRpc = (request: Message, context: HandlerContext) => Promise<Message>;

/** Who calls; undefined for those who may not. */
const callerKey = createContextKey<ApiCaller | undefined>(undefined);
/** What content types of gRPC and gRPC-Web begin with. */
const GRPC = /^application\/grpc/iu;

/**
 * The Connect door: the same service on the HTTP port, for clients that speak Connect, gRPC-Web or gRPC.
 *
 * Responses carry API errors as they do over gRPC; in transport error mode these are errors of the protocol,
 * with the API's error in the details. Keys are presented as they are to the JSON door. What nearly all requests
 * of Connect look like we answer ourselves; connect-es has the rest, with the same answers.
 */
export function createConnectRoutes(api: ServerApi, options: HttpDoorOptions): Route[] {
  const rpcs = implementedRpcs(api);
  const connect = createConnectHandlers(api, options);
  const grpc = createGrpcHandlers(rpcs, options);
  return CentrifugoApi.methods.map((desc) => {
    const path = `/${desc.parent.typeName}/${desc.name}`;
    const rpc = rpcs.get(desc);
    const other = handlerAt(connect, path);
    const ofConnect = rpc === undefined ? other : createUnaryHandler(rpc, options, other);
    const ofGrpc = handlerAt(grpc, path);
    return {
      path,
      handle: (request, response) =>
        (GRPC.test(request.headers["content-type"] ?? "") ? ofGrpc : ofConnect)(request, response),
    };
  });
}

/** Serves all rpcs over Connect, by connect-es alone. */
export function createConnectHandlers(
  api: ServerApi,
  options: HttpDoorOptions,
): ReadonlyMap<string, RpcHandler> {
  const rpcs = implementedRpcs(api);
  return createRpcHandlers({
    ...handlersOptions(options),
    grpc: false,
    grpcWeb: false,
    routes: (router) => addRpcs(router, rpcs, options),
  });
}

/** Serves all rpcs over gRPC and gRPC-Web. To these a unary call is a stream of one message. */
function createGrpcHandlers(rpcs: Rpcs, options: HttpDoorOptions): ReadonlyMap<string, RpcHandler> {
  return createRpcHandlers({
    ...handlersOptions(options),
    connect: false,
    routes(router) {
      for (const desc of unaryMethods()) {
        const run = implementation(desc, rpcs.get(desc), options);
        // As a stream, so that what cannot be read comes to us.
        const stream: DescMethodClientStreaming = { ...desc, methodKind: "client_streaming" };
        router.rpc(stream, async (requests, context) => run(await onlyMessage(requests), context));
      }
    },
  });
}

function addRpcs(router: ConnectRouter, rpcs: Rpcs, options: HttpDoorOptions): void {
  for (const desc of unaryMethods()) router.rpc(desc, implementation(desc, rpcs.get(desc), options));
}

function unaryMethods(): DescMethodUnary[] {
  return Object.values<DescMethodUnary>(CentrifugoApi.method);
}

function handlersOptions(options: HttpDoorOptions): Omit<RpcHandlersOptions, "routes"> {
  return {
    readMaxBytes: maxMessageBytes(options),
    contextValues: (request) =>
      createContextValues().set(callerKey, options.auth(request)).set(callerAddress, peerAddressOf(request)),
    requestGate({ values }) {
      if (values.get(callerKey) === undefined) throw unauthenticated();
    },
  };
}

function handlerAt(handlers: ReadonlyMap<string, RpcHandler>, path: string): RpcHandler {
  const handler = handlers.get(path);
  if (handler === undefined) throw new Error(`no handler at ${path}`);
  return handler;
}

function implementation(
  { name }: DescMethodUnary,
  rpc: Rpc | undefined,
  { transportErrors }: HttpDoorOptions,
): UnaryRpc {
  if (rpc === undefined) {
    return () => {
      throw new ConnectError(`method ${name} not implemented`, Code.Unimplemented);
    };
  }
  return async (request, context) => {
    const caller = context.values.get(callerKey);
    // The gate has had a look already.
    if (caller === undefined) throw unauthenticated();
    const { response, error } = await rpc.answer(request, new ConnectOrigin(context, caller));
    const isAsked = transportErrors || context.requestHeader.get(ERROR_MODE_HEADER) === TRANSPORT_ERROR_MODE;
    if (error !== undefined && isAsked) throw connectError(error);
    return response;
  };
}

/** Rejects with ConnectError where there is none, or another one. */
async function onlyMessage(requests: AsyncIterable<Message>): Promise<Message> {
  const iterator = requests[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    if (first.done === true) throw new ConnectError("the request has no message", Code.Unimplemented);
    const second = await iterator.next();
    if (second.done === true) return first.value;
    throw new ConnectError("the request has more than a message", Code.Unimplemented);
  } catch (error) {
    throw readingError(error);
  }
}
