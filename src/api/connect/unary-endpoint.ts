import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type Compression,
  compressionNegotiate,
  createMethodSerializationLookup,
  type Serialization,
} from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  contentTypeUnaryProto,
  errorToJsonBytes,
  headerUnaryAcceptEncoding,
  parseContentType,
  parseTimeout,
} from "@connectrpc/connect/protocol-connect";
import { ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import type { ClientError } from "../../core/client-error.ts";
import { failureOf } from "../../core/failure.ts";
import { COMPRESSIONS, decompress, UNLIMITED_BYTES } from "../../grpc/envelope.ts";
import { BodyTooLarge, readBody } from "../../http/body.ts";
import type { RequestHandler } from "../../http/http-app.ts";
import { isGone } from "../../lib/http2-peer.ts";
import { HTTP_KEY_HINT } from "../api-key.ts";
import { ConnectUnaryOrigin } from "../call-origin.ts";
import {
  ERROR_MODE_HEADER,
  type HttpDoorOptions,
  TRANSPORT_ERROR_MODE,
  transportStatus,
} from "../http-door.ts";
import type { Rpc } from "../rpc.ts";
import { hasPayload, readAroundPayload } from "./json-payload.ts";

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

/** Bytes that a message may have. */
export function maxMessageBytes({ maxBodyBytes }: HttpDoorOptions): number {
  return maxBodyBytes > 0 ? maxBodyBytes : UNLIMITED_BYTES;
}

/** The refusal of a request without the key. */
export function unauthenticated(): ConnectError {
  return new ConnectError(`unauthenticated: ${HTTP_KEY_HINT}`, Code.Unauthenticated);
}

/** How connect-es begins to say that a request is no protobuf, and that it is not compressed as it says. */
const UNREADABLE = /^(?:parse binary|decompression failed)/u;

/** What reading a request has thrown; what connect-es takes for our fault, and is the caller's, as that. */
export function readingError(error: unknown): unknown {
  const isCallers =
    error instanceof ConnectError && error.code === Code.Internal && UNREADABLE.test(error.rawMessage);
  return isCallers ? new ConnectError(error.rawMessage, Code.InvalidArgument) : error;
}

/** An API error as one of the protocol, with itself in the details. */
export function connectError(error: ClientError): ConnectError {
  const { code, message } = error;
  const { rpcCode } = transportStatus(error);
  return new ConnectError(message, rpcCode, undefined, [{ desc: ErrorSchema, value: { code, message } }]);
}

/** Requests and responses of one rpc in one of the two forms that Connect has for them. */
export class UnaryForm {
  readonly contentType: string;
  /** The type of requests in JSON whose payload is read on its own. */
  readonly #carrier: DescMessage | undefined;
  readonly #requests: Serialization<Message>;
  readonly #responses: Serialization<Message>;
  readonly #empty: Message | undefined;
  readonly #emptyBytes: Uint8Array;

  /** Binary, or else protobuf's JSON; requests of more than `maxBytes` are refused. */
  constructor({ desc, empty }: Rpc, isBinary: boolean, maxBytes: number) {
    this.contentType = isBinary ? contentTypeUnaryProto : contentTypeUnaryJson;
    // What responses may have is what connect-node allows when nothing is said.
    const limits = { readMaxBytes: maxBytes, writeMaxBytes: UNLIMITED_BYTES };
    const lookup = createMethodSerializationLookup(desc, undefined, undefined, limits);
    this.#carrier = !isBinary && hasPayload(desc.input) ? desc.input : undefined;
    this.#requests = lookup.getI(isBinary);
    this.#responses = lookup.getO(isBinary);
    this.#empty = empty;
    this.#emptyBytes = empty === undefined ? new Uint8Array() : this.#responses.serialize(empty);
  }

  /** @throws ConnectError */
  parse(body: Uint8Array): Message {
    const message = this.#carrier && readAroundPayload(this.#carrier, body);
    if (message !== undefined) return message;
    try {
      return this.#requests.parse(body);
    } catch (error) {
      throw readingError(error);
    }
  }

  /** @throws ConnectError */
  serialize(response: Message): Uint8Array {
    return response === this.#empty ? this.#emptyBytes : this.#responses.serialize(response);
  }
}

/** What the head of a unary request says about it. */
export interface UnaryHead {
  /** Messages are in protobuf's binary form, else in its JSON. */
  readonly isBinary: boolean;
  /** The caller's deadline; undefined for none. */
  readonly timeoutMs: number | undefined;
  /** How the request is compressed. */
  readonly requestCompression: Compression | null;
  /** How the caller would have a long response compressed. */
  readonly responseCompression: Compression | null;
}

/** Reads the head of a unary request; undefined for any other, and for one that is to be refused. */
export function readUnaryHead({ method, headers }: IncomingMessage, maxBytes: number): UnaryHead | undefined {
  const { "content-type": type, "content-length": length } = headers;
  if (method !== "POST" || type === undefined) return undefined;
  if (length !== undefined && Number(length) > maxBytes) return undefined;
  const format = parseContentType(type);
  if (format === undefined || format.stream) return undefined;
  const { request, response, error } = compressionNegotiate(
    COMPRESSIONS,
    headers["content-encoding"] ?? null,
    headers["accept-encoding"] ?? null,
    headerUnaryAcceptEncoding,
  );
  const timeout = parseTimeout(headers["connect-timeout-ms"]?.toString() ?? null, Number.MAX_SAFE_INTEGER);
  if (error !== undefined || timeout.error !== undefined) return undefined;
  return {
    isBinary: format.binary,
    timeoutMs: timeout.timeoutMs,
    requestCompression: request,
    responseCompression: response,
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
