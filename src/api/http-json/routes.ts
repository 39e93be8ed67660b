import type { Message } from "@bufbuild/protobuf";
import { BatchRequestSchema, BatchResponseSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { RequestHandler, Route } from "../../http/http-app.ts";
import { decodeMessage } from "../../lib/json/decode-message.ts";
import { JsonOrigin } from "../call-origin.ts";
import {
  ERROR_MODE_HEADER,
  type HttpDoorOptions,
  TRANSPORT_ERROR_MODE,
  transportStatus,
} from "../http-door.ts";
import type { ApiMethod } from "../method.ts";
import type { ServerApi } from "../server-api.ts";
import { createJsonEndpoint, errorJson } from "./json-endpoint.ts";
import { createLegacyHandler } from "./legacy-endpoint.ts";

const TRAILING_SLASHES = /\/+$/;

/**
 * The JSON door (docs/protocols/server-api.md §1): a path for each method below the prefix, and the legacy requests at
 * the prefix itself. With an empty prefix these are at `/` and whatever no other path serves.
 */
export function createJsonRoutes(api: ServerApi, prefix: string, options: HttpDoorOptions): Route[] {
  const base = prefix.replace(TRAILING_SLASHES, "");
  const legacy = createLegacyHandler(api, options);
  return [
    ...api.methods.map((method) => ({
      path: `${base}/${method.name}`,
      handle: createMethodHandler(api, method, options),
    })),
    { path: `${base}/batch`, handle: createBatchHandler(api, options) },
    base === "" ? { path: "/", prefix: true, handle: legacy } : { path: base, handle: legacy },
  ];
}

/** Serves one method: its request in, `{"result":…}` or `{"error":…}` out. */
export function createMethodHandler(
  api: ServerApi,
  method: ApiMethod,
  options: HttpDoorOptions,
): RequestHandler {
  const { encoder, transportErrors } = options;
  const answerOf = (result: Message) => ({
    status: 200,
    json: `{"result":${encoder.encode(method.result, result)}}`,
  });
  const emptyAnswer = answerOf(method.empty);
  return createJsonEndpoint(options, async ({ body, caller, request, response }) => {
    const message = decodeMessage(method.rpc.input, body);
    const outcome = await api.run(method, message, new JsonOrigin(response, caller));
    if (outcome.ok) return outcome.result === method.empty ? emptyAnswer : answerOf(outcome.result);
    const { error } = outcome;
    if (transportErrors || request.headers[ERROR_MODE_HEADER] === TRANSPORT_ERROR_MODE) {
      return { status: transportStatus(error).httpStatus, json: errorJson(error) };
    }
    return { status: 200, json: `{"error":${errorJson(error)}}` };
  });
}

/** Serves `batch`: it has replies instead of a result, and never fails as a whole. */
export function createBatchHandler(api: ServerApi, options: HttpDoorOptions): RequestHandler {
  return createJsonEndpoint(options, async ({ body, caller, response }) => {
    const nullItems = new Set<Message>();
    const batch = decodeMessage(BatchRequestSchema, body, { nullItems });
    const commands = batch.commands.map((command) => (nullItems.has(command) ? undefined : command));
    const replies = await api.runBatch(commands, batch.parallel, new JsonOrigin(response, caller));
    return { status: 200, json: options.encoder.encode(BatchResponseSchema, replies) };
  });
}
