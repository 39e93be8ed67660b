import type { EventEmitter } from "node:events";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions as HttpServerOptions,
  type ServerResponse,
} from "node:http";
import {
  constants,
  createSecureServer,
  createServer as createHttp2Server,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
} from "node:http2";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import {
  ACCEPTED_SOCKETS,
  awaitFirstBytes,
  BACKLOG,
  type FirstBytesOptions,
  guardHandshakes,
  interceptConnections,
} from "../lib/accepted-sockets.ts";
import {
  DEFAULT_HTTP2_LIMITS,
  type Http2Limits,
  http2ServerOptions,
  RequestGuard,
} from "../lib/http2-limits.ts";
import { waitForLeave } from "../lib/leave-timeout.ts";
import { PacedQueue } from "../lib/paced-queue.ts";
import { secureContextOptions, type TlsCredentials } from "../lib/tls-credentials.ts";
import { DetachableResponse, type DetachedSocket, type DetachingHome } from "./detached-socket.ts";
import { type HttpApp, sendEmpty, type UpgradeDecider } from "./http-app.ts";

/** Where and how to listen. */
export interface HttpListenerOptions {
  /** "" listens on all interfaces. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Undefined serves plain text. */
  readonly tls: TlsCredentials | undefined;
  /** How long a connection is kept for its next request, milliseconds, 75 s by default; HTTP/1 clients are told. */
  readonly keepAliveTimeoutMs?: number;
  /**
   * How long a client may take over its TLS handshake, over its headers, and until its first stream of HTTP/2,
   * milliseconds; 10 s by default.
   */
  readonly headersTimeoutMs?: number;
  /** How long an HTTP/1 client may take over a whole request, milliseconds; 30 s by default. */
  readonly requestTimeoutMs?: number;
  readonly http2?: Http2Limits;
  /** What each new connection waits for before it is served; undefined for nothing. Does not reject. */
  readonly prepare?: (() => Promise<void> | undefined) | undefined;
}

const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const HTTP1_OPTIONS: HttpServerOptions = {
  // A connect request may stand in the query string, so headers may be larger than Node's 16 KiB.
  maxHeaderSize: 128 * 1024,
  ...ACCEPTED_SOCKETS,
};

/** Connections that begin to be served in one turn of the event loop, however many clients come back at once. */
const STARTS_PER_TURN = 16;
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0");

/**
 * One TCP port for HTTP/1.1 and HTTP/2.
 *
 * In plain text the first bytes of a connection tell which; under TLS the handshake does (ALPN).
 */
