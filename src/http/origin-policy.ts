import type { IncomingMessage, ServerResponse } from "node:http";
import { compileGlob } from "../lib/glob.ts";

/** Between origins, of which no request has more than one (RFC 6454 §7.3); Node joins those of several headers. */
const SEPARATOR = /[\s,]/u;

/**
 * Which web pages may connect (docs/protocols/unidirectional.md §2.7).
 *
 * A request without `Origin` does not come from a page and is always allowed. `["*"]` allows every page; an
 * empty list none. Other entries are globs matched against the whole lower-cased origin: `*` spans any
 * characters, `?` one, `[abc]` and `[!a-c]` one of a set, `{a,b}` alternatives. A request with several origins is
 * refused: a pattern would match all of them as one text.
 */
export class OriginPolicy {
  readonly #allowAll: boolean;
  readonly #patterns: readonly ((origin: string) => boolean)[];

  /** Throws SyntaxError for a malformed pattern. */
  constructor(allowedOrigins: readonly string[]) {
    this.#allowAll = allowedOrigins.length === 1 && allowedOrigins[0] === "*";
    this.#patterns = this.#allowAll ? [] : allowedOrigins.map(compileGlob);
  }

  allows(origin: string | undefined): boolean {
    if (origin === undefined || origin === "") return true;
    if (SEPARATOR.test(origin)) return false;
    if (this.#allowAll) return true;
    const lower = origin.toLowerCase();
    return this.#patterns.some((matches) => matches(lower));
  }
}

/** Why a pattern matches no origin that a browser sends: `https://example.com`. Undefined where it may match one. */
export function findImpossibleOrigin(pattern: string): string | undefined {
  if (pattern === "null") return undefined;
  const [, scheme, host = ""] = /^([^:/]*):\/\/(.*)$/su.exec(pattern) ?? [];
  if (scheme === undefined) {
    const [literal = ""] = /^[^*?[{\\]*/u.exec(pattern) ?? [];
    const mayHaveOne = literal !== pattern && /^(?:h|ht|htt|https?|https?:\/?)?$/u.test(literal);
    return mayHaveOne ? undefined : "an origin begins with a scheme, as https://";
  }
  if (host.endsWith("/")) return "an origin has no slash at its end";
  if (host.includes("/")) return "an origin has no path";
  if (pattern !== pattern.toLowerCase()) return "origins are compared in lower case";
  if (/[^!-~]/u.test(pattern)) return "an origin has no spaces, and letters outside ASCII as punycode";
  const isDefaultPort = host.endsWith(scheme === "https" ? ":443" : ":80") && /^https?$/u.test(scheme);
  return isDefaultPort ? "browsers leave out the port that is the scheme's own" : undefined;
}

/**
 * Adds the CORS headers of an allowed request; a refused one gets none, so that the browser hides the answer. Returns
 * whether it is allowed.
 */
export function addCorsHeaders(
  policy: OriginPolicy,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { origin } = request.headers;
  if (!policy.allows(origin)) return false;
  response.setHeader("Access-Control-Allow-Origin", origin ?? "");
  response.setHeader("Access-Control-Allow-Credentials", "true");
  const wanted = request.headers["access-control-request-headers"];
  if (wanted !== undefined && wanted !== "" && wanted !== "null") {
    response.setHeader("Access-Control-Allow-Headers", wanted);
  }
  return true;
}
