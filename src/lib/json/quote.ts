/** Text that stands between quotes as it is: printable ASCII without `"`, `\`, `<`, `>` and `&`. */
const PLAIN = /^[ !#-%'-;=?-[\]-~]*$/;
const SPECIAL = /[<>&\u2028\u2029]/g;

/**
 * A string as JSON, safe inside HTML and JavaScript: `<`, `>`, `&`, U+2028 and U+2029 are escaped.
 *
 * Halves of surrogate pairs become U+FFFD.
 */
export function quoteJson(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  return escapeHtml(JSON.stringify(value.toWellFormed()));
}

/** Replaces the five characters in JSON text; they can only stand inside its strings. */
export function escapeHtml(json: string): string {
  return json.replace(SPECIAL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
