import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Answers one request. A rejected promise is logged and answered with 500 by the listener. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Takes over the socket of an `Upgrade` request. */
export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/**
 * One path of the HTTP server.
 *
 * Requests over HTTP/2 come through Node's compatibility API and look the same; `request.httpVersionMajor`
 * tells them apart.
 */
export interface Route {
  /** Matched exactly; with `prefix`, whatever starts with it. */
  readonly path: string;
  readonly prefix?: boolean;
  readonly handle: RequestHandler;
  readonly upgrade?: UpgradeHandler;
}
