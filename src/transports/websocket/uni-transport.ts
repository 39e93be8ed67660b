import type { Socket } from "node:net";
import type { Disconnect } from "../../core/disconnect.ts";
import type { Farewell } from "../../core/socket-protocol.ts";
import type { ConnectRequest, HeaderReader, UniConnection, UniEncoding } from "../../core/uni-protocol.ts";
import type { DeltaFormats, WireFormats } from "../../core/wire-format.ts";
import { fitsCloseFrame, PING_FRAME } from "./control-frames.ts";
import type { FrameReader } from "./frame-reader.ts";
import { WebSocketTransport, type WebSocketTransportOptions } from "./transport.ts";

/** What all connections of the unidirectional endpoint share. Times in milliseconds. */
export interface UniWebSocketTransportOptions extends WebSocketTransportOptions {
  readonly encoding: UniEncoding;
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
export class UniWebSocketTransport extends WebSocketTransport<UniConnection> {
  readonly #formats: WireFormats;
  readonly #options: UniWebSocketTransportOptions;
  /** Headers of the client's handshake, while the first message is to be the connect request. */
  #header: HeaderReader | undefined;
  /** Whole milliseconds of the monotonic clock; 0 where no PONG is awaited. */
  #pingedAtMs = 0;
  #latencyMs = -1;

  constructor(
    socket: Socket,
    formats: WireFormats,
    options: UniWebSocketTransportOptions,
    reader: FrameReader | undefined,
  ) {
    super(socket, formats.plain, options, reader);
    this.#formats = formats;
    this.#options = options;
    options.wheel.schedule(this, options.heartbeatIntervalMs);
  }

  get name(): string {
    return "uni_websocket";
  }

  get deltaFormats(): DeltaFormats | undefined {
    return this.#formats.delta;
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

  /** Takes the client's first message as its connect request. Later ones are read and dropped. */
  expectRequest(header: HeaderReader): void {
    this.#header = header;
  }

  override onMessage(message: Buffer): void {
    const header = this.#header;
    if (header === undefined || !this.isOpen) return;
    this.#header = undefined;
    this.dropMessages();
    let request: ConnectRequest;
    try {
      request = this.#options.encoding.parseRequest(message);
    } catch (error) {
      this.connection?.refuseRequest(error);
      return;
    }
    this.connection?.connect(request, header);
  }

  override onPong(): void {
    if (this.#pingedAtMs === 0 || !this.isOpen) return;
    // JSON leaves 0 out, and then it could not be told from what is not known.
    this.#latencyMs = Math.max(1, Math.round(performance.now() - this.#pingedAtMs));
    this.#pingedAtMs = 0;
    this.wheel.schedule(this, this.#options.heartbeatIntervalMs);
  }

  /** Heartbeat: a PING each interval; the connection is cut when its PONG does not come in time. */
  override onDue(): void {
    if (!this.isOpen || this.#pingedAtMs > 0) return this.cut();
    this.#pingedAtMs = Math.ceil(performance.now());
    this.socket.write(PING_FRAME);
    this.wheel.schedule(this, this.#options.pongTimeoutMs);
  }

  protected override farewell({ code, reason }: Disconnect): Farewell | undefined {
    if (!this.#options.closingHandshake || !fitsCloseFrame(reason)) return undefined;
    // Codes of the server API may be larger than a close frame can say; the push has said them in full.
    return { message: NO_MESSAGE, code: code & 0xffff, reason };
  }
}
