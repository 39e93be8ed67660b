import { type IncomingMessage, ServerResponse } from "node:http";
import { Socket, type SocketConstructorOpts } from "node:net";

/** What a socket has below: the operating system's connection. Known to Node only. */
interface Handle {
  readonly bytesRead: number;
}

/** Node's sockets as far as their handles go. No public method moves a connection from one to another. */
interface HandleHolder {
  _handle: Handle | null;
}

/** Where detached sockets are at home. */
export interface DetachedSocketHome {
  /** It has closed. Called once for each that is not taken back. */
  onDetachedClosed(socket: DetachedSocket): void;
  /** Serves requests on it again, and returns true; false where none are taken any more. */
  takeBack(socket: DetachedSocket): boolean;
}

/** Who writes to a detached socket. */
export interface DetachedSocketUser {
  /** It has closed, or its response has ended. Called once. */
  onSocketGone(): void;
}

/**
 * A connection that is out of the hands of Node's HTTP server while a response streams over it.
 *
 * Parser, request, response and listeners that the server keeps otherwise are 15 KB; this is 2. What the client sends
 * meanwhile is read, so that its leaving shows, and dropped; the connection then closes with the response.
 */
export class DetachedSocket extends Socket {
  readonly #home: DetachedSocketHome;
  readonly #user: DetachedSocketUser;
  /** Bytes that had been read when the connection was detached. */
  readonly #bytesReadBefore: number;

  private constructor(handle: Handle, home: DetachedSocketHome, user: DetachedSocketUser) {
    // Node's types leave out the handle. Without half-open connections a client that ends its side is gone.
    const options: Omit<SocketConstructorOpts, "handle"> & { handle: unknown } = {
      handle,
      allowHalfOpen: false,
    };
    super(options as SocketConstructorOpts);
    this.#home = home;
    this.#user = user;
    this.#bytesReadBefore = handle.bytesRead;
    // The same functions for all of them: a listener of its own would be kept for each.
    this.on("error", ignoreError);
    this.on("close", announceClose);
    this.resume();
  }

  /**
   * Moves the connection below a socket to a new one. The old one closes, and whoever listens to it lets go of all
   * it keeps for the connection. Nothing may wait in it to be written or read.
   */
  static take(from: Socket, home: DetachedSocketHome, user: DetachedSocketUser): DetachedSocket | undefined {
    // See HandleHolder.
    const holder = from as unknown as HandleHolder;
    const handle = holder._handle;
    if (handle === null) return undefined;
    holder._handle = null;
    from.destroy();
    return new DetachedSocket(handle, home, user);
  }

  /** Writes the last bytes of the response; then the connection takes requests again, or closes. */
  finish(bytes: Uint8Array, keepsConnection: boolean): void {
    this.write(bytes);
    if (keepsConnection && this.#isClean && this.#home.takeBack(this)) {
      this.off("error", ignoreError);
      this.off("close", announceClose);
      this.#user.onSocketGone();
    } else {
      this.destroySoon();
    }
  }

  /** Nothing is on its way in either direction, and what has come of another request has not been dropped. */
  get #isClean(): boolean {
    return this.writable && this.writableLength === 0 && this.bytesRead === this.#bytesReadBefore;
  }

  /** It has closed. */
  onClosed(): void {
    this.#home.onDetachedClosed(this);
    this.#user.onSocketGone();
  }
}

function announceClose(this: DetachedSocket): void {
  this.onClosed();
}

/** The socket closes behind its error, and that is what counts. */
function ignoreError(): void {}

/** Where the connection of a response can go. */
export interface DetachingHome extends DetachedSocketHome {
  /** Whether nothing but one response is under way on the connection. */
  hasOneResponse(connection: Socket): boolean;
  /** It is out of the hands of Node's HTTP server from now on. */
  onDetached(socket: DetachedSocket): void;
}

/** Node's parser of the requests on a connection, which it keeps to itself. */
interface ParsedSocket {
  readonly parser?: { finish(): Error | undefined } | null;
}

/** An HTTP/1 response that can be taken away from Node, with its connection, once its head has been sent. */
export class DetachableResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  home: DetachingHome | undefined;

  /**
   * Takes the connection away from Node's HTTP server, which then forgets it with request and response. Undefined
   * where it must stay: before the request has been read and what was written has gone out, and while the client
   * has sent anything of another request.
   */
  detach(user: DetachedSocketUser): DetachedSocket | undefined {
    const { home, socket } = this;
    if (home === undefined || socket === null || !this.headersSent || this.writableEnded) return undefined;
    if (!this.req.complete || !home.hasOneResponse(socket) || !isQuiet(socket)) return undefined;
    const detached = DetachedSocket.take(socket, home, user);
    if (detached !== undefined) home.onDetached(detached);
    return detached;
  }
}

/** Nothing waits to be written, to be read, or for the rest of a request. */
function isQuiet(socket: Socket & ParsedSocket): boolean {
  if (socket.destroyed || socket.writableLength > 0 || socket.readableLength > 0) return false;
  // A parser that cannot end here is in the middle of a request.
  return socket.parser?.finish() === undefined;
}
