import type { IncomingMessage, ServerResponse } from "node:http";
import { type ServerOptions, WebSocketServer } from "ws";
import type { HeaderReader } from "../../core/uni-protocol.ts";
import { sendText } from "../../http/http-app.ts";

/** How long the client may take over its side of the closing handshake. */
const CLOSE_TIMEOUT_MS = 5000;
/** Sixteen random bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[+/0-9A-Za-z]{22}==$/u;

/** What handshakes and reading are done with. */
export interface WebSocketServerOptions {
  /** Bytes that a client's message may have, inflated; 0 or less for no limit. */
  readonly messageSizeLimit: number;
  readonly perMessageDeflate: NonNullable<ServerOptions["perMessageDeflate"]>;
}

/** The part of `ws` that answers handshakes. It keeps no list of connections. */
export function createWebSocketServer({
  messageSizeLimit,
  perMessageDeflate,
}: WebSocketServerOptions): WebSocketServer {
  // The published types lack `closeTimeout`.
  const options = {
    noServer: true,
    clientTracking: false,
    maxPayload: Math.max(0, messageSizeLimit),
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: () => false as const,
    perMessageDeflate,
  };
  return new WebSocketServer(options);
}

/** Answers a request that is not an upgrade. */
export function refusePlainRequest(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Sec-Websocket-Version", "13");
  if (request.method === "GET") sendText(response, 400, "Bad Request\n");
  else sendText(response, 405, "Method Not Allowed\n");
}

/** Status for a handshake that is not one (RFC 6455 §4.2.1); undefined when it is in order. */
export function handshakeProblem({ method, headers }: IncomingMessage): number | undefined {
  if (method !== "GET") return 405;
  const key = headers["sec-websocket-key"];
  const inOrder =
    headers.upgrade?.toLowerCase() === "websocket" &&
    headers["sec-websocket-version"] === "13" &&
    key !== undefined &&
    KEY.test(key);
  return inOrder ? undefined : 400;
}

/** Reads the headers of a request. */
export function headerReader({ headers }: IncomingMessage): HeaderReader {
  return (name) => headers[name]?.toString();
}
