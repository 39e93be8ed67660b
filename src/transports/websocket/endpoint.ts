import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import type { ConnectRequest } from "../../core/uni-protocol.ts";
import { frameAll, type WireFormats } from "../../core/wire-format.ts";
import { refuseUpgrade } from "../../http/http-app.ts";
import type { UniEndpointContext } from "../../http/uni-endpoint.ts";
import type { UniWebSocketConfig } from "./config.ts";
import { createTextFramer } from "./framer.ts";
import { createWebSocketServer, handshakeProblem, headerReader, refusePlainRequest } from "./handshake.ts";
import { UniWebSocketTransport, type UniWebSocketTransportOptions } from "./uni-transport.ts";

/** Heartbeat where application pings are switched off (uni-transports §6.1). */
const FALLBACK_HEARTBEAT_MS = 25_000;
const FALLBACK_PONG_TIMEOUT_MS = 10_000;
/** Shared compressed frames need the full window; clients that offer less only go on uncompressed. */
const FULL_WINDOW_BITS = 15;
const DEFLATE_OFFER = /^\s*permessage-deflate\s*(;|$)/u;
const SMALLER_WINDOW = /;\s*server_max_window_bits\s*=\s*"?(8|9|1[0-4])"?\s*(;|$)/u;

/** What the endpoint needs beyond what all unidirectional endpoints do. */
export interface WebSocketEndpointContext extends UniEndpointContext {
  readonly pongTimeoutMs: number;
}

/** The unidirectional WebSocket endpoint (uni-transports §2.2). */
export class WebSocketEndpoint {
  readonly #context: WebSocketEndpointContext;
  readonly #plainServer: WebSocketServer;
  /** Undefined while compression is switched off. */
  readonly #deflatingServer: WebSocketServer | undefined;
  readonly #transportOptions: UniWebSocketTransportOptions;
  readonly #plainFormats: WireFormats;
  readonly #deflatedFormats: WireFormats;

  constructor(context: WebSocketEndpointContext, config: UniWebSocketConfig) {
    this.#context = context;
    const { json } = context.protocol;
    const joinMessages = config.join_push_messages;
    const deflate = { level: config.compression_level, minBytes: config.compression_min_size };
    this.#plainFormats = frameAll(json, createTextFramer({ joinMessages, deflate: undefined }));
    this.#deflatedFormats = frameAll(json, createTextFramer({ joinMessages, deflate }));
    this.#plainServer = createWebSocketServer({
      messageSizeLimit: config.message_size_limit,
      perMessageDeflate: false,
    });
    this.#deflatingServer = config.compression ? createDeflatingServer(config) : undefined;
    const { pingIntervalMs, pongTimeoutMs } = context;
    this.#transportOptions = {
      wheel: context.wheel,
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
    refusePlainRequest(request, response);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.#context.gate.admits()) return refuseUpgrade(socket, 503, "");
    const status = handshakeProblem(request);
    if (status !== undefined) return refuseUpgrade(socket, status);
    if (!this.#context.origins.allows(request.headers.origin)) return refuseUpgrade(socket, 403);
    const inQuery = queryRequest(request);
    let connect: ConnectRequest | undefined;
    try {
      if (inQuery !== undefined) connect = this.#context.protocol.json.parseRequest(Buffer.from(inQuery));
    } catch {
      return refuseUpgrade(socket, 400, "invalid connect request");
    }
    const deflates = offersFullWindow(request.headers["sec-websocket-extensions"]);
    const server = (deflates ? this.#deflatingServer : undefined) ?? this.#plainServer;
    server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#open(webSocket, socket, request, connect);
    });
  }

  #open(
    webSocket: WebSocket,
    socket: Duplex,
    request: IncomingMessage,
    connect: ConnectRequest | undefined,
  ): void {
    if (!(socket instanceof Socket)) {
      webSocket.terminate();
      return;
    }
    const { protocol } = this.#context;
    const format = webSocket.extensions === "" ? this.#plainFormats : this.#deflatedFormats;
    const transport = new UniWebSocketTransport(webSocket, socket, format, this.#transportOptions);
    const connection = protocol.accept(transport);
    transport.bind(connection);
    const header = headerReader(request);
    if (connect !== undefined) {
      connection.connect(connect, header);
      return;
    }
    // The first message is the request; `ws` reads and drops the later ones.
    webSocket.once("message", (data) => {
      try {
        connection.connect(protocol.json.parseRequest(toBuffer(data)), header);
      } catch {
        connection.refuseRequest();
      }
    });
  }
}

function createDeflatingServer(config: UniWebSocketConfig): WebSocketServer {
  return createWebSocketServer({
    messageSizeLimit: config.decompressed_message_size_limit || 10 * config.message_size_limit,
    perMessageDeflate: {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: FULL_WINDOW_BITS,
    },
  });
}

/** Whether a client takes compressed frames that need the full window (RFC 7692 §7.1.2.1). */
function offersFullWindow(extensions: string | undefined): boolean {
  const offers = extensions?.split(",") ?? [];
  return offers.some((offer) => DEFLATE_OFFER.test(offer) && !SMALLER_WINDOW.test(offer));
}

/** The connect request in the query string; undefined when there is none. */
function queryRequest(request: IncomingMessage): string | undefined {
  const text = new URLSearchParams(request.url?.split("?", 2)[1]).get("cf_connect");
  return text === null || text === "" || text.trim() === "null" ? undefined : text;
}

function toBuffer(data: Buffer | ArrayBuffer | Buffer[]): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
