import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { firstApiKey } from "../api/config.ts";
import { TokenIssuer } from "../auth/token-issuer.ts";
import { internalListener } from "../config/sections/http-server.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { Live } from "../core/live.ts";
import { clientAddress } from "../http/client-address.ts";
import { type Route, sendEmpty, sendText } from "../http/http-app.ts";
import type { Config } from "./config.ts";
import { CLIENT_VERSION } from "./version.ts";

/** What the page works with: `GET /dev/session`. */
interface DevSession {
  readonly version: string;
  readonly user: string;
  /** Null where the configuration has no secret to sign one with, or takes other tokens only. */
  readonly token: string | null;
  /** Paths of the transports that a page can use, where they are on. */
  readonly transports: {
    readonly sse?: string;
    readonly websocket?: string;
    readonly httpStream?: string;
  };
  /** The server API; null where it is not on this port. */
  readonly api: { readonly publish: string; readonly key: string } | null;
}

/** Whom tokens for trying things out are for. */
const DEV_USER = "42";
const DEV_TOKEN_TTL_SEC = 7 * 24 * 3_600;

const PAGE_FOLDER = join(dirname(createRequire(import.meta.url).resolve("millrace/package.json")), "web");
const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", HTML],
  "/dev/page.css": ["page.css", "text/css; charset=utf-8"],
  "/dev/page.js": ["page.js", SCRIPT],
  "/dev/listener.js": ["listener.js", SCRIPT],
  "/dev/listener-card.js": ["listener-card.js", SCRIPT],
  "/dev/publisher.js": ["publisher.js", SCRIPT],
  "/dev/session.js": ["session.js", SCRIPT],
  "/dev/push-log.js": ["push-log.js", SCRIPT],
  "/dev/flow.js": ["flow.js", SCRIPT],
  "/dev/icon.svg": ["icon.svg", "image/svg+xml"],
};
const HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/**
 * Routes of the first page that a development server shows. They follow the configuration of each request's moment.
 *
 * The page is handed the key of the server API and a token, so it is for browsers on this machine alone, and for no
 * other page in them: connections from elsewhere, names that could be anybody's (DNS rebinding) and requests that came
 * by a proxy are refused, and no other origin can read the answers. Other users of this machine are not kept out.
 */
export function createDevPageRoutes(config: Live<Config>): Route[] {
  const files = Object.entries(FILES).map(([path, [file, type]]) =>
    guardedRoute(path, config, async (_request, response) => {
      sendBody(response, type, await readFile(join(PAGE_FOLDER, file)));
    }),
  );
  const session = guardedRoute("/dev/session", config, async (request, response) => {
    // Browsers say what a request is for; other pages have no business here, whatever they can read.
    const site = request.headers["sec-fetch-site"];
    if (site !== undefined && site !== "same-origin") return sendText(response, 403, "not for other pages\n");
    const body = JSON.stringify(await describeSession(config.get()));
    sendBody(response, "application/json", Buffer.from(body));
  });
  return [...files, session];
}

/** A connection token to try with; undefined where the configuration leaves no way to make one that is accepted. */
export async function issueDevToken({ client }: Config, clock: Clock): Promise<string | undefined> {
  if (client.token.hmac_secret_key === "" || client.token.jwks_public_endpoint !== "") return undefined;
  return new TokenIssuer(client.token, clock).issueConnection({ user: DEV_USER, ttlSec: DEV_TOKEN_TTL_SEC });
}

async function describeSession(config: Config): Promise<DevSession> {
  const { uni_sse: sse, uni_websocket: websocket, uni_http_stream: httpStream, http_api: api } = config;
  const hasApi = !api.disabled && (api.external || internalListener(config.http_server) === undefined);
  return {
    version: CLIENT_VERSION,
    user: DEV_USER,
    token: (await issueDevToken(config, systemClock)) ?? null,
    transports: {
      ...(sse.enabled ? { sse: sse.handler_prefix } : {}),
      ...(websocket.enabled ? { websocket: websocket.handler_prefix } : {}),
      ...(httpStream.enabled ? { httpStream: httpStream.handler_prefix } : {}),
    },
    api: hasApi
      ? { publish: `${api.handler_prefix}/publish`, key: api.insecure ? "" : firstApiKey(api) }
      : null,
  };
}

function guardedRoute(
  path: string,
  config: Live<Config>,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Route {
  return {
    path,
    handle(request, response) {
      for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
      if (request.method !== "GET" && request.method !== "HEAD") return sendEmpty(response, 405);
      if (isFromThisMachine(request)) return answer(request, response);
      const scheme = config.get().http_server.tls.enabled ? "https" : "http";
      const place = `${scheme}://localhost:${request.socket.localPort}/`;
      sendText(
        response,
        403,
        `This page shows the server's keys, so it is for this machine only: ${place}\n`,
      );
    },
  };
}

const LOOPBACK_HOST = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/iu;
const LOOPBACK_ADDRESS = /^(?:127\.|::1$)/u;
const PROXY_HEADERS = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

function isFromThisMachine(request: IncomingMessage): boolean {
  const { headers } = request;
  const host = headers.host ?? headers[":authority"];
  return (
    typeof host === "string" &&
    LOOPBACK_HOST.test(host) &&
    LOOPBACK_ADDRESS.test(clientAddress(request, 0)) &&
    !PROXY_HEADERS.some((name) => headers[name] !== undefined)
  );
}

function sendBody(response: ServerResponse, type: string, body: Buffer): void {
  response.writeHead(200, { "Content-Type": type, "Content-Length": body.length });
  response.end(body);
}
