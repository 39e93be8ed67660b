import type { IncomingMessage, ServerResponse } from "node:http";
import type { Edge } from "../config/edge.ts";
import { ClientError, clientError } from "../core/client-error.ts";
import type { ConnectRequest } from "../core/connect-request.ts";
import { Disconnect } from "../core/disconnect.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import type { UniEncoding, UniProtocol } from "../core/uni-protocol.ts";
import { jsonFaultOf } from "../lib/json/raw-json.ts";
import type { TimerWheel } from "../lib/timer-wheel.ts";
import { BodyTooLarge, readBody } from "./body.ts";
import { peerAddressOf } from "./client-address.ts";
import type { ConnectionGate } from "./connection-gate.ts";
import { type Route, sendEmpty } from "./http-app.ts";
import { addCorsHeaders, type OriginPolicy } from "./origin-policy.ts";

/** What every unidirectional endpoint of the HTTP server needs. */
export interface UniEndpointContext {
  readonly protocol: UniProtocol;
  readonly gate: ConnectionGate;
  readonly origins: OriginPolicy;
  readonly refusals: RefusalLog;
  readonly wheel: TimerWheel;
  /** Milliseconds between application pings; 0 or less for none. */
  readonly pingIntervalMs: number;
  /** Milliseconds in which a ping that asks for an answer is to be answered. */
  readonly pongTimeoutMs: number;
  /** Aborts when the server goes down. */
  readonly closing: AbortSignal;
}

/** A unidirectional transport on the HTTP server. */
export interface UniTransportEdge<Name extends string, Config> extends Edge<Name, Config> {
  /** None where it is switched off. */
  routes(context: UniEndpointContext, config: Config): readonly Route[];
}

/** What edges of the HTTP server at one path have in common. */
export const UNI_HTTP_EDGE: Pick<
  UniTransportEdge<string, { readonly enabled: boolean; readonly handler_prefix: string }>,
  "role" | "isEnabled" | "paths" | "devDefaults"
> = {
  role: "transport",
  isEnabled: ({ enabled }) => enabled,
  paths: ({ handler_prefix: path }) => [path],
  devDefaults: () => ({ enabled: true }),
};

/** Whether one more connection may be tried. */
export function admitsConnection(
  { gate, refusals }: Pick<UniEndpointContext, "gate" | "refusals">,
  request: IncomingMessage,
): boolean {
  if (gate.admits()) return true;
  refusals.note("connection_limit", { address: peerAddressOf(request) });
  return false;
}

/** Notes that a page may not connect from where it is. */
export function noteOrigin(
  { refusals }: Pick<UniEndpointContext, "refusals">,
  request: IncomingMessage,
): void {
  refusals.note("origin_not_allowed", { address: peerAddressOf(request), origin: request.headers.origin });
}

/** Notes that a connect request cannot be read. */
export function noteBadRequest(
  { refusals }: Pick<UniEndpointContext, "refusals">,
  request: IncomingMessage,
  error: Error,
): void {
  refusals.note("bad_connect_request", { address: peerAddressOf(request), detail: jsonFaultOf(error) });
}

/** Admits a request past the connection limits and gives it its CORS headers; answers 503 and returns false otherwise. */
export function admitRequest(
  context: UniEndpointContext,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (!admitsConnection(context, request)) {
    sendEmpty(response, 503);
    return false;
  }
  if (!addCorsHeaders(context.origins, request, response)) noteOrigin(context, request);
  return true;
}

/** How long browsers may remember the answer to a preflight, seconds. */
const PREFLIGHT_MAX_AGE_SEC = 300;

/** Tells a browser which methods pages of other origins may use; the CORS headers are there already. */
export function answerPreflight(response: ServerResponse, methods: string): void {
  response.setHeader("Access-Control-Max-Age", PREFLIGHT_MAX_AGE_SEC);
  response.setHeader("Access-Control-Allow-Methods", methods);
  sendEmpty(response, 204);
}

/**
 * Reads a connect request from the body.
 *
 * Answers 400 for a malformed one and 413 for one over the limit, and returns undefined then or when the
 * client has left.
 */
export async function readConnectRequest(
  context: UniEndpointContext,
  encoding: UniEncoding,
  maxBytes: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<ConnectRequest | undefined> {
  let body: Buffer;
  try {
    body = await readBody(request, maxBytes);
  } catch (error) {
    if (error instanceof BodyTooLarge) sendTooLarge(request, response);
    return undefined;
  }
  return parseConnectRequest(context, encoding, () => body, request, response);
}

/** Parses a connect request; answers 400 and returns undefined where `read` or the encoding throw ClientError 107. */
export function parseConnectRequest(
  context: Pick<UniEndpointContext, "refusals">,
  encoding: UniEncoding,
  read: () => Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
): ConnectRequest | undefined {
  try {
    return encoding.parseRequest(read());
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    noteBadRequest(context, request, error);
    sendEmpty(response, 400);
    return undefined;
  }
}

const PARAMETER = "cf_connect=";

/**
 * The text of `cf_connect` in the address of a request; "" where there is none.
 *
 * Throws ClientError 107 for a malformed percent escape, and for bytes that are not UTF-8: what a client cannot have
 * meant is not guessed at, as in bodies.
 */
export function connectParameterOf({ url = "" }: Pick<IncomingMessage, "url">): string {
  const queryAt = url.indexOf("?");
  const pairs = queryAt < 0 ? [] : url.slice(queryAt + 1).split("&");
  const pair = pairs.find((candidate) => candidate.startsWith(PARAMETER));
  if (pair === undefined) return "";
  try {
    return decodeURIComponent(pair.slice(PARAMETER.length).replaceAll("+", " "));
  } catch (error) {
    throw error instanceof URIError ? clientError("badRequest", error) : error;
  }
}

/** The rest of the body is not read, so the connection cannot be used again. */
function sendTooLarge(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor === 1) response.setHeader("Connection", "close");
  sendEmpty(response, 413);
}

/** Section `connect_code_to_http_response` of a transport. */
export interface ConnectRefusalConfig {
  readonly enabled: boolean;
  readonly transforms: readonly {
    readonly code: number;
    readonly to: { readonly status_code: number; readonly body: string };
  }[];
}

/** Turns a failed connect into an HTTP status, where that is configured (docs/protocols/unidirectional.md §5.4). */
export class ConnectRefusals {
  readonly #config: ConnectRefusalConfig;

  constructor(config: ConnectRefusalConfig) {
    this.#config = config;
  }

  get enabled(): boolean {
    return this.#config.enabled;
  }

  /** Status and body for a failure: those of the first entry with its code, else 500. */
  answer(failure: ClientError | Disconnect): { readonly status: number; readonly body: string } {
    const entry = this.#config.transforms.find(({ code }) => code === failure.code);
    if (entry === undefined) return { status: 500, body: "Internal Server Error" };
    const text = failure instanceof Disconnect ? failure.reason : failure.message;
    return { status: entry.to.status_code, body: entry.to.body || text };
  }
}
