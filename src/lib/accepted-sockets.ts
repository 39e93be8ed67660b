import type { Server, ServerOpts, Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";
import type { PacedQueue } from "./paced-queue.ts";

/**
 * Options of the sockets that a server accepts.
 *
 * A peer that is gone without a word shows after 30 s and ten probes, one a second. Less often than the pings of the
 * transports, so that where these go out no probe does.
 */
export const ACCEPTED_SOCKETS: Pick<ServerOpts, "noDelay" | "keepAlive" | "keepAliveInitialDelay"> = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
};

/** Connections that may wait to be accepted: the kernel refuses, or forgets, those beyond. */
export const BACKLOG = 4096;

/** First byte of a TLS connection: a record of the handshake (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;
const NO_TLS =
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
  "This port takes TLS only, and got plain text: use https:// or wss://.\n";

/** How first bytes are waited for. */
export interface FirstBytesOptions {
  /** A client that sends nothing for so long is cut. */
  readonly timeoutMs: number;
  /** What a connection waits for once they have come; undefined for nothing. Does not reject. */
  readonly prepare?: (() => Promise<void> | undefined) | undefined;
  /** Where connections whose first bytes have come wait for each other. */
  readonly starts: PacedQueue;
}

/**
 * Hands over a connection, with its first bytes, as soon as these have come; they can be read again afterwards, once
 * the socket is resumed. Whoever gets it listens to its errors from then on.
 */
export function awaitFirstBytes(
  socket: Socket,
  { timeoutMs, prepare, starts }: FirstBytesOptions,
  take: (first: Buffer) => void,
): void {
  const destroy = (): void => {
    socket.destroy();
  };
  // Not the socket's own timeout, which it would keep when it is switched off.
  const timer = setTimeout(destroy, timeoutMs);
  const stop = (): void => clearTimeout(timer);
  socket.on("end", destroy).on("error", destroy).on("close", stop);
  socket.once("data", (first: Buffer) => {
    socket.pause();
    stop();
    const begin = (): void => {
      socket.off("end", destroy).off("close", stop);
      if (socket.destroyed) return;
      socket.unshift(first);
      take(first);
      socket.off("error", destroy);
    };
    const prepared = prepare?.();
    if (prepared === undefined) starts.run(begin);
    else void prepared.then(() => starts.run(begin));
  });
}

/**
 * Has the connections of a server go through `take` first. The server listens itself, for Node's HTTP servers enforce
 * time limits only then; it gets its connections from us.
 */
export function interceptConnections(
  server: Server,
  take: (socket: Socket, serve: () => void) => void,
): void {
  const listeners = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket) => {
    take(socket, () => {
      for (const listener of listeners) listener.call(server, socket);
    });
  });
}

/**
 * Has a TLS server tell clients in plain text to use TLS. Returns the connections whose handshake is not over, by peer:
 * the server itself does not know of them.
 */
export function guardHandshakes(server: TlsServer, options: FirstBytesOptions): ReadonlyMap<string, Socket> {
  const handshakes = new Map<string, Socket>();
  interceptConnections(server, (socket, shakeHands) => {
    const peer = peerOf(socket);
    handshakes.set(peer, socket);
    socket.once("close", () => {
      if (handshakes.get(peer) === socket) handshakes.delete(peer);
    });
    awaitFirstBytes(socket, options, (first) => {
      if (first[0] === TLS_HANDSHAKE) shakeHands();
      else sendLastWords(socket, NO_TLS, options.timeoutMs);
    });
  });
  server.on("secureConnection", (socket) => handshakes.delete(peerOf(socket)));
  return handshakes;
}

/** What tells the connections to one port apart. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Sends a text and ends the connection. What the client has yet to say is read first: a reset would take the text along. */
function sendLastWords(socket: Socket, text: string, timeoutMs: number): void {
  const destroy = (): void => {
    socket.destroy();
  };
  const timer = setTimeout(destroy, timeoutMs);
  socket.on("error", destroy).once("close", () => clearTimeout(timer));
  socket.resume();
  socket.end(text);
}
