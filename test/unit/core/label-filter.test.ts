import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FilterNode, LabelFilter, LabelFilterError } from "../../../src/core/label-filter.ts";
import { decimalOf } from "../../../src/lib/decimal.ts";

function node(fields: Partial<FilterNode>): FilterNode {
  return { op: "", key: "", cmp: "", val: "", vals: [], nodes: [], ...fields };
}

function leaf(cmp: string, val = "", vals: readonly string[] = []): FilterNode {
  return node({ key: "k", cmp, val, vals });
}

/** What a leaf says of a label `k` with the value, or of no label where it is undefined. */
function holds(filter: FilterNode, value: string | undefined): boolean {
  return new LabelFilter(filter).matches(new Map(value === undefined ? [] : [["k", value]]));
}

describe("leaves", () => {
  it.each<[string, FilterNode, string, boolean]>([
    ["eq", leaf("eq", "a"), "a", true],
    ["eq, case", leaf("eq", "a"), "A", false],
    ["neq", leaf("neq", "a"), "b", true],
    ["neq", leaf("neq", "a"), "a", false],
    ["sw", leaf("sw", "ab"), "abc", true],
    ["sw", leaf("sw", "b"), "abc", false],
    ["ew", leaf("ew", "bc"), "abc", true],
    ["ct", leaf("ct", "b"), "abc", true],
    ["ct", leaf("ct", "x"), "abc", false],
    ["in", leaf("in", "", ["a", "b"]), "b", true],
    ["nin", leaf("nin", "", ["a", "b"]), "c", true],
    ["nin", leaf("nin", "", ["a", "b"]), "b", false],
    ["ex", leaf("ex"), "", true],
    ["nex", leaf("nex"), "", false],
    ["gt", leaf("gt", "9"), "10", true],
    ["gt, equal", leaf("gt", "10.0"), "10", false],
    ["gte", leaf("gte", "10.0"), "+10", true],
    ["lt", leaf("lt", "-1"), "-1.0000000000000000001", true],
    ["lte", leaf("lte", "0"), "-0", true],
    ["beyond doubles", leaf("gt", "9007199254740992"), "9007199254740993", true],
    ["no number", leaf("gt", "1"), "1e3", false],
    ["no number", leaf("lt", "x"), "1", false],
    ["bare dot", leaf("gt", "0"), "1.", false],
    ["20 digits of a fraction", leaf("gt", "0"), "1.00000000000000000001", false],
    ["201 characters", leaf("gt", "0"), "1".repeat(201), false],
    ["200 characters", leaf("gt", "0"), "1".repeat(200), true],
  ])("%s: %o of %j is %s", (_what, filter, value, expected) => {
    expect(holds(filter, value)).toBe(expected);
  });

  it.each<[string, FilterNode, boolean]>([
    ["eq", leaf("eq", "a"), false],
    ["api 93: neq", leaf("neq", "a"), true],
    ["sw", leaf("sw", "a"), false],
    ["in without empty value", leaf("in", "", ["a"]), false],
    ["in with empty value", leaf("in", "", ["a", ""]), true],
    ["nin without empty value", leaf("nin", "", ["a"]), true],
    ["nin with empty value", leaf("nin", "", [""]), false],
    ["ex", leaf("ex"), false],
    ["nex", leaf("nex"), true],
    ["gte", leaf("gte", "0"), false],
  ])("without the label, %s: %o is %s", (_what, filter, expected) => {
    expect(holds(filter, undefined)).toBe(expected);
  });
});

describe("branches", () => {
  const yes = leaf("ex");
  const no = leaf("nex");

  it.each<[string, readonly FilterNode[], boolean]>([
    ["and", [yes, yes], true],
    ["and", [yes, no], false],
    ["or", [no, yes], true],
    ["or", [no], false],
    ["not", [no], true],
    ["not", [yes], false],
  ])("%s of %o is %s", (op, nodes, expected) => {
    expect(holds(node({ op, nodes, key: "ignored", cmp: "ignored" }), "v")).toBe(expected);
  });
});

describe("what is not valid", () => {
  function nested(depth: number): FilterNode {
    return depth === 0 ? leaf("ex") : node({ op: "not", nodes: [nested(depth - 1)] });
  }

  it.each<[string, FilterNode]>([
    ["nothing", node({})],
    ["unknown op", node({ op: "xor", nodes: [leaf("ex")] })],
    ["upper case", node({ op: "AND", nodes: [leaf("ex")] })],
    ["unknown cmp", leaf("like", "a")],
    ["api 94: eq without val", leaf("eq")],
    ["eq with vals", leaf("eq", "a", ["b"])],
    ["in without vals", leaf("in")],
    ["in with val", leaf("in", "a", ["a"])],
    ["ex with val", leaf("ex", "a")],
    ["gt without val", leaf("gt")],
    ["no key", node({ cmp: "eq", val: "a" })],
    ["and without nodes", node({ op: "and" })],
    ["not of two", node({ op: "not", nodes: [leaf("ex"), leaf("ex")] })],
    ["deep inside", node({ op: "and", nodes: [leaf("ex"), node({ op: "or", nodes: [leaf("eq")] })] })],
    ["too deep", nested(32)],
    [
      "too many values",
      leaf(
        "in",
        "",
        Array.from({ length: 10_000 }, (_, at) => String(at)),
      ),
    ],
  ])("%s", (_what, filter) => {
    expect(() => new LabelFilter(filter)).toThrow(LabelFilterError);
  });

  it("a filter at the limits is valid", () => {
    expect(new LabelFilter(nested(31)).matches(new Map())).toBe(true);
    expect(
      holds(
        leaf(
          "in",
          "",
          Array.from({ length: 9_999 }, (_, at) => String(at)),
        ),
        "77",
      ),
    ).toBe(true);
  });
});

describe("decimal numbers", () => {
  const parts = fc.record({
    sign: fc.constantFrom("", "+", "-"),
    zeros: fc.integer({ min: 0, max: 3 }),
    whole: fc.bigInt({ min: 0n, max: 10n ** 40n }),
    fraction: fc.stringMatching(/^\d{0,19}$/),
  });
  type Parts = typeof parts extends fc.Arbitrary<infer Value> ? Value : never;

  function spell({ sign, zeros, whole, fraction }: Parts): string {
    return `${sign}${"0".repeat(zeros)}${whole}${fraction === "" ? "" : `.${fraction}`}`;
  }

  /** Numerator over 10^(digits of the fraction). */
  function ratioOf({ sign, whole, fraction }: Parts): readonly [numerator: bigint, denominator: bigint] {
    const denominator = 10n ** BigInt(fraction.length);
    const magnitude = whole * denominator + BigInt(fraction || "0");
    return [sign === "-" ? -magnitude : magnitude, denominator];
  }

  it("compare exactly", () => {
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const [a, b] = [ratioOf(left), ratioOf(right)];
        const difference = a[0] * b[1] - b[0] * a[1];
        const label = spell(left);
        expect(holds(leaf("gt", spell(right)), label)).toBe(difference > 0n);
        expect(holds(leaf("gte", spell(right)), label)).toBe(difference >= 0n);
        expect(holds(leaf("lt", spell(right)), label)).toBe(difference < 0n);
        expect(holds(leaf("lte", spell(right)), label)).toBe(difference <= 0n);
      }),
    );
  });

  it.each(["", "+", "-", ".", ".5", "5.", "1e3", "0x1", " 1", "1 ", "１", "1_000", "NaN", "--1"])(
    "%j is none",
    (text) => {
      expect(decimalOf(text)).toBeUndefined();
    },
  );
});
