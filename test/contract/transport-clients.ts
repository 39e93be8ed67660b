import { type IncomingMessage, type OutgoingHttpHeaders, request as httpRequest } from "node:http";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { once } from "node:events";
import { type ClientOptions, WebSocket } from "ws";
import { envelope } from "../../src/grpc/envelope.ts";
import { Signal } from "../support/signal.ts";
import type { TransportClient } from "./transport-harness.ts";

/** Takes the messages out of the bytes of a body so far. */
export type Split = (bytes: Buffer) => SplitBytes;

interface SplitBytes {
  readonly messages: readonly Buffer[];
  /** What belongs to a message that has not come in full. */
  readonly rest: Buffer;
  /** What the body says about its end. */
  readonly ending?: string;
}

/** One request, and how its answer is read. */
export interface StreamRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  readonly split: Split;
}

abstract class ReadingClient implements TransportClient {
  readonly socket: Socket;
  readonly messages: Buffer[] = [];
  #end: string | undefined;
  readonly #signal = new Signal();

  constructor(socket: Socket) {
    this.socket = socket;
    // A reset shows as the end of the connection.
    socket.on("error", () => undefined);
  }

  get end(): string | undefined {
    return this.#end;
  }

  abstract pause(): void;

  abstract resume(): void;

  abstract leave(): void;

  until(isMet: () => boolean, what: string): Promise<void> {
    return this.#signal.until(isMet, what);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  protected take(messages: readonly Buffer[]): void {
    this.messages.push(...messages);
    this.#signal.notify();
  }

  /** The first word about the end counts. */
  protected finish(end: string): void {
    this.#end ??= end;
    this.#signal.notify();
  }
}

/** A body that is read message by message. */
abstract class StreamClient extends ReadingClient {
  readonly #split: Split;
  #unread: Buffer = Buffer.alloc(0);
  #ending = "";

  constructor(socket: Socket, split: Split) {
    super(socket);
    this.#split = split;
  }

  protected takeBytes(bytes: Buffer): void {
    const { messages, rest, ending = "" } = this.#split(Buffer.concat([this.#unread, bytes]));
    this.#unread = rest;
    this.#ending += ending;
    this.take(messages);
  }

