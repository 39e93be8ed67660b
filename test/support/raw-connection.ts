import { connect, type Socket } from "node:net";
import { Signal } from "./signal.ts";

/** How the client's end behaves. */
export interface RawConnectionOptions {
  /** Keeps the client's half open when the server ends its own. */
  readonly allowHalfOpen?: boolean;
}

/** A TCP client that shows every byte. */
export class RawConnection implements Disposable {
  readonly socket: Socket;
  readonly #signal = new Signal();
  readonly #reads: Buffer[] = [];
  #byteLength = 0;
  #ended = false;
  #closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#reads.push(bytes);
      this.#byteLength += bytes.length;
      this.#signal.notify();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#signal.notify();
    });
    // A reset shows as the end of the connection, which is what tests look at.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#ended = true;
      this.#closed = true;
      this.#signal.notify();
    });
  }

  static open(port: number, options: RawConnectionOptions = {}): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true, ...options });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  /** Everything received so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.#reads);
  }

  get text(): string {
    return this.bytes.toString();
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** How often bytes arrived: what the server writes at once, loopback hands over at once. */
  get readCount(): number {
    return this.#reads.length;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Resolves with all text received once it includes the expected one, or makes the condition true. */
  async until(expected: string | ((text: string) => boolean)): Promise<string> {
    const isMet = (): boolean =>
      typeof expected === "string" ? this.text.includes(expected) : expected(this.text);
    await this.#signal.until(
      isMet,
      typeof expected === "string" ? JSON.stringify(expected) : "expected text",
    );
    return this.text;
  }

  /** Resolves once at least so many bytes have been received. */
  async untilBytes(count: number): Promise<void> {
    await this.#signal.until(() => this.#byteLength >= count, `${count} bytes`);
  }

  /** Resolves with all text received once the server has ended its half, or all of the connection. */
  async untilEnd(limitMs?: number): Promise<string> {
    await this.#signal.until(() => this.#ended, "end of the connection", limitMs);
    return this.text;
  }

  /** Resolves once nothing is left of the connection. */
  async untilClosed(limitMs?: number): Promise<void> {
    await this.#signal.until(() => this.#closed, "close of the connection", limitMs);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** A response as it stood on the wire. */
export interface RawResponse {
  readonly statusLine: string;
  /** Names as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Everything behind the blank line. */
  readonly body: string;
}

/** Takes the text of a response apart. Throws when its head is not complete. */
export function parseResponse(text: string): RawResponse {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) throw new Error(`incomplete head: ${text}`);
  const [statusLine = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  return { statusLine, headers, body: text.slice(headEnd + 4) };
}

/** The headers of a response as lines, in alphabetical order. */
export function headerLines({ headers }: RawResponse): string[] {
  return headers.map(([name, value]) => `${name}: ${value}`).toSorted();
}

/** A body in chunks (RFC 9112 §7.1). */
export interface ChunkedBody {
  readonly chunks: readonly string[];
  /** Whether the last chunk has come. */
  readonly isComplete: boolean;
  /** What stands behind the body. */
  readonly rest: string;
}

/** Takes a chunked body of ASCII text apart; throws where its framing is wrong. An unfinished chunk is rest. */
export function parseChunks(body: string): ChunkedBody {
  const chunks: string[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf("\r\n", at);
    if (lineEnd < 0) return { chunks, isComplete: false, rest: body.slice(at) };
    const sizeText = body.slice(at, lineEnd);
    if (!/^[0-9a-f]+$/iu.test(sizeText)) throw new Error(`bad chunk size ${JSON.stringify(sizeText)}`);
    const size = Number.parseInt(sizeText, 16);
    const end = lineEnd + 2 + size;
    if (body.length < end + 2) return { chunks, isComplete: false, rest: body.slice(at) };
    if (body.slice(end, end + 2) !== "\r\n") throw new Error("chunk does not end where it says");
    if (size === 0) return { chunks, isComplete: true, rest: body.slice(end + 2) };
    chunks.push(body.slice(lineEnd + 2, end));
    at = end + 2;
  }
}

/** Headers with which a client asks for a WebSocket. */
export const WEBSOCKET_HANDSHAKE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
} as const;

/** An HTTP/1.1 request as text, complete with a length if it has a body. */
export function httpRequest(
  method: string,
  path: string,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string } = {},
): string {
  const { headers = {}, body } = options;
  const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  const lines = Object.entries({ Host: "localhost", ...length, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`;
}
