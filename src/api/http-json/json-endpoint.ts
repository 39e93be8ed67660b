import type { IncomingMessage, ServerResponse } from "node:http";
import { create } from "@bufbuild/protobuf";
import { ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../../core/client-error.ts";
import type { RefusalFields } from "../../core/refusal-log.ts";
import { BodyTooLarge, readBody } from "../../http/body.ts";
import { pathOf, peerAddressOf } from "../../http/client-address.ts";
import { type RequestHandler, sendEmpty, sendText } from "../../http/http-app.ts";
import { isGone } from "../../lib/http2-peer.ts";
import { MessageEncoder } from "../../lib/json/encode-message.ts";
import { JsonDecodeError } from "../../lib/json/raw-json.ts";
import { type ApiCaller, HTTP_KEY_HINT } from "../api-key.ts";
import type { HttpDoorOptions } from "../http-door.ts";

/** An answer of the JSON door. */
export interface JsonAnswer {
  readonly status: number;
  readonly json: string;
}

/** A request of one who may call. */
export interface JsonRequest {
  readonly body: Buffer;
  readonly caller: ApiCaller;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Makes the answer to a request; undefined where it has sent one itself.
 *
 * Rejects with JsonDecodeError for a body that cannot be decoded.
 */
export type AnswerMaker = (request: JsonRequest) => Promise<JsonAnswer | undefined>;

/** The steps of every request: verb, key, body, answer (docs/protocols/server-api.md §1.1). */
export function createJsonEndpoint(options: HttpDoorOptions, makeAnswer: AnswerMaker): RequestHandler {
  const { auth, maxBodyBytes, answers, refusals } = options;
  return async (request, response) => {
    if (request.method !== "POST") return sendEmpty(response, 405);
    const caller = auth(request);
    if (caller === undefined) return sendText(response, 401, `Unauthorized: ${HTTP_KEY_HINT}\n`);
    answers.expect();
    let body: Buffer;
    try {
      body = await readBody(request, maxBodyBytes);
    } catch (error) {
      if (error instanceof BodyTooLarge)
        refusals.note("api_body_too_large", describeRequest(request, caller));
      return refuseBody(error, request, response);
    }
    let answer: JsonAnswer | undefined;
    try {
      answer = await makeAnswer({ body, caller, request, response });
    } catch (error) {
      if (!(error instanceof JsonDecodeError)) throw error;
      refusals.note("bad_api_request", { ...describeRequest(request, caller), detail: error.message });
      return sendBadRequest(response, error);
    }
    if (answer === undefined) return;
    const { status, json } = answer;
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(json) };
    answers.push(response, status, headers, json);
  };
}

function describeRequest(request: IncomingMessage, { key }: ApiCaller): RefusalFields {
  return { address: peerAddressOf(request), key, path: pathOf(request) };
}

/** Refuses a body that cannot be decoded, and says where. */
function sendBadRequest(response: ServerResponse, { message }: JsonDecodeError): void {
  sendText(response, 400, `Bad Request: ${message}\n`);
}

/** Says that a body is too large, or that it could not be read, if anybody is left to hear it. */
function refuseBody(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  if (error instanceof BodyTooLarge) {
    // The rest of the body is not read, so the connection cannot be used again.
    if (request.httpVersionMajor === 1) response.setHeader("Connection", "close");
    sendText(response, 413, "Request Entity Too Large\n");
  } else if (!isGone(response)) {
    sendText(response, 500, "Internal Server Error\n");
  }
}

/** Fields that are printed even when they are zero or empty (docs/protocols/server-api.md §2.2). */
const ALWAYS_PRINTED: ReadonlySet<string> = new Set([
  "ClientInfo.user",
  "ClientInfo.client",
  "PresenceResult.presence",
  "PresenceStatsResult.num_clients",
  "PresenceStatsResult.num_users",
  "HistoryResult.publications",
  "HistoryResult.epoch",
  "HistoryResult.offset",
  "NodeResult.uid",
  "NodeResult.name",
  "NodeResult.version",
  "NodeResult.num_clients",
  "NodeResult.num_users",
  "NodeResult.num_channels",
  "NodeResult.num_subs",
  "ChannelsResult.channels",
  "ConnectionsResult.connections",
  "GetUserStatusResult.statuses",
  "DeviceListResult.items",
  "DeviceTopicListResult.items",
  "UserTopicListResult.items",
]);

/** Writes messages of the API; `channelsAsArray` gives the channels of connections the shape they had in v4.0.0. */
export function createApiEncoder(channelsAsArray: boolean): MessageEncoder {
  return new MessageEncoder(ALWAYS_PRINTED, new Set(channelsAsArray ? ["ConnectionState.channels"] : []));
}

const errorEncoder = createApiEncoder(false);

/** The JSON of an API error. */
export function errorJson({ code, message }: ClientError): string {
  return errorEncoder.encode(ErrorSchema, create(ErrorSchema, { code, message }));
}