  /** Ends with what the body has said of its end, and what it has begun to say. */
  protected finishBody(end: string): void {
    this.finish([end, this.#ending, this.#unread.toString()].filter((part) => part !== "").join(" "));
  }
}

/** What every client has in the head of the request that opens its connection. */
export const OPENING_HEADERS: Readonly<Record<string, string | string[]>> = {
  "X-Many": ["1", "2"],
  "X-One": "a, b",
};

/** A client of HTTP/1.1. */
export class Http1StreamClient extends StreamClient {
  #isPaused = false;
  #response: IncomingMessage | undefined;

  constructor(socket: Socket, { method, path, headers = {}, body, split }: StreamRequest) {
    super(socket, split);
    const request = httpRequest({
      createConnection: () => socket,
      method,
      path,
      // Without an agent Node asks for the connection to end with the response.
      headers: { Connection: "keep-alive", Host: "localhost", ...OPENING_HEADERS, ...headers },
    });
    request.on("error", () => this.finish("cut"));
    request.on("response", (response) => this.#read(response));
    request.end(body);
  }

  static async open(port: number, request: StreamRequest): Promise<Http1StreamClient> {
    return new Http1StreamClient(await openSocket(port), request);
  }

  pause(): void {
    this.#isPaused = true;
    this.#response?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#response?.resume();
  }

  leave(): void {
    this.socket.destroy();
  }

  #read(response: IncomingMessage): void {
    this.#response = response;
    response.on("data", (bytes: Buffer) => this.takeBytes(bytes));
    response.on("error", () => undefined);
    response.on("close", () => {
      const status = response.statusCode === 200 ? "" : `status ${response.statusCode}, `;
      if (response.complete) this.finishBody(`${status}complete`);
      else this.finish("cut");
    });
    if (this.#isPaused) response.pause();
  }
}

/** A client of HTTP/2 with one stream. */
export class Http2StreamClient extends StreamClient {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  #status = 0;
  #grpcStatus = "";

  constructor(socket: Socket, { method, path, headers = {}, body, split }: StreamRequest) {
    super(socket, split);
    this.#session = connectHttp2("http://localhost", { createConnection: () => socket });
    this.#session.on("error", () => this.finish("cut"));
    this.#stream = this.#session.request({
      ":method": method,
      ":path": path,
      ...OPENING_HEADERS,
      ...headers,
    });
    this.#stream.on("response", ({ ":status": status = 0, ...fields }) => {
      this.#status = status;
      this.#takeGrpcStatus(fields);
    });
    this.#stream.on("trailers", (fields) => this.#takeGrpcStatus(fields));
    this.#stream.on("data", (bytes: Buffer) => this.takeBytes(bytes));
    this.#stream.on("error", () => undefined);
    this.#stream.on("close", () => this.#finish());
    this.#stream.end(body);
  }

  static async open(port: number, request: StreamRequest): Promise<Http2StreamClient> {
    return new Http2StreamClient(await openSocket(port), request);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  leave(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  override [Symbol.dispose](): void {
    this.#session.destroy();
    super[Symbol.dispose]();
  }

  /** It stands in the head where there is no message. */
  #takeGrpcStatus({ "grpc-status": status }: IncomingHttpHeaders): void {
    if (status !== undefined) this.#grpcStatus = `grpc-status: ${status.toString()}`;
  }

  #finish(): void {
    const { rstCode } = this.#stream;
    if (rstCode !== constants.NGHTTP2_NO_ERROR) return this.finish(`reset ${rstCode}`);
    const status = this.#status === 200 ? "" : `status ${this.#status}, `;
    this.finishBody([`${status}complete`, this.#grpcStatus].filter((part) => part !== "").join(" "));
  }
}

/** A client of `ws`. */
export class WebSocketTransportClient extends ReadingClient {
  readonly #socket: WebSocket;

  private constructor(
    tcp: Socket,
    url: string,
    split: (message: Buffer) => readonly Buffer[],
    options: ClientOptions,
  ) {
    super(tcp);
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      headers: OPENING_HEADERS,
      ...options,
      createConnection: () => tcp,
    });
    this.#socket.on("message", (data: Buffer) => this.take(split(data)));
    // The close event that follows says everything.
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", (code, reason) => this.finish(`${code} ${reason.toString()}`.trim()));
  }

  /** Opens a WebSocket and sends a first message, unless that is empty. */
  static async open(
    port: number,
    path: string,
    first: string,
    split: (message: Buffer) => readonly Buffer[] = (message) => [message],
    options: ClientOptions = {},
  ): Promise<WebSocketTransportClient> {
    const client = new WebSocketTransportClient(
      await openSocket(port),
      `ws://127.0.0.1:${port}${path}`,
      split,
      options,
    );
    await once(client.#socket, "open");
    if (first !== "") client.#socket.send(first);
    return client;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  leave(): void {
    this.#socket.close();
  }
}

/** Lines, as HTTP streaming has them. */
export function splitLines(bytes: Buffer): SplitBytes {
  return splitAt("\n", bytes, (line) => line);
}

/** Events of SSE: one line of data each; what else they say is passed over, and an empty line between them. */
export function splitEvents(bytes: Buffer): SplitBytes {
  const events = bytes.subarray(bytes.indexOf("\r\n") === 0 ? 2 : 0);
  return splitAt("\n\n", events, (event) => {
    const dataAt = event.indexOf("data: ");
    if (dataAt < 0) throw new Error(`an event without data: ${event.toString()}`);
    return event.subarray(dataAt + "data: ".length);
  });
}

/** Messages of gRPC, gRPC-Web and Connect; what has flags is about the end. */
export function splitEnvelopes(bytes: Buffer): SplitBytes {
  const messages: Buffer[] = [];
  let ending = "";
  let rest = bytes;
  for (;;) {
    const end = rest.length < 5 ? Number.POSITIVE_INFINITY : 5 + rest.readUInt32BE(1);
    if (rest.length < end) return { messages, rest, ending };
    const message = rest.subarray(5, end);
    if (rest[0] === 0) messages.push(message);
    else ending += message.toString().trim();
    rest = rest.subarray(end);
  }
}

/** The same with each of them in base64. */
export function splitEnvelopeTexts(bytes: Buffer): SplitBytes {
  const messages: Buffer[] = [];
  let ending = "";
  let rest = bytes;
  for (;;) {
    const head = Buffer.from(rest.toString("latin1", 0, 8), "base64");
    const length = head.length < 5 ? Number.POSITIVE_INFINITY : 5 + head.readUInt32BE(1);
    const end = Math.ceil(length / 3) * 4;
    if (rest.length < end) return { messages, rest, ending };
    const split = splitEnvelopes(Buffer.from(rest.toString("latin1", 0, end), "base64"));
    messages.push(...split.messages);
    ending += split.ending ?? "";
    rest = rest.subarray(end);
  }
}

/** The body of a call with one message. */
export function callBody(message: string | Uint8Array): Buffer {
  return envelope(0, Buffer.from(message));
}

function splitAt(separator: string, bytes: Buffer, messageOf: (part: Buffer) => Buffer): SplitBytes {
  const messages: Buffer[] = [];
  let from = 0;
  for (;;) {
    const end = bytes.indexOf(separator, from);
    if (end < 0) return { messages, rest: bytes.subarray(from) };
    messages.push(messageOf(bytes.subarray(from, end)));
    from = end + separator.length;
  }
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connectTcp({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  return socket;
}
