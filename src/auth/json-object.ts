import type { TokenRefusal } from "../core/refusal.ts";
import { asBuffer, JsonDecodeError, rawMembers } from "../lib/json/raw-json.ts";
import { invalidToken } from "./token-refusal.ts";

/** The number grammar of JSON, which dates may use inside a string too. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
const INTEGER = /^-?\d+$/;
/** First byte of `null`, and of no other JSON value. */
const FIRST_OF_NULL = 0x6e;

/**
 * A JSON object of a token, read member by member with a fixed type each.
 *
 * A member that is `null` counts as absent, except for `raw`. Names match exactly; of equal names the last
 * one counts. Every reader throws Disconnect 3500 where the type does not fit.
 */
export class JsonObject {
  readonly #members: ReadonlyMap<string, Uint8Array>;

  private constructor(members: ReadonlyMap<string, Uint8Array>) {
    this.#members = members;
  }

  /** Reads the members of one of a token's parts; `what` is its name in failures. */
  static parse(json: Uint8Array, what: string): JsonObject {
    return JsonObject.#read(json, what, "token_malformed");
  }

  static #read(json: Uint8Array, what: string, reason: TokenRefusal): JsonObject {
    try {
      return new JsonObject(rawMembers(json));
    } catch (error) {
      if (!(error instanceof JsonDecodeError)) throw error;
      throw invalidToken(reason, `${what} is not a JSON object`, error);
    }
  }

  /** A string; "" when absent. */
  string(name: string): string {
    const value = this.#value(name) ?? "";
    if (typeof value !== "string") throw wrongType(name, "a string");
    return value.toWellFormed();
  }

  /** A list of strings; empty when absent. */
  strings(name: string): readonly string[] {
    const value = this.#value(name) ?? [];
    if (!isStrings(value)) throw wrongType(name, "a list of strings");
    return value.map((item) => item.toWellFormed());
  }

  /** A list of strings, or a single one. */
  stringOrStrings(name: string): readonly string[] {
    return typeof this.#value(name) === "string" ? [this.string(name)] : this.strings(name);
  }

  /** A date in Unix seconds, fractions included: a number, or a string that spells one. */
  date(name: string): number | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    const seconds = typeof value === "string" && NUMBER.test(value) ? Number(value) : value;
    if (typeof seconds !== "number" || !Number.isFinite(seconds)) throw wrongType(name, "a date");
    return seconds;
  }

  /** A whole number. */
  integer(name: string): number | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isInteger(value)) throw wrongType(name, "a whole number");
    return value;
  }

  /** True or false; undefined when absent. */
  boolean(name: string): boolean | undefined {
    const value = this.#value(name);
    if (value !== undefined && typeof value !== "boolean") throw wrongType(name, "true or false");
    return value;
  }

  /** A string, or the text of a number or a truth value; "" when absent. Whole numbers keep their digits. */
  text(name: string): string {
    const value = this.#value(name);
    if (typeof value === "boolean") return String(value);
    if (typeof value !== "number") return this.string(name);
    const spelling = this.#spelling(name) ?? "";
    return INTEGER.test(spelling) ? spelling : String(value);
  }

  /** A copy of the member's bytes as they stand, `null` included; undefined when absent. */
  raw(name: string): Uint8Array | undefined {
    const json = this.#members.get(name);
    // What a connection keeps of its token must not keep the whole token in memory.
    return json === undefined ? undefined : new Uint8Array(json);
  }

  /** An object; undefined when absent. */
  object(name: string): JsonObject | undefined {
    const json = this.#members.get(name);
    return json === undefined || json[0] === FIRST_OF_NULL
      ? undefined
      : JsonObject.#read(json, name, "token_bad_claim");
  }

  /** All members, each of which must be an object; one that is `null` counts as empty. */
  *objects(): Generator<readonly [name: string, object: JsonObject], void, undefined> {
    for (const name of this.#members.keys()) yield [name, this.object(name) ?? new JsonObject(new Map())];
  }

  /** All members, each of which must be a string; one that is `null` counts as "". */
  stringMembers(): ReadonlyMap<string, string> {
    return new Map([...this.#members.keys()].map((name) => [name, this.string(name)]));
  }

  /** The member's value; undefined when it is absent or null. */
  #value(name: string): unknown {
    const spelling = this.#spelling(name);
    return spelling === undefined ? undefined : (JSON.parse(spelling) ?? undefined);
  }

  #spelling(name: string): string | undefined {
    const json = this.#members.get(name);
    return json === undefined ? undefined : asBuffer(json).toString();
  }
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function wrongType(name: string, type: string): Error {
  return invalidToken("token_bad_claim", `${name} is not ${type}`);
}
