import type { Socket } from "node:net";
import { type Disconnect, disconnect } from "../../core/disconnect.ts";
import type { BidiConnection, BidiSettings, BidiTransport } from "../../core/bidi-protocol.ts";
import type { DeltaFormats, WireFormat, WireFormats } from "../../core/wire-format.ts";
import { StallGuard } from "../../lib/stall-guard.ts";
import { type TimerWheel, WheelTimer } from "../../lib/timer-wheel.ts";
import { closeFrame, isEmptyPong, PING_FRAME, pongFrame } from "./control-frames.ts";
import type { FrameReader, FrameReaders, FrameSink } from "./frame-reader.ts";

/** What all connections of an endpoint share. Times in milliseconds. */
export interface WebSocketTransportOptions {
  /** Name as the Connections API sees it. */
  readonly name: string;
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
 * message: an idle one consists of its socket and this object. It is its own timer, for the heartbeat where there is
 * one, and in the end for the client's side of the closing handshake.
 */
export class WebSocketTransport extends WheelTimer implements BidiTransport, FrameSink {
  readonly format: WireFormat;
  readonly deltaFormats: DeltaFormats | undefined;
  readonly #socket: Socket;
  readonly #settings: BidiSettings;
  readonly #options: WebSocketTransportOptions;
  #connection: BidiConnection | undefined;
  /**
   * `open`; `closing` once the close frame has been sent and the client's is awaited; `ended` once nothing is read and
   * written any more.
   */
  #state: "open" | "closing" | "ended" = "open";
  #reader: FrameReader | undefined;
  #unsentPongs = 0;
  #stallGuard: StallGuard | undefined;
  /** Whole milliseconds of the monotonic clock; 0 where the heartbeat awaits no PONG. */
  #pingedAtMs = 0;
  #latencyMs = -1;

  /** `reader` where the connection needs one of its own. */
  constructor(
    socket: Socket,
    { plain, delta }: WireFormats,
    settings: BidiSettings,
    options: WebSocketTransportOptions,
    reader: FrameReader | undefined,
  ) {
    super();
    this.#socket = socket;
    this.format = plain;
    this.deltaFormats = delta;
    this.#settings = settings;
    this.#options = options;
    this.#reader = reader;
    reader?.startFor(this);
    if (settings.heartbeat !== undefined) options.wheel.schedule(this, settings.heartbeat.intervalMs);
  }

  get name(): string {
    return this.#options.name;
  }

  get protocol(): "json" | "protobuf" {
    return this.#settings.encoding.label;
  }

  get pingIntervalMs(): number {
    return this.#settings.pingIntervalMs;
  }

  get sendsDisconnectPush(): boolean {
    return this.#settings.sendsDisconnectPush;
  }

  get latencyMs(): number {
    return this.#latencyMs;
  }

  get eventIds(): undefined {
    return undefined;
  }

  get peerAddress(): string {
    return this.#socket.remoteAddress ?? "";
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Begins to read: `head` and what follows. The connection is told when the client is gone. */
  bind(connection: BidiConnection, head: Buffer): void {
    this.#connection = connection;
    const socket: WebSocketSocket = this.#socket;
    socket[TRANSPORT] = this;
    socket.setTimeout(0).setNoDelay(true);
    // A client that ends its side is gone; Node's HTTP server has it otherwise.
    socket.allowHalfOpen = false;
    if (head.length > 0) socket.unshift(head);
    socket.on("error", ignore).on("close", onSocketClose).on("data", onSocketData);
  }

  write(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength > 0) this.#guard().wrote(bytes.byteLength);
  }

  refuse(): boolean {
    return false;
  }

