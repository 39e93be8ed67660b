import { connect, type Socket } from "node:net";
import { GrpcMessageCounter } from "../wire/grpc-message-counter.ts";
import {
  FRAME_HEADER_BYTES,
  FrameReader,
  frameType,
  windowUpdate,
  type FrameListener,
} from "../wire/http2.ts";
import { OPENING_MARK, openingOf } from "../wire/opening.ts";
import { LOOPBACK, type TransportName } from "../wire/transport.ts";

/** All subscribers read into the same memory, one after the other. */
const readBuffer = Buffer.alloc(256 * 1024);

const OPENING_TIMEOUT_MS = 20_000;

/** Windows are opened again after so many bytes, long before they are used up. */
const WINDOW_REFILL_BYTES = 2 ** 30;

/** Who keeps count of what a subscriber receives. */
export interface Tally {
  /** The subscriber has received more bytes: on gRPC those of messages, elsewhere all. */
  onBytes(index: number, bytes: number): void;
  onLost(error: Error): void;
}

/** One connection that subscribes, and then counts bytes and does nothing else. */
export class Subscriber {
  readonly #index: number;
  readonly #tally: Tally;
  readonly #socket: Socket;
  readonly #reader: FrameReader | undefined;
  readonly #opened = Promise.withResolvers<void>();
  /** What came before the mark; undefined once it was found. */
  #opening: Buffer | undefined = Buffer.alloc(0);
  readonly #tooLate = setTimeout(() => this.#lost(new Error("no subscription")), OPENING_TIMEOUT_MS);
  #messageBytes = 0;
  #closing = false;

  constructor(transport: TransportName, port: number, index: number, tally: Tally) {
    this.#index = index;
    this.#tally = tally;
    this.#reader = transport === "uni_grpc" ? new FrameReader(this.#frames()) : undefined;
    this.#socket = connect({
      host: LOOPBACK,
      port,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (length, bytes) => this.#read(length, bytes) },
    });
    this.#socket.on("error", (error) => this.#lost(error));
    this.#socket.once("close", () => this.#lost(new Error("the server closed the connection")));
    this.#socket.write(openingOf(transport));
  }

  /** Resolves once the server has confirmed the subscription. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  close(): void {
    this.#closing = true;
    clearTimeout(this.#tooLate);
    this.#socket.destroy();
  }

  #read(length: number, bytes: Uint8Array): boolean {
    if (this.#opening !== undefined) this.#readOpening(bytes.subarray(0, length));
    if (this.#reader === undefined) {
      this.#tally.onBytes(this.#index, length);
    } else {
      this.#messageBytes = 0;
      this.#reader.read(bytes, length);
      if (this.#messageBytes > 0) this.#tally.onBytes(this.#index, this.#messageBytes);
    }
    return true;
  }

  #readOpening(bytes: Uint8Array): void {
    const opening = Buffer.concat([this.#opening ?? Buffer.alloc(0), bytes]);
    const found = opening.includes(OPENING_MARK);
    this.#opening = found ? undefined : opening;
    if (!found) return;
    clearTimeout(this.#tooLate);
    this.#opened.resolve();
  }

  #lost(error: Error): void {
    clearTimeout(this.#tooLate);
    if (this.#closing) return;
    const heard = this.#opening?.toString("latin1").slice(0, 300);
    const reason = heard === undefined ? error : new Error(`${error.message}; the server said: ${heard}`);
    this.#opened.reject(reason);
    this.#tally.onLost(reason);
  }

  #frames(): FrameListener {
    const messages = new GrpcMessageCounter();
    let unacknowledged = 0;
    return {
      onFrame: (type, _flags, streamId, payloadBytes) => {
        if (type === frameType.rstStream || type === frameType.goaway) {
          this.#socket.destroy(new Error(`HTTP/2 frame of type ${type}`));
        }
        if (type !== frameType.data) return;
        unacknowledged += payloadBytes + FRAME_HEADER_BYTES;
        if (unacknowledged < WINDOW_REFILL_BYTES) return;
        this.#socket.write(Buffer.concat([0, streamId].map((id) => windowUpdate(id, unacknowledged))));
        unacknowledged = 0;
      },
      onData: (bytes, start, end) => {
        this.#messageBytes += messages.count(bytes, start, end);
      },
      onReply: (bytes) => this.#socket.write(bytes),
    };
  }
}
