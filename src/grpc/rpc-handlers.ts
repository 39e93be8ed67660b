import type { IncomingMessage, ServerResponse } from "node:http";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  type ContextValues,
  createConnectRouter,
} from "@connectrpc/connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { isGone } from "../lib/http2-peer.ts";
import { COMPRESSIONS } from "./envelope.ts";

/** Answers one call. Rejects where something is wrong with us. */
export type RpcHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What handlers are made of. */
export interface RpcHandlersOptions extends Omit<ConnectRouterOptions, "acceptCompression"> {
  readonly routes: (router: ConnectRouter) => void;
  /** What an implementation is to know of a request. */
  readonly contextValues?: (request: IncomingMessage) => ContextValues;
}

/** Handlers of rpcs by their paths, made by connect-es: in all of its protocols, unless some are switched off. */
export function createRpcHandlers({
  routes,
  contextValues,
  ...options
}: RpcHandlersOptions): ReadonlyMap<string, RpcHandler> {
  const router = createConnectRouter({ ...options, acceptCompression: COMPRESSIONS });
  routes(router);
  return new Map(
    router.handlers.map((handler) => [
      handler.requestPath,
      (request, response) => serve(handler, request, response, contextValues?.(request)),
    ]),
  );
}

async function serve(
  handler: UniversalHandler,
  request: IncomingMessage,
  response: ServerResponse,
  values: ContextValues | undefined,
): Promise<void> {
  let call: UniversalServerRequest;
  try {
    call = universalRequestFromNodeRequest(request, response, undefined, values);
  } catch {
    // It has no host, or one that is none, and calls have URLs.
    response.writeHead(400, { "Content-Length": 0 }).end();
    return;
  }
  try {
    await universalResponseToNodeResponse(await handler(call), response);
  } catch (error) {
    // Who has left hears nothing.
    if (!isGone(response) && ConnectError.from(error).code !== Code.Aborted) throw error;
  }
}
