import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import type { Framer } from "../core/wire-format.ts";

/** How body bytes must be framed for a response: HTTP/1.1 chunks made by us, or nothing. */
export type BodyFraming = "chunked" | "plain";

/**
 * A response whose body goes on until somebody ends it.
 *
 * Over HTTP/1.1 its bytes are chunks already and go to the socket as they are, bypassing `response.write`;
 * Node stays in charge of head and end. Otherwise (HTTP/2, HTTP/1.0, a pipelined request that has no socket
 * yet) Node frames what we write.
 */
export class ResponseStream {
  readonly framing: BodyFraming;
  readonly #response: ServerResponse;
  readonly #framingHeaders: OutgoingHttpHeaders;
  /** Where our own chunks go; undefined where Node frames. */
  readonly #chunkSocket: Socket | undefined;
  #started = false;
  #ended = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#response = response;
    this.#chunkSocket = request.httpVersion === "1.1" ? (response.socket ?? undefined) : undefined;
    const ownChunks = this.#chunkSocket !== undefined;
    this.framing = ownChunks ? "chunked" : "plain";
    // HTTP/2 forbids both headers, and Node knows what to tell who wants the connection to end.
    this.#framingHeaders = {
      ...(keepsConnection(request) ? { Connection: "keep-alive" } : {}),
      ...(ownChunks ? { "Transfer-Encoding": "chunked" } : {}),
    };
  }

  /** Whether status and headers have been sent. */
  get started(): boolean {
    return this.#started;
  }

  /** Bytes written that the operating system has not taken. */
  get bufferedBytes(): number {
    // A pipelined response has no socket before its turn, and keeps what is written.
    return (this.#sink ?? this.#response).writableLength;
  }

  /** Where bytes go: the socket, or the HTTP/2 stream. Undefined once the client is gone. */
  get socket(): Writable | undefined {
    return this.#sink;
  }

  /** Sends status and headers. */
  start(status: number, headers: OutgoingHttpHeaders): void {
    if (this.#started || this.#response.destroyed) return;
    this.#started = true;
    this.#response.writeHead(status, { ...headers, ...this.#framingHeaders });
    this.#response.flushHeaders();
  }

  /** Writes bytes that carry the stream's framing. */
  write(bytes: Uint8Array): void {
    if (this.#ended) return;
    const socket = this.#chunkSocket;
    if (socket === undefined) this.#writeThroughNode(bytes);
    else if (!socket.destroyed) socket.write(bytes);
  }

  /** Writes bytes that are not framed yet. */
  writeUnframed(bytes: Uint8Array): void {
    this.write(frameBody(bytes, this.framing));
  }

  /** Ends the body after everything written. */
  end(): void {
    this.#ended = true;
    if (!this.#response.writableEnded) this.#response.end();
  }

  /** Ends the connection at once; what is queued is dropped. */
  abort(): void {
    this.#ended = true;
    const stream = http2Stream(this.#response);
    if (stream === undefined) this.#response.destroy();
    else stream.destroy();
  }

  #writeThroughNode(bytes: Uint8Array): void {
    if (!this.#response.destroyed && !this.#response.writableEnded) this.#response.write(bytes);
  }

  get #sink(): Writable | undefined {
    return this.#chunkSocket ?? http2Stream(this.#response) ?? this.#response.socket ?? undefined;
  }
}

/** Whether a client takes it that its connection goes on after the response (RFC 9112 §9.3). */
function keepsConnection({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion === "1.1" && !/\bclose\b/iu.test(headers.connection ?? "");
}

/** The stream behind Node's HTTP/2 compatibility response; undefined for HTTP/1. */
function http2Stream(response: ServerResponse): ServerHttp2Stream | undefined {
  return "stream" in response ? (response.stream as ServerHttp2Stream | undefined) : undefined;
}

const CRLF = Buffer.from("\r\n");

/** Puts each message of a framer into an HTTP/1.1 chunk of its own. */
export function chunkedFramer(inner: Framer): Framer {
  return {
    id: `${inner.id}+chunked`,
    frame: (message) => chunk(inner.frame(message)),
    join: (frames) => Buffer.concat(frames),
  };
}

/** Bytes as the framing of a body wants them. */
export function frameBody(bytes: Uint8Array, framing: BodyFraming): Uint8Array {
  return framing === "chunked" ? chunk(bytes) : bytes;
}

/** One chunk of an HTTP/1.1 body (RFC 9112 §7.1). */
function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.byteLength.toString(16)}\r\n`), bytes, CRLF]);
}
