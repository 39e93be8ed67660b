import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import {
  createSecureServer,
  createServer as createHttp2Server,
  type Http2Session,
  type Http2Server,
} from "node:http2";
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { HttpApp } from "./http-app.ts";

/** Where and how to listen. */
export interface HttpListenerOptions {
  /** "" listens on all interfaces. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Certificate and key; undefined serves plain text. */
  readonly tls: (SecureContextOptions & { requestCert?: boolean; rejectUnauthorized?: boolean }) | undefined;
}

/** How long a client may take over its headers and its whole request, milliseconds. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** A connect request may stand in the query string, so headers may be larger than Node's 16 KiB. */
const MAX_HEADER_BYTES = 128 * 1024;

const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0");

/**
 * One TCP port for HTTP/1.1 and HTTP/2.
 *
 * In plain text the first bytes of a connection tell which; under TLS the handshake does (ALPN).
 */
export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #app: HttpApp;
  readonly #http1: Server;
  readonly #http2: Http2Server;
  readonly #front: NetServer;
  readonly #sockets = new Set<Socket>();
  readonly #http2Sessions = new Set<Http2Session>();

  constructor(app: HttpApp, options: HttpListenerOptions) {
    this.#app = app;
    this.#options = options;
    this.#http1 = createHttpServer({
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    const secure = options.tls;
    this.#http2 =
      secure === undefined
        ? createHttp2Server()
        : createSecureServer({ ...secure, allowHTTP1: true, minVersion: "TLSv1.2" });
    this.#front = secure === undefined ? createNetServer((socket) => this.#sniff(socket)) : this.#http2;
    for (const server of secure === undefined ? [this.#http1, this.#http2] : [this.#http2])
      this.#serve(server);
    this.#http2.on("session", (session) => this.#track(session));
    this.#front.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** Starts listening; resolves with the bound address, rejects when the port is taken. */
  start(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#front.once("error", reject);
      this.#front.listen({ port, ...(host === "" ? {} : { host }) }, () => {
        this.#front.off("error", reject);
        resolve(this.#front.address() as AddressInfo);
      });
    });
  }

  /** Takes no more connections; those that are open go on. */
  stopAccepting(): void {
    this.#front.close();
  }

  /** Closes idle connections, then resolves once the others have ended or `deadline` aborts, which destroys them. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#http1.closeIdleConnections();
    for (const session of this.#http2Sessions) session.close();
    const allClosed = Promise.all([...this.#sockets].map(closed));
    await Promise.race([allClosed, aborted(deadline)]);
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(server: Server | Http2Server): void {
    // Node's HTTP/2 compatibility objects behave like their HTTP/1 counterparts in everything handlers use.
    const handle = (request: unknown, response: unknown): void =>
      this.#app.handle(request as IncomingMessage, response as ServerResponse);
    (server as Server).on("request", handle);
    (server as Server).on("upgrade", (request, socket, head) => this.#app.upgrade(request, socket, head));
  }

  #sniff(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setTimeout(HEADERS_TIMEOUT_MS, () => socket.destroy());
    socket.once("error", () => socket.destroy());
    socket.once("data", (first: Buffer) => {
      socket.pause();
      socket.setTimeout(0);
      socket.unshift(first);
      const length = Math.min(first.length, HTTP2_PREFACE.length);
      // Three bytes tell "PRI" from every HTTP/1 method.
      const isHttp2 = length >= 3 && first.subarray(0, length).equals(HTTP2_PREFACE.subarray(0, length));
      if (isHttp2) {
        // The session reads what was put back by itself.
        this.#http2.emit("connection", socket);
      } else {
        this.#http1.emit("connection", socket);
        socket.resume();
      }
    });
  }

  #track(session: Http2Session): void {
    this.#http2Sessions.add(session);
    session.once("close", () => this.#http2Sessions.delete(session));
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
