import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { compactJson } from "./compact.ts";
import { type FieldPlan, messagePlan, type MessagePlan, type ValuePlan } from "./message-plan.ts";
import { quoteJson } from "./quote.ts";

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
