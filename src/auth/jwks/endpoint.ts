import { describeStatus, type HttpLimits, sendRequest } from "../../lib/http-client.ts";
import type { Captures } from "../expected-parties.ts";
import { invalidToken } from "../token-refusal.ts";

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
const HOST_PART = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i;
/** Scheme and authority of a URL, with any placeholders. */
const BEFORE_PATH = /^[^/?#]*:\/\/[^/?#]*/;

/**
 * Where a key set is published: a URL that may have placeholders, `https://id.example/{{tenant}}/keys`, for what
 * the named groups of the patterns for issuer and audience matched.
 *
 * Strangers choose those texts, so a token is refused whose text would lead outside the shape of the URL: an empty
 * one, one that is no part of a host name where it stands in the host, and one that adds `..` or `//` to the path.
 * What else has a meaning in URLs, such as `?` and `%`, is escaped.
 */
export class JwksEndpoint {
  /** Text and names by turns: text, name, text, name, text. */
  readonly #pieces: readonly string[];
  /** How many pieces begin in front of the path. */
  readonly #hostPieces: number;

  /** Throws SyntaxError where no captures can make a URL of it. */
  constructor(template: string) {
    this.#pieces = template.split(PLACEHOLDER);
    this.#hostPieces = countHostPieces(this.#pieces);
    if (this.#pieces.some((piece, index) => index % 2 === 0 && /\{\{|\}\}/.test(piece))) {
      throw new SyntaxError("`{{` and `}}` must enclose the name of a group");
    }
    const url = this.#fill(() => "x");
    if (url === undefined) throw new SyntaxError("not a URL with a path in its shortest form");
    if (url.protocol !== "https:" && url.protocol !== "http:") throw new SyntaxError("not an http(s) URL");
    if (url.username !== "" || url.password !== "") throw new SyntaxError("cannot have user and password");
  }

  /** Names of the placeholders; empty where there is one URL only. */
  get placeholders(): readonly string[] {
    return this.#pieces.filter((_, index) => index % 2 === 1);
  }

  /** The URL for a token; throws Disconnect 3500. Calls `captures` only where there are placeholders. */
  urlFor(captures: () => Captures): string {
    const values = this.#pieces.length > 1 ? captures() : new Map<string, string>();
    const url = this.#fill((name) => values.get(name) ?? "");
    if (url === undefined) {
      throw invalidToken("token_unknown_key", "captures do not fit the endpoint of the key set");
    }
    return url.href;
  }

  #fill(valueOf: (name: string) => string): URL | undefined {
    let text = "";
    for (const [index, piece] of this.#pieces.entries()) {
      const filled = index % 2 === 0 ? piece : fillIn(valueOf(piece), index < this.#hostPieces);
      if (filled === undefined) return undefined;
      text += filled;
    }
    const url = URL.parse(text) ?? undefined;
    if (this.#pieces.length === 1 || url === undefined) return url;
    return pathIsNormalised(text, url) ? url : undefined;
  }
}

function countHostPieces(pieces: readonly string[]): number {
  let text = "";
  for (const [index, piece] of pieces.entries()) {
    text += index % 2 === 0 ? piece : "x";
    if (BEFORE_PATH.exec(text)?.[0] !== text && text.includes("://")) return index + 1;
  }
  return pieces.length;
}

/** The text that stands for a placeholder; undefined where it cannot. */
function fillIn(value: string, isInHost: boolean): string | undefined {
  if (isInHost) return HOST_PART.test(value) ? value : undefined;
  return value === "" ? undefined : value.split("/").map(encodeURIComponent).join("/");
}

/** URL has resolved `.` and `..` already, so the path then differs from its text. */
function pathIsNormalised(text: string, url: URL): boolean {
  const path = text.replace(BEFORE_PATH, "").replace(/[?#].*$/s, "");
  return !path.includes("//") && url.pathname === (path === "" ? "/" : path);
}

/** What a download may cost. */
export interface FetchLimits extends HttpLimits {
  /** Attempts, back to back. At least 1. */
  readonly attempts: number;
}

/** Downloads a document with GET; rejects with an Error that names the URL and what the last attempt failed of. */
export async function fetchDocument(url: string, limits: FetchLimits): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(new URL(url), limits);
    } catch (error) {
      if (attempt >= limits.attempts) throw error;
    }
  }
}

async function fetchOnce(url: URL, limits: HttpLimits): Promise<Uint8Array> {
  const headers = { accept: "application/jwk-set+json, application/json" };
  const { status, body } = await sendRequest({ method: "GET", url, headers, wantsBody: true }, limits);
  if (status !== 200) throw new Error(`GET ${url.href}: ${describeStatus(status)}`);
  return body;
}
