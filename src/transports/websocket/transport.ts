import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { type Disconnect, disconnect } from "../../core/disconnect.ts";
import type { Transport } from "../../core/transport.ts";
import type { UniConnection } from "../../core/uni-protocol.ts";
import type { DeltaFormats, WireFormat, WireFormats } from "../../core/wire-format.ts";
import { StallGuard } from "../../lib/stall-guard.ts";
import { type TimerWheel, WheelTimer } from "../../lib/timer-wheel.ts";

/** What all connections of the endpoint share. Times in milliseconds. */
export interface WebSocketTransportOptions {
  readonly wheel: TimerWheel;
  /** Application pings; 0 or less for none. */
  readonly pingIntervalMs: number;
  /** PING frames, and how long each may stay unanswered. Both above 0. */
  readonly heartbeatIntervalMs: number;
  readonly pongTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly sendsDisconnectPush: boolean;
  /** False ends connections without a close frame. */
  readonly closingHandshake: boolean;
}

/** Reasons of close frames take at most this many bytes (RFC 6455 §5.5). */
const MAX_REASON_BYTES = 123;

/**
 * One WebSocket.
 *
 * `ws` is in charge of handshake, reading, control frames and close; pushes are framed already and go
 * straight to the socket. Both write whole frames, so they never interleave. The transport is its own timer
 * for the heartbeat.
 */
export class WebSocketTransport extends WheelTimer implements Transport {
  readonly name = "uni_websocket";
  readonly protocol = "json";
  readonly format: WireFormat;
  readonly deltaFormats: DeltaFormats | undefined;
  readonly resumeMarks = undefined;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #options: WebSocketTransportOptions;
  #stallGuard: StallGuard | undefined;
  /** Whole milliseconds of the monotonic clock; 0 where no PONG is awaited. */
  #pingedAtMs = 0;
  #latencyMs = -1;
  #closed = false;

  constructor(
    webSocket: WebSocket,
    socket: Socket,
    formats: WireFormats,
    options: WebSocketTransportOptions,
  ) {
    super();
    this.format = formats.plain;
    this.deltaFormats = formats.delta;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#options = options;
    options.wheel.schedule(this, options.heartbeatIntervalMs);
  }

  get pingIntervalMs(): number {
    return this.#options.pingIntervalMs;
  }

  get sendsDisconnectPush(): boolean {
    return this.#options.sendsDisconnectPush;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** Has the connection told when the client is gone, and listens to the client's pongs. */
  bind(connection: UniConnection): void {
    this.#webSocket.on("pong", () => this.#pongReceived());
    // `ws` answers protocol errors with the right close code itself; the close event follows.
    this.#webSocket.on("error", () => undefined);
    this.#webSocket.on("close", () => {
      this.#stopTimers();
      connection.closed();
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength > 0) this.#guard().wrote(bytes.byteLength);
  }

  refuse(): boolean {
    return false;
  }

  close(reason: Disconnect): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.wheel.cancel(this);
    // Not `end`, which would keep the connection for as long as the client keeps its half.
    if (!this.#options.closingHandshake || !isValidClose(reason)) this.#socket.destroySoon();
    else this.#webSocket.close(reason.code, reason.reason);
  }

  abort(reason: Disconnect): void {
    // A close frame can still be told apart only if nothing half-sent stands before it.
    if (this.#socket.writableLength === 0) return this.close(reason);
    this.#closed = true;
    this.#webSocket.terminate();
  }

  /** Heartbeat: a PING each interval; the connection is cut when its PONG does not come in time. */
  override onDue(): void {
    if (this.#pingedAtMs > 0) {
      this.#webSocket.terminate();
      return;
    }
    this.#pingedAtMs = Math.ceil(performance.now());
    this.#webSocket.ping();
    this.#options.wheel.schedule(this, this.#options.pongTimeoutMs);
  }

  #pongReceived(): void {
    if (this.#pingedAtMs === 0) return;
    // JSON leaves 0 out, and then it could not be told from what is not known.
    this.#latencyMs = Math.max(1, Math.round(performance.now() - this.#pingedAtMs));
    this.#pingedAtMs = 0;
    this.#options.wheel.schedule(this, this.#options.heartbeatIntervalMs);
  }

  #guard(): StallGuard {
    const { wheel, writeTimeoutMs } = this.#options;
    this.#stallGuard ??= new StallGuard(this.#socket, wheel, writeTimeoutMs, () =>
      this.abort(disconnect("writeError")),
    );
    return this.#stallGuard;
  }

  #stopTimers(): void {
    this.#closed = true;
    this.#options.wheel.cancel(this);
    this.#stallGuard?.stop();
  }
}

/** Whether a close frame can carry the code and reason. */
function isValidClose({ code, reason }: Disconnect): boolean {
  return code >= 3000 && code <= 4999 && Buffer.byteLength(reason) <= MAX_REASON_BYTES;
}
