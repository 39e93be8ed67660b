import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { type Disconnect, disconnect } from "../../core/disconnect.ts";
import type { Farewell } from "../../core/socket-protocol.ts";
import type { Transport } from "../../core/transport.ts";
import type { DeltaFormats, WireFormat } from "../../core/wire-format.ts";
import { StallGuard } from "../../lib/stall-guard.ts";
import { type TimerWheel, WheelTimer } from "../../lib/timer-wheel.ts";

/** What all connections of an endpoint share. Times in milliseconds. */
export interface WebSocketTransportOptions {
  readonly wheel: TimerWheel;
  /** How long the network may take nothing of what waits; 0 or less for any time. */
  readonly writeTimeoutMs: number;
}

/** Reasons of close frames take at most this many bytes (RFC 6455 §5.5). */
const MAX_REASON_BYTES = 123;

/**
 * One WebSocket.
 *
 * `ws` is in charge of handshake, reading, control frames and close; pushes are framed already and go
 * straight to the socket. Both write whole frames, so they never interleave. The transport is its own timer
 * for what its endpoint wants to be done from time to time.
 */
export abstract class WebSocketTransport extends WheelTimer implements Transport {
  abstract readonly name: string;
  readonly protocol = "json";
  readonly format: WireFormat;
  abstract readonly deltaFormats: DeltaFormats | undefined;
  readonly resumeMarks = undefined;
  abstract readonly pingIntervalMs: number;
  abstract readonly sendsDisconnectPush: boolean;
  abstract readonly latencyMs: number;
  protected readonly webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #options: WebSocketTransportOptions;
  #stallGuard: StallGuard | undefined;
  #closed = false;

  constructor(webSocket: WebSocket, socket: Socket, format: WireFormat, options: WebSocketTransportOptions) {
    super();
    this.format = format;
    this.webSocket = webSocket;
    this.#socket = socket;
    this.#options = options;
  }

  /** What the client is told at the end; undefined cuts the connection without a close frame. */
  protected abstract farewell(reason: Disconnect): Farewell | undefined;

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Whether the end has begun from this side. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Has the connection told when the client is gone. */
  bind(connection: { closed(): void }): void {
    // `ws` answers protocol errors with the right close code itself; the close event follows.
    this.webSocket.on("error", () => undefined);
    this.webSocket.on("close", () => {
      this.#stopTimers();
      connection.closed();
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.webSocket.readyState !== this.webSocket.OPEN) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength > 0) this.#guard().wrote(bytes.byteLength);
  }

  refuse(): boolean {
    return false;
  }

  close(reason: Disconnect): void {
    if (this.#closed) return;
    const farewell = this.farewell(reason);
    if (farewell !== undefined && farewell.message.byteLength > 0) {
      this.write(this.format.frame(farewell.message));
    }
    this.#closed = true;
    this.#options.wheel.cancel(this);
    // Not `end`, which would keep the connection for as long as the client keeps its half.
    if (farewell === undefined) this.#socket.destroySoon();
    else this.webSocket.close(farewell.code, cutReason(farewell.reason));
  }

  abort(reason: Disconnect): void {
    // A close frame can still be told apart only if nothing half-sent stands before it.
    if (this.#socket.writableLength === 0) return this.close(reason);
    this.#closed = true;
    this.webSocket.terminate();
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

/** Whether a close frame can carry all of a reason. */
export function fitsCloseFrame(reason: string): boolean {
  return Buffer.byteLength(reason) <= MAX_REASON_BYTES;
}

/** As much of a reason as a close frame can carry; characters stay whole. */
function cutReason(reason: string): string {
  if (fitsCloseFrame(reason)) return reason;
  const bytes = Buffer.from(reason);
  let end = MAX_REASON_BYTES;
  while (isContinuation(bytes[end])) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/** Whether a byte of UTF-8 is not the first of its character. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
