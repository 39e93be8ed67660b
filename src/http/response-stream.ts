import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import type { Framer } from "../core/wire-format.ts";
import { StallGuard } from "../lib/stall-guard.ts";
import type { TimerWheel } from "../lib/timer-wheel.ts";
import { peerAddressOf } from "./client-address.ts";
import { DetachableResponse, type DetachedSocket, type DetachedSocketUser } from "./detached-socket.ts";

/** How body bytes must be framed for a response: HTTP/1.1 chunks made by us, or nothing. */
export type BodyFraming = "chunked" | "plain";

/** A client has this long to take anything of what was written. */
const WRITE_TIMEOUT_MS = 1000;

/** Who a stream belongs to. */
export interface ResponseStreamOwner {
  readonly wheel: TimerWheel;
  /** Nothing more can be written: the client is gone, or the response has ended. */
  onStreamClosed(): void;
}

/**
 * A response whose body goes on until somebody ends it.
 *
 * Over HTTP/1.1 its bytes are chunks already and go to the socket as they are, bypassing `response.write`; Node
 * stays in charge of the head. Once a push has gone out behind it, the stream takes the connection out of Node's
 * hands where it can (`DetachableResponse`), for request, response and parser are most of what a connection costs.
 * Otherwise (HTTP/2, HTTP/1.0, a pipelined request that has no socket yet) Node frames what we write.
 */
export class ResponseStream implements DetachedSocketUser {
  readonly framing: BodyFraming;
  readonly #owner: ResponseStreamOwner;
  /** Whether the client takes it that the connection goes on after the response. */
  readonly #keepsConnection: boolean;
  /** Undefined once the connection is detached. */
  #response: ServerResponse | undefined;
  /** Where our own chunks go; undefined where Node frames. */
  #chunkSocket: Socket | undefined;
  #detached: DetachedSocket | undefined;
  #guard: StallGuard | undefined;
  #started = false;
  #ended = false;

  constructor(request: IncomingMessage, response: ServerResponse, owner: ResponseStreamOwner) {
    this.#owner = owner;
    this.#response = response;
    this.#chunkSocket = request.httpVersion === "1.1" ? (response.socket ?? undefined) : undefined;
    this.framing = this.#chunkSocket === undefined ? "plain" : "chunked";
    this.#keepsConnection = keepsConnection(request);
    response.once("close", () => {
      if (this.#response !== undefined) this.onSocketGone();
    });
  }

  /** Whether status and headers have been sent. */
  get started(): boolean {
    return this.#started;
  }

  /** Network address of the client; "" once it is gone. */
  get peerAddress(): string {
    return (
      this.#detached?.remoteAddress ?? (this.#response === undefined ? "" : peerAddressOf(this.#response.req))
    );
  }

  /** Bytes written that the operating system has not taken. */
  get bufferedBytes(): number {
    // A pipelined response has no socket before its turn, and keeps what is written.
    return (this.#chunkSocket ?? this.#nodeSink ?? this.#response)?.writableLength ?? 0;
  }

  /** Sends status and headers; the body follows. */
  start(status: number, headers: OutgoingHttpHeaders): void {
    const response = this.#response;
    if (this.#started || this.#ended || response === undefined || response.destroyed) return;
    this.#started = true;
    response.writeHead(status, {
      ...headers,
      // HTTP/2 forbids both, and Node knows what to tell who wants the connection to end.
      ...(this.#keepsConnection ? { Connection: "keep-alive" } : {}),
      ...(this.framing === "chunked" ? { "Transfer-Encoding": "chunked" } : {}),
    });
    response.flushHeaders();
  }

  /** Sends a whole response in place of a stream. */
  answer(status: number, headers: OutgoingHttpHeaders, body: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#response?.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) });
    this.#response?.end(body);
  }

  /**
   * Writes bytes that carry the stream's framing, and returns whether any have to wait. A client that takes nothing of
   * what waits in time is cut.
   */
  write(bytes: Uint8Array): boolean {
    if (this.#ended) return false;
    this.#send(bytes);
    // A stream that ends with these bytes needs no connection of its own.
    if (this.#response !== undefined) process.nextTick(ResponseStream.#detach, this);
    return this.#watch(bytes.byteLength);
  }

  /** Writes bytes that are not framed yet. */
  writeUnframed(bytes: Uint8Array): void {
    if (!this.#ended) this.#send(frameBody(bytes, this.framing));
  }

  /** Ends the body after everything written. Trailers are for HTTP/2. */
  end(trailers?: OutgoingHttpHeaders): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#detached?.finish(LAST_CHUNK, this.#keepsConnection);
    if (trailers !== undefined) this.#response?.addTrailers(trailers);
    this.#response?.end();
    this.#watch(0);
  }

  /** Ends the connection at once; what is queued is dropped. */
  abort(): void {
    this.#ended = true;
    this.#detached?.destroy();
    if (this.#response === undefined) return;
    const stream = http2Stream(this.#response);
    // gRPC clients read it as RESOURCE_EXHAUSTED.
    stream?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    (stream ?? this.#response).destroy();
  }

  /** The connection is no longer ours. */
  onSocketGone(): void {
    this.#ended = true;
    this.#guard?.stop();
    this.#guard = undefined;
    this.#chunkSocket = undefined;
    this.#detached = undefined;
    this.#response = undefined;
    this.#owner.onStreamClosed();
  }

  #send(bytes: Uint8Array): void {
    if (this.#chunkSocket !== undefined) {
      this.#chunkSocket.write(bytes);
    } else if (this.#response !== undefined && !this.#response.destroyed) {
      this.#response.write(bytes);
    }
  }

  static #detach(this: void, stream: ResponseStream): void {
    const response = stream.#response;
    if (stream.#ended || stream.#chunkSocket === undefined || !(response instanceof DetachableResponse))
      return;
    const socket = response.detach(stream);
    if (socket === undefined) return;
    stream.#response = undefined;
    stream.#detached = socket;
    stream.#chunkSocket = socket;
    stream.#guard?.stop();
    stream.#guard = undefined;
  }

  /** Looks after bytes that wait, `count` of them new; returns whether there are any. */
  #watch(count: number): boolean {
    const sink = this.#chunkSocket ?? this.#nodeSink;
    // A pipelined response waits for its turn, however long.
    if (sink === undefined) return true;
    if (sink.writableLength === 0) return false;
    this.#guard ??= new StallGuard(sink, this.#owner.wheel, WRITE_TIMEOUT_MS, () => this.abort());
    this.#guard.wrote(count);
    return true;
  }

  /** Where bytes go that Node frames; undefined before there is a connection and once it is gone. */
  get #nodeSink(): Writable | undefined {
    const response = this.#response;
    return response === undefined ? undefined : (http2Stream(response) ?? response.socket ?? undefined);
  }
}

/** Whether a client takes it that its connection goes on after the response (RFC 9112 §9.3). */
function keepsConnection({ httpVersion, headers }: IncomingMessage): boolean {
  const mayKeep = httpVersion === "1.1" && headers.upgrade === undefined;
  return mayKeep && !/\bclose\b/iu.test(headers.connection ?? "");
}

/** The stream behind Node's HTTP/2 compatibility response; undefined for HTTP/1. */
function http2Stream(response: ServerResponse): ServerHttp2Stream | undefined {
  return "stream" in response ? (response.stream as ServerHttp2Stream | undefined) : undefined;
}

const CRLF = Buffer.from("\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

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
