import { type IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "../core/logger.ts";

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

/** A server that asks whether to take an offer to upgrade; without, it is a request. Node's types have the option only. */
export interface UpgradeDecider {
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
}

const TRAILING_SLASHES = /\/+$/u;

/**
 * Dispatches requests to routes, whatever server they came through.
 *
 * Paths match exactly, whether or not they are percent-encoded. A route's path loses a trailing slash; in a request it
 * makes another path. Empty and dot segments are answered with the path without them, where a route has that.
 */
export class HttpApp {
  readonly #exact: ReadonlyMap<string, Route>;
  readonly #prefixes: readonly Route[];
  /** Serves whatever no other route does. */
  readonly #rest: Route | undefined;
  readonly #logger: Logger;

  constructor(routes: readonly Route[], logger: Logger) {
    this.#exact = new Map(
      routes
        .filter((route) => route.prefix !== true)
        .map((route) => [route.path.replace(TRAILING_SLASHES, "") || "/", route]),
    );
    const prefixes = routes.filter((route) => route.prefix === true);
    this.#prefixes = prefixes.filter(({ path }) => path !== "/");
    this.#rest = prefixes.find(({ path }) => path === "/");
    this.#logger = logger;
  }

  /** Whether a route serves the request. */
  serves(request: IncomingMessage): boolean {
    return this.#find(request) !== undefined;
  }

  /**
   * Whether a route takes over the connection of a request that offers to upgrade it. An offer behind a request that
   * has not been answered is ignored, as it may be (RFC 9110 §7.8): two answers at once would get mixed.
   */
  takesUpgrade(request: IncomingMessage): boolean {
    return !owesAnswer(request.socket) && this.#find(request)?.upgrade !== undefined;
  }

  /** Answers a request; 404 where no route does. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    // Node loses requests that came together with an offer to upgrade which is not taken; nobody is to wait for them.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    const route = this.#find(request);
    if (route === undefined) {
      sendText(response, 404, "404 page not found\n");
      return;
    }
    try {
      route.handle(request, response)?.catch((error: unknown) => this.#fail(response, error));
    } catch (error) {
      this.#fail(response, error);
    }
  }

  /** Hands an upgraded socket to its route; answers like any request where no route takes upgrades. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const upgrade = this.#find(request)?.upgrade;
    // Node accepts nothing else; its types leave room for servers that do.
    if (!(socket instanceof Socket)) socket.destroy();
    else if (upgrade === undefined) this.handle(request, responseOn(socket, request));
    else {
      try {
        upgrade(request, socket, head);
      } catch (error) {
        this.#logger.error({ err: error }, "upgrade handler failed");
        socket.destroy();
      }
    }
  }

  #find(request: IncomingMessage): Route | undefined {
    const path = targetPathOf(request);
    const route = this.#findClean(path);
    if (route !== undefined) return route;
    const clean = cleanPath(path);
    if (clean === path) return this.#rest;
    const isServed = (this.#findClean(clean) ?? this.#rest) !== undefined;
    return isServed ? redirectTo(clean, queryTextOf(request)) : undefined;
  }

  #findClean(path: string): Route | undefined {
    return (
      this.#exact.get(path) ??
      this.#prefixes.find((route) => path.startsWith(route.path)) ??
      (path.includes("%") ? this.#exact.get(decodePath(path)) : undefined)
    );
  }

  #fail(response: ServerResponse, error: unknown): void {
    this.#logger.error({ err: error }, "request handler failed");
    if (response.headersSent) response.destroy();
    else sendText(response, 500, "Internal Server Error\n");
  }
}

/**
 * The path of a request's target as it came, without the scheme and host that clients of a proxy send (RFC 9112
 * §3.2.2).
 */
export function targetPathOf({ url = "/" }: Pick<IncomingMessage, "url">): string {
  const queryAt = url.indexOf("?");
  const target = queryAt < 0 ? url : url.slice(0, queryAt);
  return target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/]*/iu, "") || "/";
}

/** The query of a request's target, with the question mark; "" where there is none. */
function queryTextOf({ url = "" }: Pick<IncomingMessage, "url">): string {
  const queryAt = url.indexOf("?");
  return queryAt < 0 ? "" : url.slice(queryAt);
}

/** The path without empty and dot segments; a slash at its end stays. */
function cleanPath(path: string): string {
  if (!/\/\/|\/\.{1,2}(?:\/|$)/u.test(path)) return path;
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return `/${segments.join("/")}${path.endsWith("/") && segments.length > 0 ? "/" : ""}`;
}

/** A path as it was meant; as it stands where it is not encoded properly, or would have other segments. */
function decodePath(path: string): string {
  try {
    return /%2f/iu.test(path) ? path : decodeURIComponent(path);
  } catch {
    return path;
  }
}

function redirectTo(path: string, query: string): Route {
  // Browsers take a backslash for a slash, and two of them for another host.
  const location = (path + query).replace(/[^\x21-\x7e]|\\/gu, encodeURIComponent);
  return {
    path,
    handle(_request, response) {
      response.writeHead(307, { Location: location, "Content-Length": 0 }).end();
    },
  };
}

/** Whether a response is under way on a connection. Node keeps it on the socket, and to itself. */
function owesAnswer(socket: Socket & { readonly _httpMessage?: unknown }): boolean {
  return socket._httpMessage !== undefined && socket._httpMessage !== null;
}

/** Answers with a line of text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}

/** Answers with a status and nothing else. */
export function sendEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 ? {} : { "Content-Length": 0 });
  response.end();
}

/** A response to a request whose connection has been upgraded, to refuse that after all. The connection ends with it. */
export function responseOn(socket: Socket, request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // Nobody else listens to an upgraded socket, and an error that nobody listens to ends the process.
  socket.once("error", () => socket.destroy());
  response.once("finish", () => socket.destroySoon());
  return response;
}

/** The parameters in the address of a request. */
export function queryOf(request: Pick<IncomingMessage, "url">): URLSearchParams {
  return new URLSearchParams(queryTextOf(request).slice(1));
}
