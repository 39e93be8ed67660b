import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Which web pages may connect (uni-transports §2.6).
 *
 * A request without `Origin` does not come from a page and is always allowed. `["*"]` allows every page; an
 * empty list none. Other entries are globs matched against the whole lower-cased origin: `*` spans any
 * characters, `?` one, `[abc]` and `[!a-c]` one of a set, `{a,b}` alternatives.
 */
export class OriginPolicy {
  readonly #allowAll: boolean;
  readonly #patterns: readonly RegExp[];

  /** Throws SyntaxError for a malformed pattern. */
  constructor(allowedOrigins: readonly string[]) {
    this.#allowAll = allowedOrigins.length === 1 && allowedOrigins[0] === "*";
    this.#patterns = this.#allowAll ? [] : allowedOrigins.map(compileGlob);
  }

  allows(origin: string | undefined): boolean {
    if (origin === undefined || origin === "" || this.#allowAll) return true;
    const lower = origin.toLowerCase();
    return this.#patterns.some((pattern) => pattern.test(lower));
  }
}

/** Adds the CORS headers of an allowed request; a refused one gets none, so that the browser hides the answer. */
export function addCorsHeaders(
  policy: OriginPolicy,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { origin } = request.headers;
  if (!policy.allows(origin)) return;
  response.setHeader("Access-Control-Allow-Origin", origin ?? "");
  response.setHeader("Access-Control-Allow-Credentials", "true");
  const wanted = request.headers["access-control-request-headers"];
  if (wanted !== undefined && wanted !== "" && wanted !== "null") {
    response.setHeader("Access-Control-Allow-Headers", wanted);
  }
}

const GLOB_TOKEN = /\*+|\?|\[!?[^\]]+\]|\{|\}|,|\\.|[^*?[{},\\]/gsu;

/** A glob as an anchored regular expression. It has no nested repetition, so matching cannot run away. */
function compileGlob(glob: string): RegExp {
  const tokens = glob.match(GLOB_TOKEN) ?? [];
  if (tokens.join("") !== glob) throw new SyntaxError(`malformed origin pattern "${glob}"`);
  let depth = 0;
  const parts = tokens.map((token) => {
    if (token === "{") depth += 1;
    if (token === "}") depth -= 1;
    return globToken(token, depth);
  });
  if (depth !== 0) throw new SyntaxError(`unbalanced braces in origin pattern "${glob}"`);
  return new RegExp(`^${parts.join("")}$`, "su");
}

function globToken(token: string, depth: number): string {
  if (token.startsWith("*")) return ".*";
  if (token === "?") return ".";
  if (token === "{") return "(?:";
  if (token === "}") return ")";
  if (token === "," && depth > 0) return "|";
  if (token.startsWith("[")) return token.replace("[!", "[^");
  return RegExp.escape(token.replace(/^\\/u, ""));
}
