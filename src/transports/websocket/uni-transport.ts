import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Disconnect } from "../../core/disconnect.ts";
import type { Farewell } from "../../core/socket-protocol.ts";
import type { DeltaFormats, WireFormats } from "../../core/wire-format.ts";
import { fitsCloseFrame, WebSocketTransport, type WebSocketTransportOptions } from "./transport.ts";

/** What all connections of the unidirectional endpoint share. Times in milliseconds. */
export interface UniWebSocketTransportOptions extends WebSocketTransportOptions {
  /** Application pings; 0 or less for none. */
  readonly pingIntervalMs: number;
  /** PING frames, and how long each may stay unanswered. Both above 0. */
  readonly heartbeatIntervalMs: number;
  readonly pongTimeoutMs: number;
  readonly sendsDisconnectPush: boolean;
  /** False ends connections without a close frame. */
  readonly closingHandshake: boolean;
}

/** The disconnect push has said everything before the close frame. */
const NO_MESSAGE = new Uint8Array(0);

/** A WebSocket of the unidirectional protocol: the server sees to it that its client is alive. */
export class UniWebSocketTransport extends WebSocketTransport {
  readonly name = "uni_websocket";
  readonly deltaFormats: DeltaFormats | undefined;
  readonly #options: UniWebSocketTransportOptions;
  /** Whole milliseconds of the monotonic clock; 0 where no PONG is awaited. */
  #pingedAtMs = 0;
  #latencyMs = -1;

  constructor(
    webSocket: WebSocket,
    socket: Socket,
    formats: WireFormats,
    options: UniWebSocketTransportOptions,
  ) {
    super(webSocket, socket, formats.plain, options);
    this.deltaFormats = formats.delta;
    this.#options = options;
    webSocket.on("pong", () => this.#pongReceived());
    options.wheel.schedule(this, options.heartbeatIntervalMs);
  }

  get pingIntervalMs(): number {
    return this.#options.pingIntervalMs;
  }

  get sendsDisconnectPush(): boolean {
    return this.#options.sendsDisconnectPush;
  }

  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** Heartbeat: a PING each interval; the connection is cut when its PONG does not come in time. */
  override onDue(): void {
    if (this.#pingedAtMs > 0) {
      this.webSocket.terminate();
      return;
    }
    this.#pingedAtMs = Math.ceil(performance.now());
    this.webSocket.ping();
    this.#options.wheel.schedule(this, this.#options.pongTimeoutMs);
  }

  protected override farewell({ code, reason }: Disconnect): Farewell | undefined {
    const hasFrame = this.#options.closingHandshake && code >= 3000 && code <= 4999 && fitsCloseFrame(reason);
    return hasFrame ? { message: NO_MESSAGE, code, reason } : undefined;
  }

  #pongReceived(): void {
    if (this.#pingedAtMs === 0) return;
    // JSON leaves 0 out, and then it could not be told from what is not known.
    this.#latencyMs = Math.max(1, Math.round(performance.now() - this.#pingedAtMs));
    this.#pingedAtMs = 0;
    this.#options.wheel.schedule(this, this.#options.heartbeatIntervalMs);
  }
}
