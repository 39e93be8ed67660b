import type { IncomingMessage } from "node:http";
import type { RefusalLog } from "../core/refusal-log.ts";
import { pathOf, peerAddressOf } from "../http/client-address.ts";
import { secretMatcher } from "../lib/constant-time.ts";

/** Who may call: everybody, or those who know the key. */
export interface ApiKeyOptions {
  readonly key: string;
  /** Asks for no key. */
  readonly insecure: boolean;
}

/** What is looked at of a request. */
export type KeyedRequest = Pick<IncomingMessage, "headers" | "url" | "socket">;

/** Whether a request may call the API. */
export type HttpAuth = (request: KeyedRequest) => boolean;

/**
 * Checks HTTP requests (docs/protocols/server-api.md §1.2): header `X-API-Key`, or without it `Authorization: apikey
 * KEY`, or else the parameter `api_key` of the query. While the key is empty nobody gets in.
 */
export function createHttpAuth({ key, insecure }: ApiKeyOptions): HttpAuth {
  if (insecure) return () => true;
  if (key === "") return () => false;
  const matches = secretMatcher(Buffer.from(key));
  return (request) => {
    const header = headerKey(request);
    // Node makes one character of each byte of a header.
    if (header !== undefined && matches(Buffer.from(header, "latin1"))) return true;
    const parameter = queryKey(request.url ?? "");
    return parameter !== undefined && matches(Buffer.from(parameter));
  };
}

/** The same check, and whom it refuses is noted. */
export function noteRefused(auth: HttpAuth, { key }: ApiKeyOptions, refusals: RefusalLog): HttpAuth {
  return (request) => {
    if (auth(request)) return true;
    const isPresented = (headerKey(request) ?? queryKey(request.url ?? "")) !== undefined;
    const wrong = isPresented ? "api_key_wrong" : "api_key_missing";
    refusals.note(key === "" ? "api_key_unset" : wrong, {
      address: peerAddressOf(request),
      path: pathOf(request),
    });
    return false;
  };
}

/**
 * Whether the first `authorization` value of a gRPC call lets it in (docs/protocols/server-api.md §5.1). Without a key
 * all may.
 */
export function createGrpcAuth(key: string): (authorization: string | Buffer | undefined) => boolean {
  if (key === "") return () => true;
  const matches = secretMatcher(Buffer.from(`apikey ${key}`));
  return (authorization) => authorization !== undefined && matches(Buffer.from(authorization));
}

const SCHEME = "apikey";
const SPACES = /\s+/;

function headerKey({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  const own = headers["x-api-key"];
  if (typeof own === "string" && own !== "") return own;
  const [scheme, key, ...rest] = (headers.authorization ?? "").trim().split(SPACES);
  return scheme?.toLowerCase() === SCHEME && rest.length === 0 ? key : undefined;
}

function queryKey(url: string): string | undefined {
  const queryAt = url.indexOf("?");
  return queryAt < 0 ? undefined : (new URLSearchParams(url.slice(queryAt + 1)).get("api_key") ?? undefined);
}
