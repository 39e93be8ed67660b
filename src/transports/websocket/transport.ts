import type { Socket } from "node:net";
import { type Disconnect, disconnect } from "../../core/disconnect.ts";
import type { Farewell } from "../../core/socket-protocol.ts";
import type { Transport } from "../../core/transport.ts";
import type { DeltaFormats, WireFormat } from "../../core/wire-format.ts";
import { StallGuard } from "../../lib/stall-guard.ts";
import { type TimerWheel, WheelTimer } from "../../lib/timer-wheel.ts";
import { closeFrame, isEmptyPong, pongFrame } from "./control-frames.ts";
import type { FrameReader, FrameReaders, FrameSink } from "./frame-reader.ts";

/** What all connections of an endpoint share. Times in milliseconds. */
export interface WebSocketTransportOptions {
  readonly wheel: TimerWheel;
  readonly readers: FrameReaders;
  /** How long the network may take nothing of what waits; 0 or less for any time. */
  readonly writeTimeoutMs: number;
}

/** How long the client may take over its side of the closing handshake. */
const CLOSE_TIMEOUT_MS = 5000;
/** A client that sends so many PINGs and reads none of the answers is cut. */
const MAX_UNSENT_PONGS = 60;
/** Leads from a socket to its transport: listeners are the same for all connections. */
const TRANSPORT = Symbol("transport");

/** A socket with its transport. */
interface WebSocketSocket extends Socket {
  [TRANSPORT]?: WebSocketTransport;
}

/**
 * One WebSocket, after its handshake.
 *
 * Pushes are framed already and go straight to the socket, as whole frames, so control frames may stand
 * between them. Reading is for the parser of `ws`, which the connection has only while it is in the middle of a
 * message: an idle one consists of its socket and this object. It is its own timer, for what its endpoint
 * wants to be done from time to time, and in the end for the client's side of the closing handshake.
 */
