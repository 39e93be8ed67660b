import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type {
  BidiHost,
  BidiProtocol,
  BidiRefusal,
  BidiSettings,
  MessageEncoding,
} from "../../core/bidi-protocol.ts";
import { frameAll, type WireFormats } from "../../core/wire-format.ts";
import { responseOn, sendEmpty, sendText, targetPathOf } from "../../http/http-app.ts";
import { addCorsHeaders } from "../../http/origin-policy.ts";
import { admitsConnection, noteOrigin, type UniEndpointContext } from "../../http/uni-endpoint.ts";
import type { TimerWheel } from "../../lib/timer-wheel.ts";
import { agreeOnCompression, type Compression } from "./compression.ts";
import { FrameReader, FrameReaders } from "./frame-reader.ts";
import { createMessageFramer, type DeflateOptions } from "./framer.ts";
import { answerHandshake, Handshake, handshakeProblem, refuseHandshake } from "./handshake.ts";
import { WebSocketTransport, type WebSocketTransportOptions } from "./transport.ts";

/** What endpoints need of the server. */
export interface WebSocketEndpointContext {
  readonly wheel: TimerWheel;
  /**
   * Whom the endpoint turns away: requests beyond the limits of connections with 503, and other origins with 403;
   * undefined where the protocol refuses its clients by itself.
   */
  readonly screening?: Pick<UniEndpointContext, "gate" | "origins" | "refusals">;
  /** Refuses a handshake that is in order with the HTTP status it returns, such as 429; admits it with undefined. */
  readonly admits?: (request: IncomingMessage) => number | undefined;
}

/** How an endpoint compresses messages, where clients offer to. */
export interface WebSocketCompression extends DeflateOptions {
  /** Bytes that a client's message may grow to; 0 or less for no limit. */
  readonly inflatedMaxBytes: number;
}

/** One protocol and how it is served. */
export interface WebSocketEndpointOptions {
  readonly protocol: BidiProtocol;
  readonly path: string;
  /** What follows the path names whom the client wants: one segment. */
  readonly isPrefix: boolean;
  /** Bytes that a client's message may have; a larger one closes with 1009. 0 or less for no limit. */
  readonly messageSizeLimit: number;
  /** How long the network may take nothing of what waits before the connection is dropped; 0 or less for any time. */
  readonly writeTimeoutMs: number;
  /** Undefined for none. */
  readonly compression: WebSocketCompression | undefined;
}

/** Endpoint of a protocol over WebSockets: screens requests, answers handshakes, and opens connections for the protocol. */
export class WebSocketEndpoint {
  readonly #context: WebSocketEndpointContext;
  readonly #options: WebSocketEndpointOptions;
  readonly #transportOptions: WebSocketTransportOptions;
  readonly #plainFormats = new FormatCache(undefined);
  readonly #deflatedFormats: FormatCache;

  constructor(context: WebSocketEndpointContext, options: WebSocketEndpointOptions) {
    const { protocol, messageSizeLimit, writeTimeoutMs, compression } = options;
    this.#context = context;
    this.#options = options;
    this.#transportOptions = {
      name: protocol.name,
      wheel: context.wheel,
      readers: new FrameReaders(messageSizeLimit),
      writeTimeoutMs,
    };
    this.#deflatedFormats = new FormatCache(compression);
  }

  /** Answers a request that is not an upgrade. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const decision = this.#decide(this.#handshakeOf(request), () => 400);
    if (typeof decision === "function") decision(response);
  }

  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const handshake = this.#handshakeOf(request);
    const decision = this.#decide(handshake, () => handshakeProblem(request) ?? this.#originProblem(request));
    if (typeof decision === "function") return decision(responseOn(socket, request));
    const compression = this.#agreeOnCompression(request);
    const { subprotocol } = handshake;
    if (!answerHandshake(request, socket, { extensions: compression?.header, subprotocol })) return;
    const transport = this.#createTransport(socket, decision.settings, compression);
    transport.bind(decision.accept(transport), head);
  }

  /** Who takes a connection, or the answer to a request that nobody takes. `findProblem` finds what is wrong with it. */
  #decide(handshake: Handshake, findProblem: () => number | undefined): BidiHost | Answer {
    const { screening, admits } = this.#context;
    const { request, name } = handshake;
    if ((name !== "") !== this.#options.isPrefix || name.includes("/")) {
      return (response) => sendText(response, 404, "404 page not found\n");
    }
    if (screening !== undefined && !admitsConnection(screening, request)) {
      return (response) => sendEmpty(response, 503);
    }
    const problem = findProblem();
    const refusal = problem === undefined ? admits?.(request) : undefined;
    if (refusal !== undefined) return (response) => sendEmpty(response, refusal);
    const host = this.#options.protocol.open(handshake);
    if (problem === undefined && !isRefusal(host)) return host;
    return (response) => {
      if (screening !== undefined) addCorsHeaders(screening.origins, request, response);
      if (isRefusal(host)) sendText(response, host.status, host.text);
      else if (problem !== undefined) refuseHandshake(response, problem);
    };
  }

  #handshakeOf(request: IncomingMessage): Handshake {
    const { path, isPrefix, protocol } = this.#options;
    return new Handshake(
      request,
      isPrefix ? targetPathOf(request).slice(path.length) : "",
      protocol.subprotocols,
    );
  }

  #originProblem(request: IncomingMessage): number | undefined {
    const { screening } = this.#context;
    if (screening === undefined || screening.origins.allows(request.headers.origin)) return undefined;
    noteOrigin(screening, request);
    return 403;
  }

  #agreeOnCompression({ headers }: IncomingMessage): Compression | undefined {
    const { compression } = this.#options;
    if (compression === undefined) return undefined;
    return agreeOnCompression(headers["sec-websocket-extensions"], compression.inflatedMaxBytes);
  }

  #createTransport(
    socket: Socket,
    settings: BidiSettings,
    compression: Compression | undefined,
  ): WebSocketTransport {
    const options = this.#transportOptions;
    if (compression === undefined) {
      const formats = this.#plainFormats.of(settings.encoding);
      return new WebSocketTransport(socket, formats, settings, options, undefined);
    }
    const reader = new FrameReader(compression.maxMessageBytes, compression.inflation);
    const formats = this.#deflatedFormats.of(settings.encoding);
    return new WebSocketTransport(socket, formats, settings, options, reader);
  }
}

/** Answers a request that gets no connection. */
type Answer = (response: ServerResponse) => void;

function isRefusal(opened: BidiHost | BidiRefusal): opened is BidiRefusal {
  return "status" in opened;
}

/** The formats of all encodings that an endpoint has met: one for each, or sessions would not share frames. */
class FormatCache {
  readonly #deflate: DeflateOptions | undefined;
  readonly #formats = new WeakMap<MessageEncoding, WireFormats>();

  constructor(deflate: DeflateOptions | undefined) {
    this.#deflate = deflate;
  }

  of(encoding: MessageEncoding): WireFormats {
    let formats = this.#formats.get(encoding);
    if (formats === undefined) {
      const { messages, separator } = encoding;
      formats = frameAll(encoding, createMessageFramer({ messages, separator, deflate: this.#deflate }));
      this.#formats.set(encoding, formats);
    }
    return formats;
  }
}
