import { isUtf8 } from "node:buffer";
import { nextItem, objectMembers, skipSpace, valueEnd } from "./scan.ts";

/** The bytes are not JSON, or not the JSON that was expected. */
export class JsonDecodeError extends Error {
  override readonly name = "JsonDecodeError";
  /** Names and indexes from the top of the document to the offending value, for example `tags.colour`; "" for the top. */
  readonly path: string;

  constructor(message: string, path = "", options?: ErrorOptions) {
    super(path === "" ? message : `${path}: ${message}`, options);
    this.path = path;
  }
}

/** What is wrong with JSON that an error has come of, which repeats nothing of it; "" for other errors. */
export function jsonFaultOf(error: unknown): string {
  if (error instanceof JsonDecodeError) return error.message;
  return error instanceof Error && error.cause instanceof JsonDecodeError ? error.cause.message : "";
}

/** Whether the bytes are one JSON value (RFC 8259, strict UTF-8) with nothing but white space around it. */
export function isJson(json: Uint8Array): boolean {
  return isUtf8(json) && isJsonText(latin1(json));
}

/**
 * Checks that the bytes are one JSON value and nothing else, and returns them as text of one character per
 * byte, so that positions in the text are positions in the bytes.
 *
 * What this text is for is structure; strings outside ASCII are read from the bytes.
 * @throws JsonDecodeError otherwise
 */
export function readJson(json: Uint8Array): string {
  const text = readUtf8(json);
  checkJson(text);
  return text;
}

/** The same for the first value of the bytes, whatever follows it; the text ends with the value. */
export function readFirstJson(json: Uint8Array): string {
  const text = readUtf8(json);
  const end = valueEnd(text, skipSpace(text, 0));
  if (end < 0) throw new JsonDecodeError("JSON value has no end");
  const first = text.slice(0, end);
  checkJson(first);
  return first;
}

/**
 * The values of a concatenation of JSON values, with or without white space between them, as parts of the
 * given bytes.
 *
 * Each value is checked when its turn comes.
 * @throws JsonDecodeError at the first value that is not JSON
 */
export function* jsonValues(json: Uint8Array): Generator<Uint8Array, void, undefined> {
  const text = readUtf8(json);
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const end = valueEnd(text, at);
    if (end < 0) throw new JsonDecodeError("JSON value has no end");
    checkJson(text.slice(at, end));
    yield json.subarray(at, end);
    at = skipSpace(text, end);
  }
}

/**
 * The members of a JSON object, as parts of the given bytes, by their decoded names.
 *
 * Of members with the same name the last one counts.
 * @throws JsonDecodeError if the bytes are anything but one JSON object
 */
export function rawMembers(json: Uint8Array): Map<string, Uint8Array> {
  const text = readJson(json);
  const members = new Map<string, Uint8Array>();
  const bytes = asBuffer(json);
  const at = skipSpace(text, 0);
  if (text[at] !== "{") throw new JsonDecodeError("expected an object");
  for (const { keyAt, keyEnd, valueAt, valueEnd: end } of objectMembers(text, at)) {
    members.set(stringAt(bytes, text, keyAt, keyEnd), json.subarray(valueAt, end));
  }
  return members;
}

/**
 * The items of a JSON array, as parts of the given bytes.
 *
 * @throws JsonDecodeError if the bytes are anything but one JSON array
 */
export function* rawItems(json: Uint8Array): Generator<Uint8Array, void, undefined> {
  const text = readJson(json);
  const start = skipSpace(text, 0);
  if (text[start] !== "[") throw new JsonDecodeError("expected an array");
  let at = skipSpace(text, start + 1);
  while (text[at] !== "]") {
    const end = valueEnd(text, at);
    yield json.subarray(at, end);
    at = nextItem(text, end);
  }
}

/** From this length on, V8 makes a part of a string a view that keeps the whole string in memory. */
const SLICED_STRING_MIN_LENGTH = 13;
const BEYOND_ASCII = /[^\0-\x7f]/;

/**
 * The string whose token, quotes included, stands from `at` to `end` of checked JSON.
 *
 * Halves of surrogate pairs become U+FFFD, as they do in any text that goes through UTF-8.
 */
export function stringAt(bytes: Buffer, text: string, at: number, end: number): string {
  const inside = text.slice(at + 1, end - 1);
  if (inside.includes("\\")) {
    const decoded: unknown = JSON.parse(bytes.toString("utf8", at, end));
    return String(decoded).toWellFormed();
  }
  if (inside.length < SLICED_STRING_MIN_LENGTH && !BEYOND_ASCII.test(inside)) return inside;
  return bytes.toString("utf8", at + 1, end - 1);
}

/** The same bytes as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function latin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("latin1");
}

function readUtf8(json: Uint8Array): string {
  if (!isUtf8(json)) throw new JsonDecodeError("not UTF-8");
  return latin1(json);
}

// JSON's grammar is ASCII outside strings and lets any other character stand inside them, so one character
// per byte parses exactly when the decoded text does.
function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new JsonDecodeError("not JSON", "", { cause });
  }
}
