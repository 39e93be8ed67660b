import type { IncomingMessage } from "node:http";
import { derive, type Live } from "../core/live.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import { pathOf, peerAddressOf } from "../http/client-address.ts";
import { secretMatcher } from "../lib/constant-time.ts";
import type { ApiKeysConfig } from "./config.ts";

/** Who has been let in. */
export interface ApiCaller {
  /** Name of the key that was presented; undefined where none is asked for. */
  readonly key: string | undefined;
}

const ANYBODY: ApiCaller = { key: undefined };

interface NamedKey {
  readonly caller: ApiCaller;
  readonly matches: (candidate: Uint8Array) => boolean;
}

/** The keys of one door, of the moment in which they are asked for. */
export class ApiKeys {
  readonly #keys: Live<readonly NamedKey[]>;

  /** A key without a name goes by its option in the section. */
  constructor(section: string, config: Live<ApiKeysConfig>) {
    this.#keys = derive(config, (current) => readKeys(section, current));
  }

  get isEmpty(): boolean {
    return this.#keys.get().length === 0;
  }

  /** Whose key it is. Takes the same time for whatever is no key. */
  callerWith(candidate: Uint8Array): ApiCaller | undefined {
    let caller: ApiCaller | undefined;
    for (const key of this.#keys.get()) if (key.matches(candidate)) caller = key.caller;
    return caller;
  }
}

function readKeys(section: string, { key, keys }: ApiKeysConfig): readonly NamedKey[] {
  const unnamed = key === "" ? [] : [{ name: `${section}.key`, key }];
  return [...unnamed, ...keys].map((entry) => ({
    caller: { key: entry.name },
    matches: secretMatcher(Buffer.from(entry.key)),
  }));
}

/** How callers over HTTP are told to present a key. */
export const HTTP_KEY_HINT = "send the API key as `X-API-Key: <key>` or `Authorization: apikey <key>`";
/** How callers over gRPC are. */
export const GRPC_KEY_HINT = "send the API key as metadata `authorization: apikey <key>`";

/** What is looked at of a request. */
export type KeyedRequest = Pick<IncomingMessage, "headers" | "url" | "socket">;

/** Who sends a request; undefined for those who may not call, which the log has then. */
export type HttpAuth = (request: KeyedRequest) => ApiCaller | undefined;

/** What callers over HTTP are let in by. */
export interface HttpAuthOptions {
  readonly keys: ApiKeys;
  /** Asks for no key. */
  readonly insecure: boolean;
  readonly refusals: RefusalLog;
}

/**
 * Checks HTTP requests (docs/protocols/server-api.md §1.2): header `X-API-Key`, or without it `Authorization: apikey KEY`, or
 * else the parameter `api_key` of the query. While there are no keys nobody gets in.
 */
export function createHttpAuth({ keys, insecure, refusals }: HttpAuthOptions): HttpAuth {
  if (insecure) return () => ANYBODY;
  return (request) => {
    const header = headerKey(request);
    // Node makes one character of each byte of a header.
    const byHeader = header === undefined ? undefined : keys.callerWith(Buffer.from(header, "latin1"));
    if (byHeader !== undefined) return byHeader;
    const parameter = queryKey(request.url ?? "");
    const byQuery = parameter === undefined ? undefined : keys.callerWith(Buffer.from(parameter));
    if (byQuery !== undefined) return byQuery;
    const wrong = header === undefined && parameter === undefined ? "api_key_missing" : "api_key_wrong";
    refusals.note(keys.isEmpty ? "api_key_unset" : wrong, {
      address: peerAddressOf(request),
      path: pathOf(request),
    });
    return undefined;
  };
}

const GRPC_SCHEME = Buffer.from("apikey ");

/**
 * Who makes a gRPC call, by its first `authorization` value (docs/protocols/server-api.md §5.1), with the scheme as it is written here;
 * undefined for those who may not. While there are no keys all may.
 */
export function grpcCaller(keys: ApiKeys, authorization: string | Buffer | undefined): ApiCaller | undefined {
  if (keys.isEmpty) return ANYBODY;
  const value = Buffer.from(authorization ?? "");
  const hasScheme = value.subarray(0, GRPC_SCHEME.length).equals(GRPC_SCHEME);
  return hasScheme ? keys.callerWith(value.subarray(GRPC_SCHEME.length)) : undefined;
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
