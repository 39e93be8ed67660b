import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { SocketProtocol } from "../../core/socket-protocol.ts";
import { type Codec, WireFormat } from "../../core/wire-format.ts";
import { queryOf, responseOn, sendEmpty, sendText } from "../../http/http-app.ts";
import type { TimerWheel } from "../../lib/timer-wheel.ts";
import { FrameReaders } from "./frame-reader.ts";
import { createTextFramer } from "./framer.ts";
import {
  answerHandshake,
  chooseSubprotocol,
  handshakeProblem,
  headerReader,
  refuseHandshake,
} from "./handshake.ts";
import { SocketTransport, type SocketTransportOptions } from "./socket-transport.ts";

/** What endpoints of protocols over messages both ways need of the server. */
export interface SocketEndpointContext {
  readonly wheel: TimerWheel;
  /** Refuses a request before its handshake with the HTTP status it returns, such as 429; admits it with undefined. */
  readonly admits?: (request: IncomingMessage) => number | undefined;
}

/** One protocol and how it is served. */
export interface SocketEndpointOptions {
  readonly protocol: SocketProtocol;
  /** With a slash at its end, what follows names whom the client wants: one segment. Else nothing may follow. */
  readonly path: string;
  /** Bytes that a client's message may have; a larger one closes with 1009. 0 or less for no limit. */
  readonly messageSizeLimit: number;
  /** How long the network may take nothing of what waits before the connection is dropped; 0 or less for any time. */
  readonly writeTimeoutMs: number;
}

/** A WebSocket endpoint of a protocol over messages both ways. The protocol refuses clients inside of the WebSocket. */
export class SocketEndpoint {
  readonly #context: SocketEndpointContext;
  readonly #options: SocketEndpointOptions;
  readonly #transportOptions: SocketTransportOptions;
  readonly #framer = createTextFramer({ joinMessages: false, deflate: undefined });
  /** One for each codec, or sessions would not share frames. */
  readonly #formats = new WeakMap<Codec, WireFormat>();

  constructor(context: SocketEndpointContext, options: SocketEndpointOptions) {
    this.#context = context;
    this.#options = options;
    const { protocol, messageSizeLimit, writeTimeoutMs } = options;
    this.#transportOptions = {
      wheel: context.wheel,
      readers: new FrameReaders(messageSizeLimit),
      writeTimeoutMs,
      name: protocol.name,
    };
  }

  /** Answers a request that is not an upgrade. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.#nameIn(request) === undefined) sendText(response, 404, "404 page not found\n");
    else refuseHandshake(response, 400);
  }

  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const name = this.#nameIn(request);
    if (name === undefined) return this.handle(request, responseOn(socket, request));
    const problem = handshakeProblem(request);
    if (problem !== undefined) return refuseHandshake(responseOn(socket, request), problem);
    const refusal = this.#context.admits?.(request);
    if (refusal !== undefined) return sendEmpty(responseOn(socket, request), refusal);
    const { protocol } = this.#options;
    const host = protocol.hostOf({ name, query: queryOf(request), header: headerReader(request) });
    const subprotocol = chooseSubprotocol(request, protocol.subprotocols);
    if (!answerHandshake(request, socket, { subprotocol })) return;
    const format = this.#formatOf(host.codec);
    const transport = new SocketTransport(socket, format, host, this.#transportOptions);
    transport.bind(host.accept(transport), head);
  }

  #formatOf(codec: Codec): WireFormat {
    let format = this.#formats.get(codec);
    if (format === undefined) {
      format = new WireFormat(codec, this.#framer);
      this.#formats.set(codec, format);
    }
    return format;
  }

  /** The segment of the path that names whom the client wants; undefined where it is not as it has to be. */
  #nameIn({ url = "" }: IncomingMessage): string | undefined {
    const { path } = this.#options;
    const name = url.slice(path.length).split("?", 1)[0] ?? "";
    return (name !== "") === path.endsWith("/") && !name.includes("/") ? name : undefined;
  }
}
