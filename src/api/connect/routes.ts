import type { DescMethod, DescMethodUnary, Message } from "@bufbuild/protobuf";
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
import { CentrifugoApi, ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../../core/client-error.ts";
import type { Route } from "../../http/route.ts";
import { transportStatus } from "../api-error.ts";
import { connectOrigin } from "../call-origin.ts";
import { ERROR_MODE_HEADER, type HttpDoorOptions, TRANSPORT_ERROR_MODE } from "../http-door.ts";
import type { ApiMethod } from "../method.ts";
import { responseOf, type ServerApi } from "../server-api.ts";

type UnaryImplementation = MethodImpl<DescMethodUnary>;

/** Whether the request came with the key. */
const isAuthorized = createContextKey(false);

const NO_LIMIT = 0xffff_ffff;

/**
 * The Connect door: the same service on the HTTP port, for clients that speak Connect, gRPC-Web or gRPC.
 *
 * Responses carry API errors as they do over gRPC; in transport error mode these are errors of the protocol,
 * with the API's error in the details. Keys are presented as they are to the JSON door.
 */
export function createConnectRoutes(api: ServerApi, options: HttpDoorOptions): Route[] {
  const handle = connectNodeAdapter({
    routes: (router) => addMethods(router, api, options.transportErrors),
    readMaxBytes: options.maxBodyBytes > 0 ? options.maxBodyBytes : NO_LIMIT,
    // Connect leaves the type open between HTTP/1 and HTTP/2; what a key is read from is the same in both.
    contextValues: (request) => createContextValues().set(isAuthorized, options.auth(request)),
    requestGate: requireKey,
  });
  return CentrifugoApi.methods.map((rpc) => ({ path: `/${rpc.parent.typeName}/${rpc.name}`, handle }));
}

function requireKey({ values }: HandlerContext): void {
  if (!values.get(isAuthorized)) throw new ConnectError("unauthenticated", Code.Unauthenticated);
}

function addMethods(router: ConnectRouter, api: ServerApi, transportErrors: boolean): void {
  const implementations = new Map<DescMethod, UnaryImplementation>();
  for (const method of api.methods) implementations.set(method.rpc, implement(api, method, transportErrors));
  const { batch, ...methods } = CentrifugoApi.method;
  router.rpc(batch, ({ commands, parallel }, context) =>
    api.runBatch(commands, parallel, connectOrigin(context)),
  );
  for (const rpc of Object.values<DescMethodUnary>(methods)) {
    router.rpc(rpc, implementations.get(rpc) ?? unimplemented(rpc));
  }
}

function implement(api: ServerApi, method: ApiMethod, transportErrors: boolean): UnaryImplementation {
  return async (request: Message, context: HandlerContext) => {
    const outcome = await api.run(method, request, connectOrigin(context));
    const asError = transportErrors || context.requestHeader.get(ERROR_MODE_HEADER) === TRANSPORT_ERROR_MODE;
    if (!outcome.ok && asError) throw connectError(outcome.error);
    return responseOf(method, outcome);
  };
}

function unimplemented({ name }: DescMethod): UnaryImplementation {
  return () => {
    throw new ConnectError(`method ${name} not implemented`, Code.Unimplemented);
  };
}

function connectError(error: ClientError): ConnectError {
  const { code, message } = error;
  const { rpcCode } = transportStatus(error);
  return new ConnectError(message, rpcCode, undefined, [{ desc: ErrorSchema, value: { code, message } }]);
}
