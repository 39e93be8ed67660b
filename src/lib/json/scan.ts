/**
 * Finding one's way through JSON text without parsing it.
 *
 * Nothing here recurses, so nesting costs no stack, and reading past the end yields "no end" (-1).
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Position of the first character from `at` on that is not JSON white space. */
export function skipSpace(text: string, at: number): number {
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at++;
  }
}

/**
 * Position after the value that begins at `at`; -1 if it has no end.
 *
 * In text that is not valid JSON the value that is found may be invalid too; if it is valid, it is the one
 * that begins there.
 */
export function valueEnd(text: string, at: number): number {
  switch (text.charCodeAt(at)) {
    case QUOTE:
      return stringEnd(text, at);
    case OPEN_BRACE:
    case OPEN_BRACKET:
      return containerEnd(text, at);
    default:
      return scalarEnd(text, at);
  }
}

/** Position after the string whose opening quote is at `at`; -1 if it has no end. */
export function stringEnd(text: string, at: number): number {
  let quoteAt = at;
  for (;;) {
    quoteAt = text.indexOf('"', quoteAt + 1);
    if (quoteAt < 0) return -1;
    let slashes = 0;
    while (text.charCodeAt(quoteAt - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return quoteAt + 1;
  }
}

/** Where a member of an object stands; the key with its quotes. */
export interface MemberSpan {
  readonly keyAt: number;
  readonly keyEnd: number;
  readonly valueAt: number;
  readonly valueEnd: number;
}

/** The members of the object that begins at `at` of valid JSON. */
export function* objectMembers(text: string, at: number): Generator<MemberSpan, void, undefined> {
  let keyAt = skipSpace(text, at + 1);
  while (text.charCodeAt(keyAt) === QUOTE) {
    const keyEnd = stringEnd(text, keyAt);
    const valueAt = memberValue(text, keyEnd);
    const end = valueEnd(text, valueAt);
    yield { keyAt, keyEnd, valueAt, valueEnd: end };
    keyAt = nextItem(text, end);
  }
}

/** Position of the value of the member whose key ends at `keyEnd` of valid JSON. */
export function memberValue(text: string, keyEnd: number): number {
  return skipSpace(text, skipSpace(text, keyEnd) + 1);
}

/** Position of the item or key after the value that ends at `at` of valid JSON, or of the closing bracket. */
export function nextItem(text: string, at: number): number {
  const next = skipSpace(text, at);
  return text.charCodeAt(next) === COMMA ? skipSpace(text, next + 1) : next;
}

/** Counts brackets of both kinds alike: a mismatch makes an invalid value, which its parser finds. */
function containerEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at) - 1;
        if (at < 0) return -1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        if (depth === 0) return at + 1;
        break;
    }
  }
  return -1;
}

const NUMBER = /-?[0-9.eE+-]+/y;
const LITERALS = ["null", "true", "false"];

function scalarEnd(text: string, at: number): number {
  NUMBER.lastIndex = at;
  if (NUMBER.test(text)) return NUMBER.lastIndex;
  const literal = LITERALS.find((word) => text.startsWith(word, at));
  return literal === undefined ? -1 : at + literal.length;
}
