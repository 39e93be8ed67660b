import { describe, expect, it } from "vitest";
import { compileGlob } from "../../../src/lib/glob.ts";

describe("globs", () => {
  it.each([
    ["news:*", "news:a:b", true],
    ["news:?", "news:ab", false],
    ["{a,b}[0-9]", "b7", true],
    ["[!a]", "a", false],
    [String.raw`\*`, "*", true],
    ["a.c", "abc", false],
    ["*", "a\nb", true],
  ])("%s against %j: %s", (glob, text, matches) => {
    expect(compileGlob(glob)(text)).toBe(matches);
  });

  it.each(["[", "{a", "a}", "}{", "[]", "\\", "[b-a]", "[a\\]"])("%j is malformed", (glob) => {
    expect(() => compileGlob(glob)).toThrow(SyntaxError);
    expect(() => compileGlob(glob)).toThrow(`pattern ${JSON.stringify(glob)}`);
  });

  it("a glob as long as a request may be is refused: matching it would hold up everything else", () => {
    expect(compileGlob("*a".repeat(512))("a".repeat(512))).toBe(true);
    expect(() => compileGlob("*a".repeat(513))).toThrow("pattern of more than 1024 characters");
  });
});
