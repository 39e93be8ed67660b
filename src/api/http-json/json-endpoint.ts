import type { IncomingMessage, ServerResponse } from "node:http";
import type { RefusalFields } from "../../core/refusal-log.ts";
import { BodyTooLarge, readBody } from "../../http/body.ts";
import { pathOf, peerAddressOf } from "../../http/client-address.ts";
import { sendEmpty, sendText } from "../../http/http-app.ts";
import type { RequestHandler } from "../../http/route.ts";
import { isGone } from "../../lib/http2-peer.ts";
import { JsonDecodeError } from "../../lib/json/json-decode-error.ts";
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
