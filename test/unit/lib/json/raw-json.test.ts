import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compactJson, escapeHtml, quoteJson } from "../../../../src/lib/json/encode-message.ts";
import {
  isJson,
  JsonDecodeError,
  jsonValues,
  rawItems,
  rawMembers,
} from "../../../../src/lib/json/raw-json.ts";

const bytes = (text: string): Buffer => Buffer.from(text);
const texts = (values: Iterable<Uint8Array>): string[] =>
  [...values].map((value) => Buffer.from(value).toString());

/** How many bytes the values take together, and what went wrong. */
function readAll(json: Uint8Array): { total: number; error?: unknown } {
  let total = 0;
  try {
    for (const value of jsonValues(json)) total += value.length;
    return { total };
  } catch (error) {
    return { total, error };
  }
}

/** Any JSON value, written with any white space between its tokens. */
const anyJson = fc
  .tuple(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t", "\r\n "))
  .map(([value, indent]) => JSON.stringify(value, undefined, indent));

describe("isJson", () => {
  it.each(["null", " 1 ", '"a"', "[]", '{"a":[1,{"b":null}]}', "1e3", '"é"'])("%s is JSON", (text) => {
    expect(isJson(bytes(text))).toBe(true);
  });

  it.each(["", " ", "{}{}", "nul", '"a', "[1,]", "01", "\u00a01", '"\n"', "\ufeff1"])("%j is not", (text) => {
    expect(isJson(bytes(text))).toBe(false);
  });

  it("text that is not UTF-8 is not JSON", () => {
    expect(isJson(Buffer.from([0x22, 0xff, 0x22]))).toBe(false);
    expect(isJson(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toBe(false);
  });

  it("agrees with JSON.parse on any text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyJson,
          fc.string({ unit: "binary" }).filter((s) => s.isWellFormed()),
        ),
        (text) => {
          let parses = true;
          try {
            JSON.parse(text);
          } catch {
            parses = false;
          }
          expect(isJson(bytes(text))).toBe(parses);
        },
      ),
    );
  });

  it("nesting costs no stack", () => {
    const deep = bytes("[".repeat(1_000_000) + "]".repeat(1_000_000));
    expect(isJson(deep)).toBe(true);
    expect([...jsonValues(deep)]).toHaveLength(1);
    expect(isJson(deep.subarray(0, -1))).toBe(false);
  });
});

describe("rawMembers", () => {
  it("members are parts of the input, the last of a name counts, names are decoded", () => {
    const json = bytes(' {"a" : 1.50 ,"b":{"a":[2, "}"]},"\\u0061":"é\\"" , "ü":null}\n');
    const members = rawMembers(json);
    expect([...members].map(([name, value]) => [name, Buffer.from(value).toString()])).toEqual([
      ["a", '"é\\""'],
      ["b", '{"a":[2, "}"]}'],
      ["ü", "null"],
    ]);
    expect(members.get("b")?.buffer).toBe(json.buffer);
  });

  it.each(["[]", "null", "1", "", "{", '{"a":1}}', '{"a":1}{}', '{"a"}'])("%j has no members", (text) => {
    expect(() => rawMembers(bytes(text))).toThrow(JsonDecodeError);
  });

  it("members of any object are what JSON.parse finds", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), anyJson), (object) => {
        const wellFormed = Object.entries(object).map(
          ([name, value]) => [name.toWellFormed(), value] as const,
        );
        const json = bytes(
          `{${wellFormed.map(([name, value]) => `${JSON.stringify(name)}:\n${value}`).join(" , ")}}`,
        );
        const found = [...rawMembers(json)].map(([name, value]) => [name, Buffer.from(value).toString()]);
        expect(new Map(found as [string, string][])).toEqual(new Map(wellFormed));
      }),
    );
  });
});

describe("rawItems", () => {
  it.each([
    ["[]", []],
    [" [ ] ", []],
    ['[1, "]" ,[[]],{"a":[2]}]', ["1", '"]"', "[[]]", '{"a":[2]}']],
    ['["é"]', ['"é"']],
  ])("%s", (json, items) => {
    expect(texts(rawItems(bytes(json)))).toEqual(items);
  });

  it.each(["", "{}", "1", "[1", "[1,]", "[] []"])("%j is no array", (json) => {
    expect(() => texts(rawItems(bytes(json)))).toThrow(JsonDecodeError);
  });

  it("the items are those of the array", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 1, "\r\n\t "), (values, indent) => {
        const json = JSON.stringify(values, undefined, indent);
        const items = texts(rawItems(bytes(json))).map((item) => JSON.parse(item) as unknown);
        expect(JSON.stringify(items)).toBe(JSON.stringify(values));
      }),
    );
  });
});

describe("jsonValues", () => {
  it("values need nothing between them", () => {
    expect(texts(jsonValues(bytes('{}[1]"a""b" 1\n2nulltrue-3.5e1 ')))).toEqual([
      "{}",
      "[1]",
      '"a"',
      '"b"',
      "1",
      "2",
      "null",
      "true",
      "-3.5e1",
    ]);
  });

  it("white space alone is no value", () => {
    expect([...jsonValues(bytes(" \n\t\r "))]).toEqual([]);
  });

  it("values before the first bad one come out", () => {
    const values = jsonValues(bytes('{"a":1} {b}'));
    expect(texts([values.next().value ?? bytes("")])).toEqual(['{"a":1}']);
    expect(() => values.next()).toThrow(JsonDecodeError);
  });

  it("garbage makes nothing but JsonDecodeError", () => {
    const garbage = fc.oneof(
      fc.uint8Array(),
      fc.string().map(bytes),
      fc.stringMatching(/^[[\]{}",:\\0e. nul-]*$/).map(bytes),
    );
    fc.assert(
      fc.property(garbage, (json) => {
        const { total, error } = readAll(json);
        expect(total).toBeLessThanOrEqual(json.length);
        expect(error === undefined || error instanceof JsonDecodeError).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("quoteJson", () => {
  it("api 51: escapes what HTML and JavaScript would misread", () => {
    expect(quoteJson("<b>&\u2028\u2029")).toBe('"\\u003cb\\u003e\\u0026\\u2028\\u2029"');
  });

  it("any text survives", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const quoted = quoteJson(text);
        expect(JSON.parse(quoted)).toBe(text.toWellFormed());
        expect(quoted).toBe(escapeHtml(quoted));
      }),
    );
  });
});

describe("compactJson", () => {
  it("drops white space between tokens and nothing else", () => {
    const json = bytes(' { "b c" : [ 1.50 , "x\\n \\" y" ] ,\r\n\t"a":"<é>" } ');
    expect(compactJson(json)).toBe('{"b c":[1.50,"x\\n \\" y"],"a":"\\u003cé\\u003e"}');
  });

  it("any value survives", () => {
    fc.assert(
      fc.property(anyJson, (json) => {
        const compact = compactJson(bytes(json));
        expect(compact).toBe(escapeHtml(JSON.stringify(JSON.parse(json))));
      }),
    );
  });

  it("refuses what is not JSON", () => {
    expect(() => compactJson(bytes("\0\x01"))).toThrow(JsonDecodeError);
  });
});
