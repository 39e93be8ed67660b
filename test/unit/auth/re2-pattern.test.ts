import { describe, expect, it } from "vitest";
import { compileRe2 } from "../../../src/auth/re2-pattern.ts";

describe("patterns of RE2", () => {
  it.each([
    ["^https://(?P<tenant>[a-z]+)$", "https://acme", true],
    ["b", "abc", true],
    ["^b", "abc", false],
    ["(?i)ABC", "abc", true],
    ["(?is)a.C", "A\nc", true],
    ["a.c", "a\nc", false],
    ["a.c", "a\rc", true],
    [String.raw`\Aa\z`, "a", true],
    [String.raw`\Aa\z`, "ab", false],
    [String.raw`a\-b\_c\:\/`, "a-b_c:/", true],
    [String.raw`^a\.b$`, "a.b", true],
    [String.raw`^a\.b$`, "axb", false],
    [String.raw`\Qa.b(\E.`, "a.b(x", true],
    [String.raw`\Qa.b\E`, "axb", false],
    [String.raw`^\pL+$`, "é", true],
    [String.raw`^[\pL\-.]+$`, "é-.", true],
    ["^[]a]+$", "]a", true],
    ["^[^]a]+$", "b", true],
    ["^[a[]+$", "[", true],
    ["^.$", "😀", true],
    [String.raw`^\d{2,3}?$`, "12", true],
  ])("%s against %j: %s", (pattern, text, matches) => {
    expect(compileRe2(pattern).test(text)).toBe(matches);
  });

  it("name their groups", () => {
    expect(compileRe2("(?P<a>x)(?<b>y)").exec("xy")?.groups).toMatchObject({ a: "x", b: "y" });
  });

  it.each([
    "(",
    "[",
    "*a",
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(?<!a)",
    String.raw`(a)\1`,
    String.raw`(?P<a>x)\k<a>`,
    "[[:alpha:]]",
    "[a[:alpha:]]",
    "(?U)a",
    "a(?i)b",
    "a{",
    String.raw`\p{Greek}`,
    String.raw`\C`,
    String.raw`\x{41}`,
    String.raw`\e`,
  ])("%s is refused", (pattern) => {
    expect(() => compileRe2(pattern)).toThrow(SyntaxError);
  });
});
