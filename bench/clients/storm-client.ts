import { connect, type Socket } from "node:net";
import { LOOPBACK } from "../wire/transport.ts";

/** All clients read into the same memory, one after the other. */
const readBuffer = Buffer.alloc(256 * 1024);

const HEAD_END = "\r\n\r\n";
const LENGTH_IN_TWO_BYTES = 126;
const LENGTH_IN_EIGHT_BYTES = 127;

/** A WebSocket that wants nothing but the server's first message. */
export class StormClient {
  readonly #socket: Socket;
  readonly #answer = Promise.withResolvers<string>();
  #heard: Buffer = Buffer.alloc(0);

  constructor(port: number, opening: Buffer) {
    this.#socket = connect({
      host: LOOPBACK,
      port,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (length, bytes) => this.#read(bytes.subarray(0, length)) },
    });
    this.#socket.on("error", (error) => this.#answer.reject(error));
    this.#socket.once("close", () =>
      this.#answer.reject(new Error(`closed after ${this.#heard.byteLength} bytes`)),
    );
    this.#socket.write(opening);
  }

  /** The text of the server's first message. */
  get answer(): Promise<string> {
    return this.#answer.promise;
  }

  /** Ends with a reset: ten thousand connections in TIME_WAIT would be in the next one's way. */
  close(): void {
    this.#socket.resetAndDestroy();
  }

  #read(bytes: Uint8Array): boolean {
    this.#heard = Buffer.concat([this.#heard, bytes]);
    const text = firstMessage(this.#heard);
    if (text !== undefined) this.#answer.resolve(text);
    return true;
  }
}

/** The first text after the handshake, once it is all there (RFC 6455 §5.2). */
function firstMessage(heard: Buffer): string | undefined {
  const headEnd = heard.indexOf(HEAD_END);
  if (headEnd < 0 || heard.byteLength < headEnd + HEAD_END.length + 2) return undefined;
  if (!heard.toString("latin1", 0, 12).startsWith("HTTP/1.1 101")) return heard.toString("latin1");
  const at = headEnd + HEAD_END.length;
  const short = heard[at + 1] ?? 0;
  const lengthBytes = short === LENGTH_IN_TWO_BYTES ? 2 : short === LENGTH_IN_EIGHT_BYTES ? 8 : 0;
  const start = at + 2 + lengthBytes;
  if (heard.byteLength < start) return undefined;
  // Eight bytes of length begin with two that are 0 here.
  const length =
    lengthBytes === 0 ? short : heard.readUIntBE(start - Math.min(lengthBytes, 6), Math.min(lengthBytes, 6));
  return heard.byteLength < start + length ? undefined : heard.toString("utf8", start, start + length);
}