export abstract class WebSocketTransport<Connection extends { closed(): void } = { closed(): void }>
  extends WheelTimer
  implements Transport, FrameSink
{
  abstract readonly name: string;
  readonly format: WireFormat;
  abstract readonly deltaFormats: DeltaFormats | undefined;
  abstract readonly pingIntervalMs: number;
  abstract readonly sendsDisconnectPush: boolean;
  abstract readonly latencyMs: number;
  protected readonly socket: Socket;
  protected readonly wheel: TimerWheel;
  protected connection: Connection | undefined;
  readonly #options: WebSocketTransportOptions;
  /**
   * `open`; `closing` once the close frame has been sent and the client's is awaited; `ended` once nothing is read and
   * written any more.
   */
  #state: "open" | "closing" | "ended" = "open";
  #reader: FrameReader | undefined;
  #unsentPongs = 0;
  #stallGuard: StallGuard | undefined;

  /** `reader` where the connection needs one of its own. */
  constructor(socket: Socket, format: WireFormat, options: WebSocketTransportOptions, reader?: FrameReader) {
    super();
    this.socket = socket;
    this.format = format;
    this.wheel = options.wheel;
    this.#options = options;
    this.#reader = reader;
    reader?.startFor(this);
  }

  /** A whole message of the client. */
  abstract onMessage(message: Buffer): void;

  /** The client has answered a PING. */
  abstract onPong(): void;

  /** What the client is told at the end; undefined cuts the connection without a close frame. */
  protected abstract farewell(reason: Disconnect): Farewell | undefined;

  get protocol(): "json" {
    return "json";
  }

  get eventIds(): undefined {
    return undefined;
  }

  get peerAddress(): string {
    return this.socket.remoteAddress ?? "";
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  /** Whether the end has not begun, from neither side. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Begins to read: `head` and what follows. The connection is told when the client is gone. */
  bind(connection: Connection, head: Buffer): void {
    this.connection = connection;
    const socket: WebSocketSocket = this.socket;
    socket[TRANSPORT] = this;
    socket.setTimeout(0).setNoDelay(true);
    // A client that ends its side is gone; Node's HTTP server has it otherwise.
    socket.allowHalfOpen = false;
    if (head.length > 0) socket.unshift(head);
    socket.on("error", ignore).on("close", onSocketClose).on("data", onSocketData);
  }

  write(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    this.socket.write(bytes);
    if (this.socket.writableLength > 0) this.#guard().wrote(bytes.byteLength);
  }

  refuse(): boolean {
    return false;
  }

  close(reason: Disconnect): void {
    if (this.#state !== "open") return;
    const farewell = this.farewell(reason);
    if (farewell === undefined) {
      this.#state = "ended";
      this.wheel.schedule(this, CLOSE_TIMEOUT_MS);
      // Not `end`, which would keep the connection for as long as the client keeps its half.
      this.socket.destroySoon();
      return;
    }
    if (farewell.message.byteLength > 0) this.write(this.format.frame(farewell.message));
    this.socket.write(closeFrame(farewell.code, farewell.reason));
    this.#state = "closing";
    this.wheel.schedule(this, CLOSE_TIMEOUT_MS);
  }

  abort(reason: Disconnect): void {
    // A close frame can still be told apart only if nothing half-sent stands before it.
    if (this.socket.writableLength === 0) this.close(reason);
    else this.cut();
  }

  /** The client has not closed its side in time. */
  override onDue(): void {
    this.cut();
  }

  onPing(payload: Buffer): void {
    if (this.#state !== "open") return;
    this.#unsentPongs = this.socket.writableLength === 0 ? 1 : this.#unsentPongs + 1;
    if (this.#unsentPongs > MAX_UNSENT_PONGS) this.cut();
    else this.socket.write(pongFrame(payload));
  }

  onCloseFrame(code: number): void {
    this.#endWith(code);
  }

  onViolation(code: number): void {
    this.#endWith(code);
  }

  onDrain(): void {
    this.socket.resume();
  }

  /** Messages of the client are not looked at any more. */
  dropMessages(): void {
    this.#reader?.stopInflating();
  }

  /** Reads what has come. */
  receive(bytes: Buffer): void {
    if (this.#state === "ended") return;
    if (this.#reader === undefined && isEmptyPong(bytes)) return this.onPong();
    const { readers } = this.#options;
    const reader = this.#reader ?? readers.take(this);
    const isReady = reader.read(bytes);
    this.#reader = readers.takeBack(reader) ? undefined : reader;
    if (!isReady) this.socket.pause();
  }

  /** The connection is no more. */
  gone(): void {
    this.#state = "ended";
    this.wheel.cancel(this);
    this.#stallGuard?.stop();
    this.#reader?.close();
    this.#release();
  }

  /** Ends the connection at once. */
  protected cut(): void {
    this.#state = "ended";
    this.socket.destroy();
  }

  /** Answers the end that the client has begun, or caused. */
  #endWith(code: number): void {
    if (this.#state === "open") this.socket.write(closeFrame(code));
    this.#end();
  }

  /** Ends the connection when everything has been sent and the client has ended its side; for its session it is over. */
  #end(): void {
    this.#state = "ended";
    this.socket.end();
    this.wheel.schedule(this, CLOSE_TIMEOUT_MS);
    this.#release();
  }

  /** Lets go of the conversation, whose client is gone. */
  #release(): void {
    const { connection } = this;
    this.connection = undefined;
    connection?.closed();
  }

  #guard(): StallGuard {
    this.#stallGuard ??= new StallGuard(this.socket, this.wheel, this.#options.writeTimeoutMs, () =>
      this.abort(disconnect("writeError")),
    );
    return this.#stallGuard;
  }
}

function onSocketData(this: WebSocketSocket, bytes: Buffer): void {
  this[TRANSPORT]?.receive(bytes);
}

function onSocketClose(this: WebSocketSocket): void {
  this[TRANSPORT]?.gone();
}

/** The close event that follows says everything. */
function ignore(): void {}
