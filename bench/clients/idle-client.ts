import { connect, type Socket } from "node:net";
import { OPENING_MARK, openingOf } from "../wire/opening.ts";
import { LOOPBACK } from "../wire/transport.ts";

const OPENING_TIMEOUT_MS = 60_000;

/** All clients read into the same memory, one after the other. */
const readBuffer = Buffer.alloc(64 * 1024);

const PING_OPCODE = 0x9;
/** A PONG without payload, masked as a client's frames must be (RFC 6455 §5.1). */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

/** A WebSocket that subscribes, answers PING frames and does nothing else. */
export class IdleClient {
  readonly #socket: Socket;
  readonly #opened = Promise.withResolvers<void>();
  readonly #tooLate = setTimeout(() => this.#opened.reject(new Error("no subscription")), OPENING_TIMEOUT_MS);
  #opening: Buffer | undefined = Buffer.alloc(0);
  #pings = 0;

  constructor(port: number) {
    this.#socket = connect({
      host: LOOPBACK,
      port,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (length, bytes) => this.#read(bytes.subarray(0, length)) },
    });
    this.#socket.on("error", (error) => this.#opened.reject(error));
    this.#socket.once("close", () => this.#opened.reject(new Error("the server closed the connection")));
    this.#socket.write(openingOf("uni_websocket"));
  }

  /** Resolves once the server has confirmed the subscription. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** PING frames so far. */
  get pings(): number {
    return this.#pings;
  }

  close(): void {
    clearTimeout(this.#tooLate);
    this.#socket.destroy();
  }

  #read(bytes: Uint8Array): boolean {
    if (this.#opening !== undefined) {
      this.#opening = Buffer.concat([this.#opening, bytes]);
      if (!this.#opening.includes(OPENING_MARK)) return true;
      this.#opening = undefined;
      clearTimeout(this.#tooLate);
      this.#opened.resolve();
      return true;
    }
    // Nothing long ever comes, so frames have two bytes of header and are never cut.
    for (let at = 0; at < bytes.length; at += 2 + (bytes[at + 1] ?? 0)) {
      if (((bytes[at] ?? 0) & 0xf) !== PING_OPCODE) continue;
      this.#pings += 1;
      this.#socket.write(PONG);
    }
    return true;
  }
}
