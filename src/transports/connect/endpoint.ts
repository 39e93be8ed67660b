import type { IncomingMessage, ServerResponse } from "node:http";
import type { UniEncoding } from "../../core/uni-protocol.ts";
import type { Framer } from "../../core/wire-format.ts";
import { BodyTooLarge, readBody } from "../../http/body.ts";
import { sendEmpty } from "../../http/http-app.ts";
import { PushTransport, PushTransportKind } from "../../http/push-transport.ts";
import { admitRequest, type UniEndpointContext } from "../../http/uni-endpoint.ts";
import { envelope, envelopeFramer } from "../../grpc/envelope.ts";
import { envelopeTextFramer, firstMessage, inBase64 } from "./framer.ts";

/** A connect request takes at most this many bytes, with its envelope. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Flags of the envelopes that end a stream: Connect's with metadata as JSON, gRPC-Web's with trailers. */
const CONNECT_END = 0x02;
const GRPC_WEB_TRAILERS = 0x80;
const PREFLIGHT_MAX_AGE_SEC = 7200;

const CONNECT_EPILOGUE = envelope(CONNECT_END, Buffer.from("{}"));
const GRPC_WEB_EPILOGUE = envelope(GRPC_WEB_TRAILERS, Buffer.from("grpc-status: 0\r\ngrpc-message: \r\n"));

/** One content type: how its requests and pushes look. */
interface Dialect {
  readonly encoding: UniEncoding;
  /** Request bodies are in base64. */
  readonly inBase64: boolean;
  readonly kind: PushTransportKind;
}

/**
 * The `Consume` stream on the HTTP port, for Connect and gRPC-Web clients.
 *
 * Their libraries serialise for each stream; here the ready-made envelopes are shared by all of them.
 */
export class ConnectEndpoint {
  readonly #context: UniEndpointContext;
  readonly #dialects: ReadonlyMap<string, Dialect>;

  constructor(context: UniEndpointContext) {
    this.#context = context;
    const { protobuf, protoJson } = context.protocol;
    const connect = { framer: envelopeFramer, epilogue: CONNECT_EPILOGUE };
    const grpcWeb = { framer: envelopeFramer, epilogue: GRPC_WEB_EPILOGUE };
    const grpcWebText = { framer: envelopeTextFramer, epilogue: inBase64(GRPC_WEB_EPILOGUE) };
    this.#dialects = new Map([
      ["application/connect+proto", this.#dialect("application/connect+proto", protobuf, connect)],
      ["application/connect+json", this.#dialect("application/connect+json", protoJson, connect)],
      ["application/grpc-web", this.#dialect("application/grpc-web+proto", protobuf, grpcWeb)],
      ["application/grpc-web+proto", this.#dialect("application/grpc-web+proto", protobuf, grpcWeb)],
      ["application/grpc-web+json", this.#dialect("application/grpc-web+json", protoJson, grpcWeb)],
      ["application/grpc-web-text", this.#dialect("application/grpc-web-text+proto", protobuf, grpcWebText)],
      [
        "application/grpc-web-text+proto",
        this.#dialect("application/grpc-web-text+proto", protobuf, grpcWebText),
      ],
    ]);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!admitRequest(this.#context, request, response)) return;
    if (request.method === "OPTIONS") return answerPreflight(response);
    if (request.method !== "POST") return sendEmpty(response, 405);
    const dialect = this.#dialects.get(mediaType(request));
    if (dialect === undefined) {
      response.setHeader("Accept-Post", [...this.#dialects.keys()].join(", "));
      return sendEmpty(response, 415);
    }
    const message = await readMessage(dialect, request, response);
    if (message === undefined) return;
    this.#open(dialect, message, request, response);
  }

  #open(dialect: Dialect, message: Buffer, request: IncomingMessage, response: ServerResponse): void {
    try {
      const connect = dialect.encoding.parseRequest(message);
      response.setHeader("Access-Control-Expose-Headers", "grpc-status, grpc-message");
      new PushTransport(request, response, dialect.kind).run(this.#context.protocol, connect);
    } catch {
      sendEmpty(response, 400);
    }
  }

  #dialect(
    contentType: string,
    encoding: UniEncoding,
    { framer, epilogue }: { readonly framer: Framer; readonly epilogue: Uint8Array },
  ): Dialect {
    return {
      encoding,
      inBase64: contentType.includes("-text"),
      kind: new PushTransportKind({
        name: "uni_connect",
        protocol: encoding === this.#context.protocol.protoJson ? "json" : "protobuf",
        codecs: encoding,
        framer,
        contentType,
        pingIntervalMs: this.#context.pingIntervalMs,
        wheel: this.#context.wheel,
        epilogue,
      }),
    };
  }
}

async function readMessage(
  dialect: Dialect,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Buffer | undefined> {
  let body: Buffer;
  try {
    body = await readBody(request, MAX_REQUEST_BYTES);
  } catch (error) {
    if (error instanceof BodyTooLarge) sendEmpty(response, 413);
    return undefined;
  }
  const message = firstMessage(dialect.inBase64 ? Buffer.from(body.toString("latin1"), "base64") : body);
  if (message === undefined) sendEmpty(response, 400);
  return message;
}

function mediaType(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function answerPreflight(response: ServerResponse): void {
  response.setHeader("Access-Control-Max-Age", PREFLIGHT_MAX_AGE_SEC);
  response.setHeader("Access-Control-Allow-Methods", "POST, OPTIONS");
  sendEmpty(response, 204);
}