  close(reason: Disconnect): void {
    if (this.#state !== "open") return;
    const last = this.#settings.closeMessage(reason);
    if (last === undefined) {
      this.#state = "ended";
      this.#options.wheel.schedule(this, CLOSE_TIMEOUT_MS);
      // Not `end`, which would keep the connection for as long as the client keeps its half.
      this.#socket.destroySoon();
      return;
    }
    if (last.message.byteLength > 0) this.write(this.format.frame(last.message));
    this.#socket.write(closeFrame(last.code, last.reason));
    this.#state = "closing";
    this.#options.wheel.schedule(this, CLOSE_TIMEOUT_MS);
  }

  abort(reason: Disconnect): void {
    // A close frame can still be told apart only if nothing half-sent stands before it.
    if (this.#socket.writableLength === 0) this.close(reason);
    else this.#cut();
  }

  ping(): void {
    if (this.#state === "open") this.#socket.write(PING_FRAME);
  }

  dropMessages(): void {
    this.#reader?.stopInflating();
  }

  /**
   * Heartbeat: a PING each interval; the connection is cut when its PONG does not come in time, and when the client
   * does not close its side in time.
   */
  override onDue(): void {
    const { heartbeat } = this.#settings;
    if (this.#state !== "open" || heartbeat === undefined || this.#pingedAtMs > 0) return this.#cut();
    this.#pingedAtMs = Math.ceil(performance.now());
    this.ping();
    this.#options.wheel.schedule(this, heartbeat.timeoutMs);
  }

  onMessage(message: Buffer): void {
    if (this.#state === "open") this.#connection?.received(message);
  }

  onPing(payload: Buffer): void {
    if (this.#state !== "open") return;
    this.#unsentPongs = this.#socket.writableLength === 0 ? 1 : this.#unsentPongs + 1;
    if (this.#unsentPongs > MAX_UNSENT_PONGS) this.#cut();
    else this.#socket.write(pongFrame(payload));
  }

  /** Matters to the heartbeat only; that something has come has been told. */
  onPong(): void {
    const { heartbeat } = this.#settings;
    if (this.#pingedAtMs === 0 || this.#state !== "open" || heartbeat === undefined) return;
    // JSON leaves 0 out, and then it could not be told from what is not known.
    this.#latencyMs = Math.max(1, Math.round(performance.now() - this.#pingedAtMs));
    this.#pingedAtMs = 0;
    this.#options.wheel.schedule(this, heartbeat.intervalMs);
  }

  onCloseFrame(code: number): void {
    this.#endWith(code);
  }

  onViolation(code: number): void {
    this.#endWith(code);
  }

  onDrain(): void {
    this.#socket.resume();
  }

  /** Reads what has come. */
  receive(bytes: Buffer): void {
    if (this.#state === "ended") return;
    this.#connection?.heard();
    if (this.#reader === undefined && isEmptyPong(bytes)) return this.onPong();
    const { readers } = this.#options;
    const reader = this.#reader ?? readers.take(this);
    const isReady = reader.read(bytes);
    this.#reader = readers.takeBack(reader) ? undefined : reader;
    if (!isReady) this.#socket.pause();
  }

  /** The connection is no more. */
  gone(): void {
    this.#state = "ended";
    this.#options.wheel.cancel(this);
    this.#stallGuard?.stop();
    this.#reader?.close();
    this.#release();
  }

  /** Ends the connection at once. */
  #cut(): void {
    this.#state = "ended";
    this.#socket.destroy();
  }

  /** Answers the end that the client has begun, or caused. */
  #endWith(code: number): void {
    if (this.#state === "open") this.#socket.write(closeFrame(code));
    this.#end();
  }

  /** Ends the connection when everything has been sent and the client has ended its side; for its session it is over. */
  #end(): void {
    this.#state = "ended";
    this.#socket.end();
    this.#options.wheel.schedule(this, CLOSE_TIMEOUT_MS);
    this.#release();
  }

  /** Lets go of the conversation, whose client is gone. */
  #release(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.closed();
  }

  #guard(): StallGuard {
    this.#stallGuard ??= new StallGuard(this.#socket, this.#options.wheel, this.#options.writeTimeoutMs, () =>
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
