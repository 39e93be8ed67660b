import { escapeHtml } from "./quote.ts";
import { asBuffer, readJson } from "./raw-json.ts";
import { skipSpace, stringEnd } from "./scan.ts";

const SPACE = /[ \t\r\n]/;

/**
 * Raw JSON as it is embedded in a document: without white space between tokens, and with `<`, `>`, `&`,
 * U+2028 and U+2029 escaped. Everything else stays as written.
 * @throws JsonDecodeError if the bytes are not JSON
 */
export function compactJson(json: Uint8Array): string {
  readJson(json);
  const text = asBuffer(json).toString();
  return escapeHtml(SPACE.test(text) ? withoutSpace(text) : text);
}

function withoutSpace(text: string): string {
  const parts: string[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const start = at;
    at = runEnd(text, at);
    parts.push(text.slice(start, at));
    at = skipSpace(text, at);
  }
  return parts.join("");
}

/** Position after the run of tokens at `at` that has no white space between them. */
function runEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && text.charCodeAt(at) > 0x20) at = text[at] === '"' ? stringEnd(text, at) : at + 1;
  return at;
}
