import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxPatternSize, Re2Pattern } from "../../../src/lib/re2.ts";

describe("patterns of RE2", () => {
  it.each([
    ["^https://(?P<tenant>[a-z]+)$", "https://acme", true],
    ["", "", true],
    ["b", "abc", true],
    ["^b", "abc", false],
    ["a$", "a\n", false],
    ["(?i)ABC", "abc", true],
    ["a(?i)b", "aB", true],
    ["(?is)a.C", "A\nc", true],
    ["(?m)^b$", "a\nb", true],
    ["a.c", "a\nc", false],
    ["a.c", "a\rc", true],
    [String.raw`\Aa\z`, "a", true],
    [String.raw`\Aa\z`, "ab", false],
    [String.raw`a\-b\_c\:\/`, "a-b_c:/", true],
    [String.raw`^a\.b$`, "axb", false],
    [String.raw`\Qa.b(\E.`, "a.b(x", true],
    [String.raw`^\pL+$`, "é", true],
    [String.raw`^\p{Greek}$`, "λ", true],
    ["^[[:alpha:]]$", "a", true],
    [String.raw`^\x{41}$`, "A", true],
    [String.raw`^\s$`, "\u00a0", false],
    [String.raw`^\d$`, "٣", false],
    ["^[]a]+$", "]a", true],
    ["^.$", "😀", true],
    ["^a{$", "a{", true],
    [String.raw`^\d{2,3}?$`, "12", true],
  ])("%s against %j: %s", (pattern, text, matches) => {
    expect(Re2Pattern.compile(pattern).test(text)).toBe(matches);
  });

  it.each([
    ["(", "missing closing ): `(`"],
    ["[", "missing closing ]: `[`"],
    ["*a", "missing argument to repetition operator: `*`"],
    ["(?=a)", "invalid or unsupported Perl syntax: `(?=`"],
    ["(?!a)", "invalid or unsupported Perl syntax: `(?!`"],
    ["(?<=a)", "invalid named capture: `(?<=a)`"],
    ["(?<!a)", "invalid named capture: `(?<!a)`"],
    [String.raw`(a)\1`, "invalid escape sequence: `\\1`"],
    [String.raw`(?P<a>x)\k<a>`, "invalid escape sequence: `\\k`"],
    [String.raw`\C`, "invalid escape sequence: `\\C`"],
    ["(?P<a>x)(?P<a>y)", "duplicate capture group name: `a`"],
    ["a{1001}", "invalid repeat count: `{1001}`"],
    ["((a{100}){100}){100}", "invalid repeat count: `{100}`"],
  ])("%s is refused", (pattern, message) => {
    expect(() => Re2Pattern.compile(pattern)).toThrow(new SyntaxError(message));
  });

  it("whatever the pattern, it compiles or is a SyntaxError", () => {
    const piece = fc.constantFrom(
      ..."ab.*+?|()[]{}^$\\\\1,-:é😀\ud800".split(""),
      "(?P<n>",
      "(?i",
      "[[:",
      "{9}",
    );
    const pattern = fc.oneof(
      fc.string(),
      fc.array(piece).map((pieces) => pieces.join("")),
    );
    const subject = fc
      .array(fc.integer({ min: 0, max: 0x10_ffff }))
      .map((points) => String.fromCodePoint(...points));
    fc.assert(
      fc.property(pattern, subject, (source, text) => {
        expect([undefined, "SyntaxError"]).toContain(failureOf(source, text));
      }),
    );
  });
});

describe("size of a pattern", () => {
  it.each([
    ["", 2],
    ["^[a-z]+@[a-z.]+$", 9],
    ["a{1000}", 1002],
    [String.raw`(\pL{0,10}){0,10}`, 232],
  ])("%s has at least %d instructions, and is known to before it is compiled", (pattern, size) => {
    expect(Re2Pattern.compile(pattern).size).toBeGreaterThanOrEqual(size);
    expect(maxPatternSize(pattern)).toBeGreaterThanOrEqual(Re2Pattern.compile(pattern).size);
  });

  it("is never more than its bound", () => {
    const piece = fc.constantFrom(
      ..."ab.*+?|()^$é😀".split(/(?:)/u),
      ...["(?:", "(?i)", "(?P<n>", "[a-z]", "[)]", "[{2}]", "(a", "b)", "(a){4}", "(?:a?){9}", "(a*)*"],
      ...["{2}", "{3,}", "{0,7}", "{50}", "{2,3}?", "{,5}", "(b{0,9}){0,9}"],
      ...[String.raw`\b`, String.raw`\pL`, String.raw`\Q`, String.raw`\E`, String.raw`\)`, String.raw`\{`],
    );
    const pattern = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(pattern, (source) => {
        const bound = maxPatternSize(source);
        fc.pre(bound < 10_000);
        expect(sizeOf(source)).toBeLessThanOrEqual(bound);
      }),
    );
  });
});

/** Instructions of a pattern; 0 of what is none. */
function sizeOf(source: string): number {
  try {
    return Re2Pattern.compile(source).size;
  } catch (error) {
    if (error instanceof SyntaxError) return 0;
    throw error;
  }
}

/** The name of what compiling and matching throws. */
function failureOf(source: string, text: string): string | undefined {
  try {
    Re2Pattern.compile(source).groupsOf(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

describe("named groups", () => {
  it("are those of the first match", () => {
    const pattern = Re2Pattern.compile("(?P<a>x)(?<b>y)(z)?");
    expect(pattern.groupsOf("_xyz")).toEqual(
      new Map([
        ["a", "x"],
        ["b", "y"],
      ]),
    );
    expect(pattern.groupsOf("_x_y")).toBeUndefined();
    expect(pattern.groupNames).toEqual(["a", "b"]);
  });

  it("are empty where they took no part", () => {
    expect(Re2Pattern.compile("(?P<a>x)|(?P<b>y)").groupsOf("y")?.get("a")).toBe("");
    expect(Re2Pattern.compile("x").groupsOf("x")).toEqual(new Map());
  });

  it("may be called like what every object has", () => {
    expect(Re2Pattern.compile("(?P<__proto__>x)").groupsOf("x")).toEqual(new Map([["__proto__", "x"]]));
  });
});

describe("hostile text", () => {
  // The same in RegExp would outlast the universe; 60,000 characters are what fits into a request.
  const LENGTH = 60_000;

  it.each([
    ["^(a+)+$", "a".repeat(LENGTH), "!"],
    ["(a*)*b$", "a".repeat(LENGTH), "b "],
    ["(x+x+)+y$", "x".repeat(LENGTH), "y!"],
    [String.raw`^(\w+\s?)*$`, "aaaa ".repeat(LENGTH / 5), "!"],
    ["(.*)(.*)(.*)(.*)(.*)(.*)x$", "a".repeat(LENGTH), "x!"],
    ["^(?P<n>(a|aa)+)$", "a".repeat(LENGTH), "!"],
  ])("takes %s no time that anybody notices", (source, text, end) => {
    const pattern = Re2Pattern.compile(source);
    const startMs = performance.now();
    expect(pattern.test(text + end)).toBe(false);
    expect(pattern.groupsOf(text + end)).toBeUndefined();
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });
});
