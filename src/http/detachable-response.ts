import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { DetachedSocket, type DetachedSocketHome, type DetachedSocketUser } from "./detached-socket.ts";

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
