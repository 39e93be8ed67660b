import type {
  BidiConnection,
  BidiHost,
  BidiProtocol,
  BidiRefusal,
  BidiRequest,
  BidiSettings,
  BidiTransport,
  CloseMessage,
} from "../../core/bidi-protocol.ts";
import { ClientError } from "../../core/client-error.ts";
import type { ConnectRequest, OpeningHeaders } from "../../core/connect-request.ts";
import type { Disconnect } from "../../core/disconnect.ts";
import type { UniConnection } from "../../core/uni-protocol.ts";
import { connectParameterOf, type UniEndpointContext } from "../../http/uni-endpoint.ts";
import { jsonFaultOf } from "../../lib/json/raw-json.ts";
import type { UniWebSocketConfig } from "./config.ts";
import { fitsCloseFrame } from "./control-frames.ts";

/** Heartbeat where application pings are switched off (docs/protocols/unidirectional.md §6.1). */
const FALLBACK_HEARTBEAT_MS = 25_000;
const FALLBACK_PONG_TIMEOUT_MS = 10_000;

const LF = Buffer.from("\n");
/** The disconnect push has said everything before the close frame. */
const NO_MESSAGE = new Uint8Array(0);
const MALFORMED: BidiRefusal = { status: 400, text: "invalid connect request\n" };

/**
 * The unidirectional protocol over WebSockets (docs/protocols/unidirectional.md §2.2): the connect request is in the
 * address, or is the client's first message. All others are read and dropped.
 */
export class UniWebSocketProtocol implements BidiProtocol {
  readonly name = "uni_websocket";
  readonly subprotocols: readonly string[] = [];
  readonly #context: UniEndpointContext;
  readonly #settings: BidiSettings;

  constructor(context: UniEndpointContext, config: UniWebSocketConfig) {
    const { protocol, pingIntervalMs, pongTimeoutMs } = context;
    const closes = !config.disable_closing_handshake;
    this.#context = context;
    this.#settings = {
      encoding: {
        ...protocol.json,
        label: "json",
        messages: "text",
        separator: config.join_push_messages ? LF : undefined,
      },
      pingIntervalMs,
      heartbeat: {
        intervalMs: pingIntervalMs > 0 ? pingIntervalMs : FALLBACK_HEARTBEAT_MS,
        timeoutMs: pongTimeoutMs > 0 ? pongTimeoutMs : FALLBACK_PONG_TIMEOUT_MS,
      },
      sendsDisconnectPush: !config.disable_disconnect_push,
      closeMessage: (reason) => (closes ? closeMessageOf(reason) : undefined),
    };
  }

  open(request: BidiRequest): BidiHost | BidiRefusal {
    let connect: ConnectRequest | undefined;
    try {
      const text = connectParameterOf(request);
      const isThere = text !== "" && text.trim() !== "null";
      connect = isThere ? this.#context.protocol.json.parseRequest(Buffer.from(text)) : undefined;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      const { peerAddress: address } = request;
      this.#context.refusals.note("bad_connect_request", { address, detail: jsonFaultOf(error) });
      return MALFORMED;
    }
    const { headers } = request;
    return {
      settings: this.#settings,
      accept: (transport) => this.#accept(transport, connect, headers),
    };
  }

  #accept(
    transport: BidiTransport,
    connect: ConnectRequest | undefined,
    headers: OpeningHeaders,
  ): BidiConnection {
    const { protocol } = this.#context;
    const connection = protocol.accept(transport);
    if (connect === undefined) {
      return new UniWebSocketConnection(connection, (message) => {
        transport.dropMessages();
        let request: ConnectRequest;
        try {
          request = protocol.json.parseRequest(message);
        } catch (error) {
          connection.refuseRequest(error);
          return;
        }
        connection.connect(request, headers);
      });
    }
    transport.dropMessages();
    connection.connect(connect, headers);
    return new UniWebSocketConnection(connection, undefined);
  }
}

/** One connection, as its transport sees it. */
class UniWebSocketConnection implements BidiConnection {
  readonly #connection: UniConnection;
  /** Takes the connect request; undefined once it has come, with everything that is not to stay in memory. */
  #takeRequest: ((message: Uint8Array) => void) | undefined;

  constructor(connection: UniConnection, takeRequest: ((message: Uint8Array) => void) | undefined) {
    this.#connection = connection;
    this.#takeRequest = takeRequest;
  }

  heard(): void {}

  received(message: Uint8Array): void {
    const take = this.#takeRequest;
    this.#takeRequest = undefined;
    take?.(message);
  }

  closed(): void {
    this.#connection.closed();
  }
}

/** Undefined where a close frame cannot say all of it. */
function closeMessageOf({ code, reason }: Disconnect): CloseMessage | undefined {
  if (!fitsCloseFrame(reason)) return undefined;
  // Codes of the server API may be larger than a close frame can say; the push has said them in full.
  return { message: NO_MESSAGE, code: code & 0xffff, reason };
}
