import { hash } from "node:crypto";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { BidiRequest } from "../../core/bidi-protocol.ts";
import type { OpeningHeaders } from "../../core/connect-request.ts";
import { peerAddressOf } from "../../http/client-address.ts";
import { queryOf, sendText } from "../../http/http-app.ts";
import { RequestHeaders } from "../../http/request-headers.ts";

/** Sixteen random bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[+/0-9A-Za-z]{22}==$/u;
/** What the client's key is hashed with (RFC 6455 §1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Tells a client that its request is no handshake, or none that is taken. */
export function refuseHandshake(response: ServerResponse, status: number): void {
  response.setHeader("Sec-Websocket-Version", "13");
  sendText(response, status, `${STATUS_CODES[status]}\n`);
}

/** Status for a handshake that is not one (RFC 6455 §4.2.1); undefined when it is in order. */
export function handshakeProblem({ method, headers }: IncomingMessage): number | undefined {
  if (!hasToken(headers.upgrade, "websocket")) return 400;
  if (method !== "GET") return 405;
  const isSpoken = hasToken(headers["sec-websocket-version"], "13");
  return isSpoken && KEY.test(headers["sec-websocket-key"] ?? "") ? undefined : 400;
}

/** Handshake of a client, as the protocol sees it. Nothing of it is computed before it is asked for. */
export class Handshake implements BidiRequest {
  readonly request: IncomingMessage;
  readonly name: string;
  readonly #spoken: readonly string[];
  #query: URLSearchParams | undefined;

  /** `spoken` has the subprotocols of the protocol. */
  constructor(request: IncomingMessage, name: string, spoken: readonly string[]) {
    this.request = request;
    this.name = name;
    this.#spoken = spoken;
  }

  get url(): string {
    return this.request.url ?? "";
  }

  get query(): URLSearchParams {
    this.#query ??= queryOf(this.request);
    return this.#query;
  }

  get origin(): string | undefined {
    return this.request.headers.origin;
  }

  get subprotocol(): string | undefined {
    const offers = listOf(this.request.headers["sec-websocket-protocol"]);
    return offers.find((offer) => this.#spoken.includes(offer));
  }

  get peerAddress(): string {
    return peerAddressOf(this.request);
  }

  get headers(): OpeningHeaders {
    return new RequestHeaders(this.request);
  }
}

/** Whether a header that is a list has an element, in whatever case. */
function hasToken(header: string | undefined, token: string): boolean {
  return listOf(header).some((element) => element.toLowerCase() === token);
}

function listOf(header: string | undefined): string[] {
  return header?.split(",").map((element) => element.trim()) ?? [];
}

/** What client and server have agreed on. */
export interface HandshakeAnswer {
  /** The header that tells of extensions. */
  readonly extensions?: string | undefined;
  readonly subprotocol?: string | undefined;
}

/**
 * Answers a handshake that is in order (RFC 6455 §4.2.2). Returns false, and destroys the socket, where the client has
 * left already.
 */
export function answerHandshake(
  { headers }: IncomingMessage,
  socket: Socket,
  { extensions, subprotocol }: HandshakeAnswer,
): boolean {
  if (!socket.readable || !socket.writable) {
    socket.destroy();
    return false;
  }
  const accept = hash("sha1", `${headers["sec-websocket-key"]}${GUID}`, "base64");
  const extensionLine = extensions === undefined ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`;
  const subprotocolLine = subprotocol === undefined ? "" : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n${extensionLine}${subprotocolLine}\r\n`,
  );
  return true;
}
