import { create, type DescMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import { type FieldPlan, messagePlan, type MessagePlan, type ValuePlan, zeroValue } from "./message-plan.ts";
import { asBuffer, JsonDecodeError, readFirstJson, readJson, stringAt } from "./raw-json.ts";
import { memberValue, nextItem, skipSpace, stringEnd, valueEnd } from "./scan.ts";

/** How to read. */
export interface DecodeOptions {
  /** What may stand after the value: nothing but white space, or anything. Default: "refuse". */
  readonly trailing?: "refuse" | "ignore";
  /** Collects the messages that stand for a `null` among the items of a list. Without it they look like `{}`. */
  readonly nullItems?: Set<Message>;
}

/** Messages within messages, at most. */
const MAX_DEPTH = 100;

/**
 * Reads a message from Centrifugo's JSON (docs/protocols/server-api.md §1.4), which is not protobuf's JSON mapping.
 *
 * Names are those of the schema, matched exactly, else without regard to case; unknown ones are ignored, of
 * repeated ones the last counts. `null` leaves a field unset, but for `bytes` it is a value. `bytes` hold raw
 * JSON and come out as a part of `json`, byte for byte. Integers must be written as integers. `null` as a
 * whole is an empty message, and so is `null` in a list or map of messages.
 * @throws JsonDecodeError and nothing else
 */
export function decodeMessage<Desc extends DescMessage>(
  desc: Desc,
  json: Uint8Array,
  options: DecodeOptions = {},
): MessageShape<Desc> {
  const text = options.trailing === "ignore" ? readFirstJson(json) : readJson(json);
  const message = create(desc);
  new MessageReader(json, text, options.nullItems).readRoot(messagePlan(desc), message);
  return message;
}

/** A message seen as the record its plan says it is. */
type Fields = Record<string, unknown>;

/**
 * One pass over checked JSON. Positions count bytes; `text` has one character per byte.
 *
 * Every `read…` method begins with the cursor at a value and leaves it after the value.
 */
class MessageReader {
  readonly #json: Uint8Array;
  readonly #text: string;
  readonly #nullItems: Set<Message> | undefined;
  /** For strings outside ASCII. */
  readonly #bytes: Buffer;
  readonly #path: (string | number)[] = [];
  #at: number;
  #depth = 0;

  constructor(json: Uint8Array, text: string, nullItems: Set<Message> | undefined) {
    this.#json = json;
    this.#text = text;
    this.#nullItems = nullItems;
    this.#bytes = asBuffer(json);
    this.#at = skipSpace(text, 0);
  }

  readRoot(plan: MessagePlan, message: Message): void {
    if (!this.#isNull()) this.#readInto(plan, message);
  }

  #readInto(plan: MessagePlan, message: Message): void {
    if (++this.#depth > MAX_DEPTH) throw this.#error("nested too deeply");
    // Plans name the properties that generated messages have.
    const fields = message as unknown as Fields;
    this.#open("{", "expected an object");
    while (this.#text[this.#at] !== "}") {
      const field = this.#readFieldName(plan);
      if (field === undefined) this.#readToken();
      else this.#readField(field, fields);
      this.#at = nextItem(this.#text, this.#at);
    }
    this.#at++;
    this.#depth--;
  }

  /** Reads a name and goes on to its value; undefined for a name that is not in the plan. */
  #readFieldName(plan: MessagePlan): FieldPlan | undefined {
    const start = this.#at;
    const end = stringEnd(this.#text, start);
    this.#at = memberValue(this.#text, end);
    const plain = plan.fields.get(this.#text.slice(start + 1, end - 1));
    if (plain !== undefined) return plain;
    const name = stringAt(this.#bytes, this.#text, start, end);
    return plan.fields.get(name) ?? plan.fieldsByLowerCase.get(name.toLowerCase());
  }

  #readField(field: FieldPlan, fields: Fields): void {
    this.#path.push(field.name);
    if (this.#isNull() && !(field.shape === "single" && field.value.type === "raw")) {
      this.#readToken();
      if (field.unset !== undefined) fields[field.property] = field.unset();
    } else {
      fields[field.property] = this.#readShape(field);
    }
    this.#path.pop();
  }

  #readShape(field: FieldPlan): unknown {
    switch (field.shape) {
      case "single":
        return this.#readValue(field.value);
      case "list":
        return this.#readList(field.value);
      case "map":
        return this.#readMap(field.value);
    }
  }

  #readList(plan: ValuePlan): unknown[] {
    this.#open("[", "expected an array");
    const list: unknown[] = [];
    while (this.#text[this.#at] !== "]") {
      this.#path.push(list.length);
      list.push(this.#readItem(plan));
      this.#path.pop();
      this.#at = nextItem(this.#text, this.#at);
    }
    this.#at++;
    return list;
  }

  #readMap(plan: ValuePlan): Fields {
    this.#open("{", "expected an object");
    const map: Fields = {};
    while (this.#text[this.#at] !== "}") {
      const keyEnd = stringEnd(this.#text, this.#at);
      const key = stringAt(this.#bytes, this.#text, this.#at, keyEnd);
      this.#at = memberValue(this.#text, keyEnd);
      this.#path.push(key);
      setOwn(map, key, this.#readItem(plan));
      this.#path.pop();
      this.#at = nextItem(this.#text, this.#at);
    }
    this.#at++;
    return map;
  }

  /** An item of a list or a map: there must be something even for null. */
  #readItem(plan: ValuePlan): unknown {
    if (plan.type === "raw" || !this.#isNull()) return this.#readValue(plan);
    this.#readToken();
    if (plan.type !== "message") return zeroValue(plan);
    const message = create(plan.desc);
    this.#nullItems?.add(message);
    return message;
  }

  #readValue(plan: ValuePlan): unknown {
    switch (plan.type) {
      case "string":
        return this.#readString();
      case "raw": {
        const start = this.#at;
        this.#at = valueEnd(this.#text, start);
        return this.#json.subarray(start, this.#at);
      }
      case "bool":
        return this.#readBool();
      case "float":
        return this.#readFloat();
      case "int":
        return Number(this.#readInteger(plan.min, plan.max));
      case "bigint":
        return this.#readInteger(plan.min, plan.max);
      case "message": {
        const message = create(plan.desc);
        this.#readInto(messagePlan(plan.desc), message);
        return message;
      }
    }
  }

  #readString(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#error("expected a string");
    this.#at = stringEnd(this.#text, start);
    return stringAt(this.#bytes, this.#text, start, this.#at);
  }

  #readBool(): boolean {
    const token = this.#readToken();
    if (token !== "true" && token !== "false") throw this.#error("expected true or false");
    return token === "true";
  }

  #readFloat(): number {
    const token = this.#readToken();
    const value = NUMBER_START.test(token) ? Number(token) : Number.NaN;
    if (!Number.isFinite(value)) throw this.#error("expected a number");
    return value;
  }

  #readInteger(min: bigint, max: bigint): bigint {
    const token = this.#readToken();
    // "-0" is an integer, but no unsigned one.
    if (token.length > INTEGER_MAX_LENGTH || !INTEGER.test(token) || (min === 0n && token.startsWith("-"))) {
      throw this.#error("expected an integer");
    }
    const value = BigInt(token);
    if (value < min || value > max) throw this.#error("integer out of range");
    return value;
  }

  /** The text of any value. */
  #readToken(): string {
    const start = this.#at;
    this.#at = valueEnd(this.#text, start);
    return this.#text.slice(start, this.#at);
  }

  /** Goes into an object or array. */
  #open(bracket: "{" | "[", complaint: string): void {
    if (this.#text[this.#at] !== bracket) throw this.#error(complaint);
    this.#at = skipSpace(this.#text, this.#at + 1);
  }

  #isNull(): boolean {
    return this.#text[this.#at] === "n";
  }

  #error(message: string): JsonDecodeError {
    return new JsonDecodeError(message, this.#path.join("."));
  }
}

const NUMBER_START = /^[-0-9]/;
const INTEGER = /^-?[0-9]+$/;
/** "-9223372036854775808" and "18446744073709551615". */
const INTEGER_MAX_LENGTH = 20;

/** Sets a member of a map; the name "__proto__" is one like any other. */
function setOwn(map: Fields, key: string, value: unknown): void {
  if (key !== "__proto__") map[key] = value;
  else Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
}
