import type { IncomingMessage, ServerResponse } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ConnectRequest } from "../../core/connect-request.ts";
import type { UniEncoding } from "../../core/uni-protocol.ts";
import type { Framer } from "../../core/wire-format.ts";
import { ACCEPTED_ENCODINGS, envelopeFramer } from "../../grpc/envelope.ts";
import { sendEmpty } from "../../http/http-app.ts";
import { addCorsHeaders } from "../../http/origin-policy.ts";
import { PushTransport, PushTransportKind } from "../../http/push-transport.ts";
import { RequestHeaders } from "../../http/request-headers.ts";
import {
  admitsConnection,
  noteBadRequest,
  noteOrigin,
  type UniEndpointContext,
} from "../../http/uni-endpoint.ts";
import { isGone } from "../../lib/http2-peer.ts";
import { type TimerWheel, WheelTimer } from "../../lib/timer-wheel.ts";
import { envelopeTextFramer } from "./framer.ts";
import {
  connectProtocol,
  grpcProtocol,
  grpcWebProtocol,
  grpcWebTextProtocol,
  type StreamProtocol,
} from "./protocol.ts";
import { readHead, readRequest, type RequestForm } from "./request.ts";

const PREFLIGHT_MAX_AGE_SEC = 7200;

/** One content type: how its requests and pushes look. */
interface Dialect extends RequestForm {
  readonly kind: PushTransportKind;
}

/**
 * The `Consume` stream on the HTTP port, for clients of gRPC, gRPC-Web and Connect.
 *
 * Their libraries serialise for each stream; here the ready-made envelopes are shared by all of them. What is wrong
 * with a request is told in the way of its protocol.
 */
export class ConnectEndpoint {
  readonly #context: UniEndpointContext;
  readonly #maxMessageBytes: number;
  readonly #dialects: ReadonlyMap<string, Dialect>;

  /** Messages of requests may have `maxMessageBytes`; 0 or less: no limit. */
  constructor(context: UniEndpointContext, maxMessageBytes: number) {
    this.#context = context;
    this.#maxMessageBytes = maxMessageBytes;
    const { protobuf, protoJson } = context.protocol;
    const grpc = this.#dialect("application/grpc+proto", protobuf, grpcProtocol);
    const web = this.#dialect("application/grpc-web+proto", protobuf, grpcWebProtocol);
    const text = this.#dialect(
      "application/grpc-web-text+proto",
      protobuf,
      grpcWebTextProtocol,
      envelopeTextFramer,
    );
    this.#dialects = new Map([
      ["application/connect+proto", this.#dialect("application/connect+proto", protobuf, connectProtocol)],
      ["application/connect+json", this.#dialect("application/connect+json", protoJson, connectProtocol)],
      ["application/grpc", grpc],
      ["application/grpc+proto", grpc],
      ["application/grpc+json", this.#dialect("application/grpc+json", protoJson, grpcProtocol)],
      ["application/grpc-web", web],
      ["application/grpc-web+proto", web],
      ["application/grpc-web+json", this.#dialect("application/grpc-web+json", protoJson, grpcWebProtocol)],
      ["application/grpc-web-text", text],
      ["application/grpc-web-text+proto", text],
    ]);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!addCorsHeaders(this.#context.origins, request, response)) noteOrigin(this.#context, request);
    if (request.method === "OPTIONS") return answerPreflight(response);
    if (request.method !== "POST") return sendEmpty(response, 405);
    const dialect = this.#dialects.get(mediaType(request));
    if (dialect === undefined) {
      response.setHeader("Accept-Post", [...this.#dialects.keys()].join(", "));
      return sendEmpty(response, 415);
    }
    // Its errors are in trailers, which HTTP/1 clients of gRPC do not look for.
    if (dialect.protocol === grpcProtocol && request.httpVersionMajor === 1) return sendEmpty(response, 505);
    response.setHeader("Access-Control-Expose-Headers", "grpc-status, grpc-message");
    try {
      await this.#consume(dialect, request, response);
    } catch (error) {
      if (error instanceof ConnectError) refuse(dialect, error, request, response);
      // Else the client has left, or something is wrong with us.
      else if (!isGone(response)) throw error;
    }
  }

  async #consume(dialect: Dialect, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { wheel } = this.#context;
    if (!admitsConnection(this.#context, request)) {
      throw new ConnectError("too many connections, try again later", Code.Unavailable);
    }
    const head = readHead(dialect, request);
    const deadline = new Deadline(wheel, () => refuse(dialect, deadlineExceeded(), request, response));
    deadline.start(head.timeoutMs);
    let connect: ConnectRequest;
    try {
      connect = await readRequest(dialect, head, this.#maxMessageBytes, request);
    } catch (error) {
      deadline.cancel();
      if (error instanceof ConnectError) noteBadRequest(this.#context, request, error);
      throw error;
    }
    // Its time is over, or its client has left while the request was inflated.
    if (response.writableEnded || isGone(response)) return deadline.cancel();
    const transport = new PushTransport(request, response, dialect.kind, {
      onClosed: () => deadline.cancel(),
    });
    deadline.onExpired = () => transport.endWith(dialect.protocol.ending(deadlineExceeded()));
    transport.run(this.#context.protocol, connect, new RequestHeaders(request, "grpc"));
  }

  #dialect(
    contentType: string,
    encoding: UniEncoding,
    protocol: StreamProtocol,
    framer: Framer = envelopeFramer,
  ): Dialect {
    return {
      protocol,
      encoding,
      inBase64: framer === envelopeTextFramer,
      kind: new PushTransportKind({
        name: protocol === grpcProtocol ? "uni_grpc" : "uni_connect",
        protocol: encoding === this.#context.protocol.protoJson ? "json" : "protobuf",
        codecs: encoding,
        framer,
        contentType,
        pingIntervalMs: this.#context.pingIntervalMs,
        wheel: this.#context.wheel,
        ending: protocol.ending(),
      }),
    };
  }
}

/** The time that a client gives its call. */
class Deadline extends WheelTimer {
  readonly #wheel: TimerWheel;
  onExpired: () => void;

  constructor(wheel: TimerWheel, onExpired: () => void) {
    super();
    this.#wheel = wheel;
    this.onExpired = onExpired;
  }

  /** Begins to count; undefined never expires. */
  start(timeoutMs: number | undefined): void {
    if (timeoutMs !== undefined) this.#wheel.schedule(this, timeoutMs);
  }

  cancel(): void {
    this.#wheel.cancel(this);
  }

  override onDue(): void {
    this.onExpired();
  }
}

function deadlineExceeded(): ConnectError {
  return new ConnectError("the time that the client gave the stream is over", Code.DeadlineExceeded);
}

/** Answers with an error of the protocol, unless there is an answer already. */
function refuse(
  { protocol, kind }: Dialect,
  error: ConnectError,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (response.headersSent || isGone(response)) return;
  const { bytes, trailers } = protocol.ending(error);
  // The rest of the body is not read, so the connection cannot be used again.
  if (!request.complete && request.httpVersionMajor === 1) response.setHeader("Connection", "close");
  response.writeHead(200, {
    "Content-Type": kind.spec.contentType,
    [protocol.acceptEncodingHeader]: ACCEPTED_ENCODINGS,
  });
  if (trailers !== undefined) response.addTrailers(trailers);
  response.end(bytes);
}

function mediaType(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function answerPreflight(response: ServerResponse): void {
  response.setHeader("Access-Control-Max-Age", PREFLIGHT_MAX_AGE_SEC);
  response.setHeader("Access-Control-Allow-Methods", "POST, OPTIONS");
  sendEmpty(response, 204);
}
