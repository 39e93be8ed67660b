import type { ServerResponse } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import { BatchRequestSchema, BatchResponseSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { RequestHandler } from "../../http/route.ts";
import { decodeMessage } from "../../lib/json/decode-message.ts";
import { JsonDecodeError } from "../../lib/json/json-decode-error.ts";
import { transportStatus } from "../api-error.ts";
import { jsonOrigin } from "../call-origin.ts";
import { ERROR_MODE_HEADER, type HttpDoorOptions, TRANSPORT_ERROR_MODE } from "../http-door.ts";
import type { ApiMethod } from "../method.ts";
import type { ServerApi } from "../server-api.ts";
import { admit, sendBadRequest, sendJson } from "./answer.ts";
import { errorJson } from "./encoder.ts";

/** Serves one method: its request in, `{"result":…}` or `{"error":…}` out. */
export function createMethodHandler(
  api: ServerApi,
  method: ApiMethod,
  options: HttpDoorOptions,
): RequestHandler {
  return async (request, response) => {
    const body = await admit(options, request, response);
    if (body === undefined) return;
    const message = decodeOrRefuse(response, () => decodeMessage(method.rpc.input, body));
    if (message === undefined) return;
    const outcome = await api.run(method, message, jsonOrigin(response));
    if (outcome.ok) {
      sendJson(response, 200, `{"result":${options.encoder.encode(method.result, outcome.result)}}`);
    } else if (options.transportErrors || request.headers[ERROR_MODE_HEADER] === TRANSPORT_ERROR_MODE) {
      sendJson(response, transportStatus(outcome.error).httpStatus, errorJson(outcome.error));
    } else {
      sendJson(response, 200, `{"error":${errorJson(outcome.error)}}`);
    }
  };
}

/** Serves `batch`: it has replies instead of a result, and never fails as a whole. */
export function createBatchHandler(api: ServerApi, options: HttpDoorOptions): RequestHandler {
  return async (request, response) => {
    const body = await admit(options, request, response);
    if (body === undefined) return;
    const nullItems = new Set<Message>();
    const batch = decodeOrRefuse(response, () => decodeMessage(BatchRequestSchema, body, { nullItems }));
    if (batch === undefined) return;
    const commands = batch.commands.map((command) => (nullItems.has(command) ? undefined : command));
    const replies = await api.runBatch(commands, batch.parallel, jsonOrigin(response));
    sendJson(response, 200, options.encoder.encode(BatchResponseSchema, replies));
  };
}

function decodeOrRefuse<Decoded>(response: ServerResponse, decode: () => Decoded): Decoded | undefined {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof JsonDecodeError)) throw error;
    sendBadRequest(response);
    return undefined;
  }
}
