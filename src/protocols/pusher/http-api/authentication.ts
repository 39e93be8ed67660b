import { hash } from "node:crypto";
import { constantTimeEqual } from "../../../lib/constant-time.ts";
import type { PusherAppConfig } from "../config.ts";
import { isSignatureOf } from "../signature.ts";
import { Refusal } from "./endpoint.ts";
import { decodePath, type RequestHead } from "./request.ts";

const SIGNATURE = "auth_signature";
const VERSION = "1.0";
/** How far a request's time may be from ours, either way. */
const WINDOW_SEC = 600;

/**
 * Whether the owner of the app made the request (docs/protocols/pusher.md §4.1): its key, a time of now, and a
 * signature over method, path and query. What the body is to be is part of the query, and checked by `checkBody`.
 * `pathPrefix` is where the API is served.
 *
 * @throws Refusal 401 otherwise, which says what was to be signed
 */
export function authenticate(
  { key, secret }: Pick<PusherAppConfig, "key" | "secret">,
  { method, path, query }: RequestHead,
  pathPrefix: string,
  nowMs: number,
): void {
  if (!constantTimeEqual(parameter(query, "auth_key"), key)) {
    throw unauthorized("auth_key is not the key of the app");
  }
  if (parameter(query, "auth_version") !== VERSION) throw unauthorized(`auth_version is not ${VERSION}`);
  const time = parameter(query, "auth_timestamp");
  const nowSec = Math.floor(nowMs / 1000);
  if (!/^\d+$/u.test(time) || Math.abs(nowSec - Number(time)) > WINDOW_SEC) {
    throw unauthorized(
      `auth_timestamp is not within ${WINDOW_SEC} s of the time, which is ${nowSec} on this server`,
    );
  }
  const signature = parameter(query, SIGNATURE);
  // SDKs sign the path as it was before they encode it, that for PHP without what its option `path` puts in front.
  const paths = [path, path.slice(pathPrefix.length)];
  const signed = new Set([...paths, ...paths.map(decodePath)]);
  const texts = [...signed].map((each) => textToSign(method, each, query));
  if (!texts.some((text) => isSignatureOf(signature, secret, text))) {
    throw unauthorized(
      `${SIGNATURE} is not the HMAC-SHA256, in lower-case hex, of ${JSON.stringify(texts[0])} with the secret of the app`,
    );
  }
}

/**
 * Whether the body is the one that the query of an authenticated request tells the hash of.
 *
 * @throws Refusal 401 otherwise
 */
export function checkBody(query: URLSearchParams, body: Uint8Array): void {
  const expected = query.get("body_md5") ?? "";
  if (expected === "" && body.length === 0) return;
  if (!constantTimeEqual(expected, hash("md5", body, "hex"))) {
    throw unauthorized("body_md5 is not the MD5, in lower-case hex, of the body");
  }
}

/** All parameters but the signature, by their names in lower case, with their values decoded. */
function textToSign(method: string, path: string, query: URLSearchParams): string {
  const parameters = [...query]
    .map(([name, value]) => ({ name: name.toLowerCase(), value }))
    .filter(({ name }) => name !== SIGNATURE)
    .toSorted((a, b) => compare(a.name, b.name))
    .map(({ name, value }) => `${name}=${value}`);
  return `${method}\n${path}\n${parameters.join("&")}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function parameter(query: URLSearchParams, name: string): string {
  const value = query.get(name) ?? "";
  if (value === "") throw unauthorized(`${name} is missing`);
  return value;
}

function unauthorized(message: string): Refusal {
  return new Refusal(401, message);
}
