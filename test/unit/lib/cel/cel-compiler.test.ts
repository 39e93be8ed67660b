import { CelScalar, mapType } from "@bufbuild/cel";
import { describe, expect, it } from "vitest";
import { CelCompiler, CelExpressionError } from "../../../../src/lib/cel/cel-compiler.ts";

const { DYN, INT, STRING } = CelScalar;
const compiler = new CelCompiler({
  user: STRING,
  meta: mapType(STRING, DYN),
  labels: mapType(STRING, STRING),
  at: INT,
});
const VARIABLES = {
  user: "42",
  meta: new Map<string, unknown>([
    ["age", 5n],
    ["score", 2.5],
    ["tags", ["a", "b"]],
    ["vip", true],
    ["numbers", Array.from({ length: 5_000 }, (_, at) => BigInt(at))],
    ["text", "a".repeat(60_000)],
    ["few", Array.from({ length: 100 }, (_, at) => BigInt(at))],
    ["tables", Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => 1n))],
  ]),
  labels: new Map([["tier", "gold"]]),
  at: 1_700_000_000_000n,
};

function failureOf(expression: string): string {
  try {
    compiler.compile(expression);
  } catch (error) {
    if (error instanceof CelExpressionError) return error.message;
    throw error;
  }
  return "none";
}

describe("evaluation", () => {
  it.each([
    'user == "42"',
    'user in ["1", "42"]',
    'user.startsWith("4") && user.matches("^[0-9]+$")',
    "meta.age + 1 == 6",
    "meta.age == 5.0 && meta.score > 2",
    "has(meta.vip) && meta.vip",
    "!has(meta.nope)",
    "'tier' in labels && labels.tier == 'gold'",
    'meta.tags.exists(tag, tag == "b")',
    'meta.tags.all(tag, size(tag) == 1) && meta.tags.exists_one(tag, tag == "a")',
    'meta.tags.filter(tag, tag != "a").size() == 1',
    'int(timestamp("2023-11-14T22:13:20Z")) * 1000 == at',
    'labels.nope == "x" || true',
    'meta.vip ? user == "42" : false',
    "type(user) == string",
    '{"a": user}["a"] == "42"',
  ])("%s holds", (expression) => {
    expect(compiler.compile(expression)(VARIABLES)).toBe(true);
  });

  it.each([
    'user == "43"',
    'labels.nope == "x"',
    'labels.nope == "x" && true',
    "meta.nope",
    "meta.age",
    'meta.age + "x" == "5x"',
    "1 / 0 == 1",
    "user in labels",
  ])("%s does not hold, or cannot be evaluated", (expression) => {
    expect(compiler.compile(expression)(VARIABLES)).toBe(false);
  });
});

describe("api 92: what is wrong is named with its column", () => {
  it.each([
    ["user ==", "column 6: syntax error: found = but expecting end of input"],
    ['user == "a" or true', "column 13: syntax error: found o but expecting end of input"],
    ["", "column 1: syntax error: "],
    ["nope == 1", "column 1: undeclared reference to 'nope'"],
    ['user == "1" &&\n  nope', "line 2, column 3: undeclared reference to 'nope'"],
    ["user == 42", "column 5: no matching overload for '==' applied to (string, int)"],
    ["user", "column 1: the result is of type 'string' instead of 'bool'"],
    ["user.name == 1", "column 5: type 'string' has no field 'name'"],
    ["user.foo()", "column 5: unknown function 'foo'"],
    ["!user", "column 1: no matching overload for '!' applied to (string)"],
    ["user.exists(c, true)", "column 1: type 'string' cannot be iterated over"],
    ["meta.tags.all(t, user)", "column 18: no matching overload for '&&' applied to (bool, string)"],
    ["1 in user", "column 2: no matching overload for 'in' applied to (int, string)"],
    ["Thing{a: 1} == 1", "column 1: unknown message type 'Thing'"],
    ['user.matches("(")', "column 14: bad regular expression: missing closing ): `(`"],
    ["user.matches(user)", "column 14: the pattern of 'matches' must be a text literal"],
    [
      'meta.tags.exists(tag, user.matches(tag + "$"))',
      "column 39: the pattern of 'matches' must be a text literal",
    ],
    ["(".repeat(1_025), "more than 1024 characters"],
    [`${"(".repeat(500)}true${")".repeat(500)}`, ""],
  ])("%s", (expression, message) => {
    expect(failureOf(expression)).toContain(message);
  });
});

describe("cost of an evaluation", () => {
  it.each([
    [
      "nested macros",
      "meta.numbers.exists(a, meta.numbers.exists(b, meta.numbers.exists(c, a + b + c < 0)))",
    ],
    ["a list that grows", "meta.numbers.map(a, a).size() > 0"],
    ["text that doubles", '["x"].map(a, [a + a].map(b, [b + b].map(c, c + user))).size() < 0'],
    ["a slow pattern on a long text", 'meta.text.matches("(a*)*(b|a)*(a+)+c{1,100}$")'],
  ])("%s is bounded, and no match", (_what, expression) => {
    const holds = compiler.compile(expression);
    const startMs = performance.now();
    expect(holds(VARIABLES)).toBe(false);
    // A thousand times what it takes; without the bound it would be hours.
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  it.each([
    ["a pattern repeated past all measure", `user.matches("${"\\\\pL{1000}".repeat(90)}")`],
    ["repetitions of repetitions", 'user.matches("((a{0,20}){0,20}){0,20}")'],
    ["many middle-sized patterns", Array.from({ length: 6 }, () => 'user.matches("a{200}")').join(" || ")],
  ])("%s is refused before it is compiled", (_what, expression) => {
    expect(failureOf(expression)).toMatch(
      /: patterns too large: with counted repetitions written out, those of an expression may have 2000 /,
    );
  });

  it("patterns with ordinary repetitions are not too large", () => {
    const pattern = "^[a-z0-9._%+-]{1,64}@([a-z0-9-]{1,63}[.]){1,3}[a-z]{2,63}$";
    expect(compiler.compile(`user.matches("${pattern}")`)({ ...VARIABLES, user: "a.b@c.example.com" })).toBe(
      true,
    );
  });

  it.each([
    "meta.few.all(a, size(meta.text) > 0)",
    "meta.few.all(a, meta.text.size() > 0)",
    "meta.few.all(a, meta.text == meta.text)",
    "meta.few.all(a, !(-1 in meta.numbers))",
    "meta.few.all(a, meta.tables == meta.tables)",
    "meta.few.all(a, size(bytes(meta.text)) > 0)",
    'meta.few.all(a, !meta.text.contains("b"))',
    '!meta.text.contains("b" + meta.text)',
  ])("%s pays for going over what it holds: no match", (expression) => {
    expect(compiler.compile(expression)(VARIABLES)).toBe(false);
  });

  it("going over a long value once is paid for easily", () => {
    const once = "size(meta.text) > 0 && !(-1 in meta.numbers) && meta.tables == meta.tables";
    expect(compiler.compile(once)(VARIABLES)).toBe(true);
  });

  it("patterns that many others have pushed out still work", () => {
    const holds = compiler.compile('user.matches("^[0-9]{2}$")');
    for (let at = 0; at < 100; at++) compiler.compile(`user.matches("^${at}$")`);
    expect(holds(VARIABLES)).toBe(true);
  });

  it("an evaluation that cost too much leaves nothing behind", () => {
    expect(compiler.compile("meta.numbers.all(a, a >= 0)")(VARIABLES)).toBe(false);
    expect(compiler.compile('meta.tags.all(tag, tag != "x")')(VARIABLES)).toBe(true);
  });
});
