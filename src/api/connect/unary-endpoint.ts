import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { failureOf } from "../../core/failure.ts";
import { decompress } from "../../grpc/compression.ts";
import { BodyTooLarge, readBody } from "../../http/body.ts";
import type { RequestHandler } from "../../http/route.ts";
import { isGone } from "../../lib/http2-peer.ts";
import { ConnectUnaryOrigin } from "../call-origin.ts";
import { ERROR_MODE_HEADER, type HttpDoorOptions, TRANSPORT_ERROR_MODE } from "../http-door.ts";
import type { Rpc } from "../rpc.ts";
import { connectError, maxMessageBytes, unauthenticated } from "./protocol.ts";
import { UnaryForm } from "./unary-form.ts";
import { readUnaryHead, type UnaryHead } from "./unary-head.ts";

/** Answers of fewer bytes are not compressed; connect-node's own limit. */
const COMPRESS_MIN_BYTES = 1024;

/**
 * Serves one rpc over the unary form of the Connect protocol (connectrpc.com/docs/protocol) as connect-node
 * would, without its detour through the objects of the fetch API, which costs ten times as much.
 *
 * `other` serves what does not come in that form, or is wrong about itself.
 */
export function createUnaryHandler(
  rpc: Rpc,
  options: HttpDoorOptions,
  other: RequestHandler,
): RequestHandler {
  const maxBytes = maxMessageBytes(options);
  const binary = new UnaryForm(rpc, true, maxBytes);
  const json = new UnaryForm(rpc, false, maxBytes);
  const { auth, answers, transportErrors, refusals, logger } = options;

  /** @throws ConnectError, BodyTooLarge, or the socket's error */
  const respond = async (
    { isBinary, timeoutMs, requestCompression }: UnaryHead,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Uint8Array> => {
    const caller = auth(request);
    if (caller === undefined) throw unauthenticated();
    const body = await readBody(request, maxBytes);
    const form = isBinary ? binary : json;
    const bytes = requestCompression === null ? body : await decompress(requestCompression, body, maxBytes);
    const origin = new ConnectUnaryOrigin(response, caller, timeoutMs);
    const answer = await rpc.answer(parse(form, bytes, origin), origin);
    if (answer.error !== undefined && (transportErrors || asksForTransportErrors(request))) {
      throw connectError(answer.error);
    }
    return form.serialize(answer.response);
  };

  /** @throws ConnectError */
  const parse = (form: UnaryForm, bytes: Uint8Array, { address, caller }: ConnectUnaryOrigin): Message => {
    try {
      return form.parse(bytes);
    } catch (error) {
      refusals.note("bad_api_request", { address, key: caller.key, rpc: rpc.desc.name });
      throw error;
    }
  };

  const internalError = (error: unknown, response: ServerResponse): ConnectError => {
    const fields = { rpc: rpc.desc.name };
    // The client has left before all of its request had come.
    if (!isGone(response)) failureOf(error, { logger, message: "api call not answered", fields });
    return new ConnectError("internal error", Code.Internal);
  };

  return async (request, response) => {
    const head = readUnaryHead(request, maxBytes);
    if (head === undefined) return other(request, response);
    answers.expect();
    let status = 200;
    let { contentType } = head.isBinary ? binary : json;
    let body: Uint8Array;
    try {
      body = await respond(head, request, response);
    } catch (error) {
      const reason = protocolErrorOf(error, maxBytes) ?? internalError(error, response);
      status = codeToHttpStatus(reason.code);
      contentType = contentTypeUnaryJson;
      body = errorToJsonBytes(reason, undefined);
    }
    const headers: OutgoingHttpHeaders = { "Content-Type": contentType };
    const compression = body.length < COMPRESS_MIN_BYTES ? null : head.responseCompression;
    if (compression !== null) {
      body = await compression.compress(body);
      headers["Content-Encoding"] = compression.name;
    }
    headers["Content-Length"] = body.length;
    answers.push(response, status, headers, Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  };
}

function asksForTransportErrors({ headers }: IncomingMessage): boolean {
  return headers[ERROR_MODE_HEADER] === TRANSPORT_ERROR_MODE;
}

/** What a caller is told of its request; undefined for what is not its fault. */
function protocolErrorOf(error: unknown, maxBytes: number): ConnectError | undefined {
  if (error instanceof ConnectError) return error;
  if (error instanceof BodyTooLarge) {
    const message = `message size is larger than configured readMaxBytes ${maxBytes}`;
    return new ConnectError(message, Code.ResourceExhausted);
  }
  return undefined;
}
