import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ClientError } from "../../core/client-error.ts";
import type { ConnectRequest } from "../../core/uni-protocol.ts";
import { frameAll, type WireFormats } from "../../core/wire-format.ts";
import { responseOn, sendEmpty, sendText } from "../../http/http-app.ts";
import { addCorsHeaders } from "../../http/origin-policy.ts";
import {
  admitsConnection,
  connectParameterOf,
  noteBadRequest,
  noteOrigin,
  type UniEndpointContext,
  vouchedHeaders,
} from "../../http/uni-endpoint.ts";
import { agreeOnCompression, type Compression } from "./compression.ts";
import type { UniWebSocketConfig } from "./config.ts";
import { FrameReader, FrameReaders } from "./frame-reader.ts";
import { createTextFramer } from "./framer.ts";
import { answerHandshake, handshakeProblem, refuseHandshake } from "./handshake.ts";
import { UniWebSocketTransport, type UniWebSocketTransportOptions } from "./uni-transport.ts";

/** Heartbeat where application pings are switched off (docs/protocols/unidirectional.md §6.1). */
const FALLBACK_HEARTBEAT_MS = 25_000;
const FALLBACK_PONG_TIMEOUT_MS = 10_000;

/** The unidirectional WebSocket endpoint (docs/protocols/unidirectional.md §2.2). */
export class WebSocketEndpoint {
  readonly #context: UniEndpointContext;
  readonly #compresses: boolean;
  readonly #inflatedMaxBytes: number;
  readonly #transportOptions: UniWebSocketTransportOptions;
  readonly #plainFormats: WireFormats;
  readonly #deflatedFormats: WireFormats;

  constructor(context: UniEndpointContext, config: UniWebSocketConfig) {
    this.#context = context;
    const { json } = context.protocol;
    const joinMessages = config.join_push_messages;
    const deflate = { level: config.compression_level, minBytes: config.compression_min_size };
    this.#plainFormats = frameAll(json, createTextFramer({ joinMessages, deflate: undefined }));
    this.#deflatedFormats = frameAll(json, createTextFramer({ joinMessages, deflate }));
    this.#compresses = config.compression;
    this.#inflatedMaxBytes = config.decompressed_message_size_limit || 10 * config.message_size_limit;
    const { pingIntervalMs, pongTimeoutMs } = context;
    this.#transportOptions = {
      wheel: context.wheel,
      readers: new FrameReaders(config.message_size_limit),
      encoding: json,
      pingIntervalMs,
      heartbeatIntervalMs: pingIntervalMs > 0 ? pingIntervalMs : FALLBACK_HEARTBEAT_MS,
      pongTimeoutMs: pongTimeoutMs > 0 ? pongTimeoutMs : FALLBACK_PONG_TIMEOUT_MS,
      writeTimeoutMs: config.write_timeout,
      sendsDisconnectPush: !config.disable_disconnect_push,
      closingHandshake: !config.disable_closing_handshake,
    };
  }

  /** Answers a request that is not an upgrade. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    if (!admitsConnection(this.#context, request)) return sendEmpty(response, 503);
    this.#refuse(request, response, 400, this.#requestInQuery(request));
  }

  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (!admitsConnection(this.#context, request)) return sendEmpty(responseOn(socket, request), 503);
    const connect = this.#requestInQuery(request);
    const problem = handshakeProblem(request) ?? this.#originProblem(request);
    if (connect === "malformed" || problem !== undefined) {
      return this.#refuse(request, responseOn(socket, request), problem ?? 400, connect);
    }
    const compression = this.#agreeOnCompression(request);
    if (!answerHandshake(request, socket, { extensions: compression?.header })) return;
    const transport = this.#createTransport(socket, compression);
    const connection = this.#context.protocol.accept(transport);
    transport.bind(connection, head);
    if (connect === undefined) return transport.expectRequest(vouchedHeaders(request));
    transport.dropMessages();
    connection.connect(connect, vouchedHeaders(request));
  }

  #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    connect: ConnectRequest | "malformed" | undefined,
  ): void {
    addCorsHeaders(this.#context.origins, request, response);
    if (connect === "malformed") sendText(response, 400, "invalid connect request\n");
    else refuseHandshake(response, status);
  }

  #originProblem(request: IncomingMessage): number | undefined {
    if (this.#context.origins.allows(request.headers.origin)) return undefined;
    noteOrigin(this.#context, request);
    return 403;
  }

  /** The connect request in the query string; undefined when there is none. */
  #requestInQuery(request: IncomingMessage): ConnectRequest | "malformed" | undefined {
    try {
      const text = connectParameterOf(request);
      if (text === "" || text.trim() === "null") return undefined;
      return this.#context.protocol.json.parseRequest(Buffer.from(text));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      noteBadRequest(this.#context, request, error);
      return "malformed";
    }
  }

  #agreeOnCompression({ headers }: IncomingMessage): Compression | undefined {
    if (!this.#compresses) return undefined;
    return agreeOnCompression(headers["sec-websocket-extensions"], this.#inflatedMaxBytes);
  }

  #createTransport(socket: Socket, compression: Compression | undefined): UniWebSocketTransport {
    if (compression === undefined) {
      return new UniWebSocketTransport(socket, this.#plainFormats, this.#transportOptions, undefined);
    }
    const reader = new FrameReader(this.#inflatedMaxBytes, compression.inflation);
    return new UniWebSocketTransport(socket, this.#deflatedFormats, this.#transportOptions, reader);
  }
}
