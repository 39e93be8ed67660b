import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type FieldPlan, messagePlan, type MessagePlan, type ValuePlan } from "./message-plan.ts";
import { asBuffer, readJson } from "./raw-json.ts";
import { skipSpace, stringEnd } from "./scan.ts";

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

/** A message holds something that JSON cannot. */
export class JsonEncodeError extends Error {
  override readonly name = "JsonEncodeError";
}

/**
 * Writes messages as Centrifugo's JSON (docs/protocols/server-api.md §1.4), which is not protobuf's JSON mapping.
 *
 * Names are those of the schema, in its order. Zero and empty values are left out, but for the fields named
 * in `alwaysPrinted` as `Message.field`. 64-bit integers are numbers, `bytes` are embedded as raw JSON without
 * white space between tokens, map keys are sorted (and all there is of the maps in `keysOnly`), and `<`, `>`, `&`, U+2028 and U+2029 are escaped.
 */
export class MessageEncoder {
  readonly #alwaysPrinted: ReadonlySet<string>;
  readonly #keysOnly: ReadonlySet<string>;

  constructor(alwaysPrinted: ReadonlySet<string> = new Set(), keysOnly: ReadonlySet<string> = new Set()) {
    this.#alwaysPrinted = alwaysPrinted;
    this.#keysOnly = keysOnly;
  }

  /** @throws JsonEncodeError if `bytes` of the message are not JSON or a number is not finite */
  encode<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): string {
    return this.#object(messagePlan(desc), message);
  }

  #object(plan: MessagePlan, message: unknown): string {
    // Plans name the properties that generated messages have.
    const values = message as Readonly<Record<string, unknown>>;
    let members = "";
    for (const field of plan.fields.values()) {
      const text = this.#field(field, values[field.property]);
      if (text !== undefined) members += `${members === "" ? "" : ","}"${field.name}":${text}`;
    }
    return `{${members}}`;
  }

  /** Undefined where the field is left out. */
  #field(field: FieldPlan, value: unknown): string | undefined {
    const mayBeEmpty = this.#alwaysPrinted.has(field.fullName);
    switch (field.shape) {
      case "single":
        return value === undefined || (isZero(value) && !mayBeEmpty)
          ? undefined
          : this.#value(field.value, value);
      case "list": {
        const items = (value as readonly unknown[]).map((item) => this.#value(field.value, item));
        return items.length === 0 && !mayBeEmpty ? undefined : `[${items.join(",")}]`;
      }
      case "map": {
        const entries = Object.entries(value as Readonly<Record<string, unknown>>);
        sortByKey(entries);
        if (this.#keysOnly.has(field.fullName) && entries.length > 0) {
          return `[${entries.map(([key]) => quoteJson(key)).join(",")}]`;
        }
        const members = entries.map(([key, item]) => `${quoteJson(key)}:${this.#value(field.value, item)}`);
        return members.length === 0 && !mayBeEmpty ? undefined : `{${members.join(",")}}`;
      }
    }
  }

  #value(plan: ValuePlan, value: unknown): string {
    switch (plan.type) {
      case "string":
        return quoteJson(value as string);
      case "raw":
        return rawText(value as Uint8Array);
      case "float":
        if (!Number.isFinite(value)) throw new JsonEncodeError("number is not finite");
        return String(value);
      case "bool":
      case "int":
      case "bigint":
        return String(value);
      case "message":
        return this.#object(messagePlan(plan.desc), value);
    }
  }
}

function rawText(json: Uint8Array): string {
  try {
    return compactJson(json);
  } catch (cause) {
    throw new JsonEncodeError("payload is not JSON", { cause });
  }
}

function isZero(value: unknown): boolean {
  return (
    value === "" ||
    value === 0 ||
    value === 0n ||
    value === false ||
    (value instanceof Uint8Array && value.length === 0)
  );
}

/** In the order of the keys' UTF-8 bytes, which strings have too, except for pairs of surrogates. */
function sortByKey(entries: [string, unknown][]): void {
  if (entries.length < 2) return;
  const isSimple = !entries.some(([key]) => SURROGATE.test(key));
  entries.sort(isSimple ? byUnits : byBytes);
}

const SURROGATE = /[\ud800-\udfff]/;

function byUnits([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function byBytes([a]: [string, unknown], [b]: [string, unknown]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