export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #app: HttpApp;
  readonly #front: NetServer;
  /** The same where it serves over TLS. */
  readonly #secure: Http2SecureServer | undefined;
  /** Open connections; under TLS, those whose handshake is over. */
  readonly #connections = new OpenSet<Socket>();
  /** Connections in the middle of their TLS handshake, by peer. */
  #handshakes: ReadonlyMap<string, Socket> = new Map();
  readonly #http2Sessions = new OpenSet<Http2Session>();
  /** Connections that a WebSocket or an HTTP/2 session has to itself. */
  readonly #handedOver = new WeakSet<Duplex>();
  /** Connections whose first bytes have come, and wait to be served. */
  readonly #starts = new PacedQueue(STARTS_PER_TURN);
  /** Responses that have not ended. */
  readonly #responses = new OpenSet<ServerResponse>();
  /** HTTP/1 connections with the number of responses under way on each. */
  readonly #underWay = new WeakMap<Socket, number>();
  /** Connections that a streaming response has to itself. */
  readonly #detached = new Set<DetachedSocket>();
  readonly #home: DetachingHome = {
    hasOneResponse: (connection) => this.#underWay.get(connection) === 1,
    onDetached: (socket) => this.#detached.add(socket),
    onDetachedClosed: (socket) => this.#detached.delete(socket),
    takeBack: (socket) => this.#takeBack(socket),
  };
  readonly #requests: RequestGuard;
  #isStopping = false;

  constructor(app: HttpApp, options: HttpListenerOptions) {
    this.#app = app;
    this.#options = options;
    this.#requests = new RequestGuard(this.#http2.requestTimeoutMs, (stream) => {
      stream.close(constants.NGHTTP2_CANCEL);
    });
    this.#secure = options.tls === undefined ? undefined : this.#createSecure(options.tls);
    this.#front = this.#secure ?? this.#createPlain();
  }

  /** Shows new connections another certificate. Without effect on plain text. */
  renewTls(tls: TlsCredentials): void {
    this.#secure?.setSecureContext(secureContextOptions(tls));
  }

  /** Starts listening; resolves with the bound address, rejects when the port is taken. */
  start(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#front.once("error", reject);
      this.#front.listen({ port, backlog: BACKLOG, ...(host === "" ? {} : { host }) }, () => {
        this.#front.off("error", reject);
        resolve(this.#front.address() as AddressInfo);
      });
    });
  }

  /** Takes no more connections and requests, and closes connections where nothing is under way. */
  stopAccepting(): void {
    this.#isStopping = true;
    this.#front.close();
    for (const session of this.#http2Sessions) session.close();
    for (const socket of this.#handshakes.values()) socket.destroy();
    for (const connection of this.#connections) {
      if (!this.#underWay.has(connection) && !this.#handedOver.has(connection)) connection.destroy();
    }
  }

  /**
   * Resolves once all connections have ended, or clients have had their time to leave, or `deadline` aborts; the
   * connections that are left are destroyed.
   */
  async drain(deadline: AbortSignal): Promise<void> {
    const connections = [...this.#connections, ...this.#detached];
    const gone = Promise.all(connections.map(closed));
    await waitForLeave({ gone, deadline, isWorking: () => this.#isWorking });
    for (const connection of connections) connection.destroy();
  }

  /** Whether a client waits for us, rather than we for it. */
  get #isWorking(): boolean {
    return [...this.#responses].some(({ req, writableEnded }) => req.complete && !writableEnded);
  }

  get #http2(): Http2Limits {
    return this.#options.http2 ?? DEFAULT_HTTP2_LIMITS;
  }

  get #keepAliveTimeoutMs(): number {
    return this.#options.keepAliveTimeoutMs ?? KEEP_ALIVE_TIMEOUT_MS;
  }

  get #headersTimeoutMs(): number {
    return this.#options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
  }

  get #firstBytes(): FirstBytesOptions {
    return { timeoutMs: this.#headersTimeoutMs, prepare: this.#options.prepare, starts: this.#starts };
  }

  get #requestTimeoutMs(): number {
    return this.#options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  }

  get #http1Options(): HttpServerOptions {
    const headersTimeout = this.#headersTimeoutMs;
    return {
      ...HTTP1_OPTIONS,
      headersTimeout,
      requestTimeout: this.#requestTimeoutMs,
      keepAliveTimeout: this.#keepAliveTimeoutMs,
      connectionsCheckingInterval: headersTimeout / 2,
    };
  }

  #createPlain(): NetServer {
    const http1 = createHttpServer({ ...this.#http1Options, ServerResponse: DetachableResponse });
    const http2 = createHttp2Server(http2ServerOptions(this.#http2));
    this.#serve(http1);
    this.#serve(http2);
    http2.on("session", (session) => this.#trackSession(session));
    interceptConnections(http1, (socket, serveHttp1) => {
      this.#connections.track(socket);
      awaitFirstBytes(socket, this.#firstBytes, (first) => {
        if (isHttp2(first)) {
          this.#handedOver.add(socket);
          // A session sees the client leave only on a socket that then ends by itself, and reads what has come by itself.
          socket.allowHalfOpen = false;
          http2.emit("connection", socket);
        } else {
          serveHttp1();
          socket.resume();
        }
      });
    });
    return http1;
  }

  #createSecure(tls: TlsCredentials): Http2SecureServer {
    const server = createSecureServer({
      ...this.#http1Options,
      ...http2ServerOptions(this.#http2),
      ...secureContextOptions(tls),
      requestCert: tls.clientCa !== undefined,
      allowHTTP1: true,
      handshakeTimeout: this.#headersTimeoutMs,
    });
    this.#serve(server);
    server.on("session", (session) => this.#trackSession(session));
    this.#handshakes = guardHandshakes(server, this.#firstBytes);
    server.on("secureConnection", (socket: TLSSocket) => {
      if (socket.alpnProtocol === "h2") this.#handedOver.add(socket);
      this.#connections.track(socket);
    });
    return server;
  }

  #serve(server: (Server | Http2Server) & UpgradeDecider): void {
    // Other offers, such as curl's of HTTP/2, are ignored. A server over TLS does not look at its option.
    server.shouldUpgradeCallback = (request) => this.#app.takesUpgrade(request);
    // Node's HTTP/2 compatibility objects behave like their HTTP/1 counterparts in everything handlers use.
    const handle = (request: unknown, response: unknown): void =>
      this.#handle(request as IncomingMessage, response as ServerResponse);
    (server as Server).on("request", handle);
    (server as Server).on("upgrade", (request, socket, head) => {
      this.#handedOver.add(socket);
      this.#app.upgrade(request, socket, head);
    });
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    this.#responses.track(response);
    if (request.httpVersionMajor === 1) this.#trackResponse(request.socket, response);
    if (response instanceof DetachableResponse) response.home = this.#home;
    if (this.#isStopping) sendEmpty(response, 503);
    else this.#app.handle(request, response);
  }

  /** Has a connection whose stream has ended begin anew. */
  #takeBack(socket: DetachedSocket): boolean {
    if (this.#isStopping) return false;
    this.#detached.delete(socket);
    // As all connections to an HTTP server have it; Node then answers to the client's end by itself.
    socket.allowHalfOpen = true;
    this.#front.emit("connection", socket);
    return true;
  }

  #trackSession(session: Http2Session): void {
    this.#http2Sessions.track(session);
    let streams = 0;
    session.on("stream", (stream) => {
      streams += 1;
      stream.once("close", () => (streams -= 1));
      this.#requests.watch(stream);
    });
    session.setTimeout(this.#headersTimeoutMs);
    session.once("stream", () => session.setTimeout(this.#keepAliveTimeoutMs));
    session.on("timeout", () => {
      if (streams > 0) {
        // The end of a stream may be no traffic, which alone would start the time anew.
        session.setTimeout(this.#keepAliveTimeoutMs);
        return;
      }
      // Its close waits for a stream whose header block has begun, which may never end.
      if (session.closed) session.destroy();
      else session.close();
      session.setTimeout(this.#headersTimeoutMs);
    });
  }

  #trackResponse(connection: Socket, response: ServerResponse): void {
    this.#underWay.set(connection, (this.#underWay.get(connection) ?? 0) + 1);
    response.once("close", () => {
      const left = (this.#underWay.get(connection) ?? 1) - 1;
      if (left > 0) this.#underWay.set(connection, left);
      else this.#underWay.delete(connection);
      // Clients would keep the connection for their next request.
      if (left === 0 && this.#isStopping) connection.destroySoon();
    });
  }
}

/** Whether a connection that begins so is HTTP/2. Three bytes tell "PRI" from every HTTP/1 method. */
function isHttp2(first: Buffer): boolean {
  const length = Math.min(first.length, HTTP2_PREFACE.length);
  return length >= 3 && first.subarray(0, length).equals(HTTP2_PREFACE.subarray(0, length));
}

/** What is open, until it closes. */
class OpenSet<T extends EventEmitter> extends Set<T> {
  /** The same listener for all: one of its own would be kept for each. */
  readonly #forget: (this: T) => void;

  constructor() {
    super();
    const forget = (closable: T): boolean => this.delete(closable);
    this.#forget = function (this: T) {
      forget(this);
    };
  }

  track(closable: T): void {
    this.add(closable);
    closable.on("close", this.#forget);
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
  });
}
