import {
  celEnv,
  type CelFunc,
  celFunc,
  type CelInput,
  type CelList,
  celListConcat,
  celMethod,
  CelScalar,
  type CelValue,
  isCelError,
  isCelList,
  isCelMap,
  listType,
} from "@bufbuild/cel";
import { type Expr, type Expr_Comprehension, ExprSchema } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";
import { create } from "@bufbuild/protobuf";
import { maxPatternSize, Re2Pattern } from "../re2.ts";
import { partsOf } from "./expr-parts.ts";
import { CelTypeError } from "./type-check.ts";

/** Parts of an expression that one evaluation may go through, about; each turn of a macro counts its parts. */
const MAX_STEPS = 10_000;
/** Characters and bytes that joined text may have, and items of a joined list. */
const MAX_TEXT_LENGTH = 65_536;
const MAX_LIST_LENGTH = 500;
/** Items of a list, or entries of a map, that are gone over in a step. */
const ITEMS_PER_STEP = 4;
/** Characters or bytes that are gone over in a step. */
const CHARACTERS_PER_STEP = 100;
/** Pairs of characters that looking for one text in another may compare in a step, in the worst case. */
const PAIRS_PER_STEP = 10_000;
/** Pairs of an instruction of a pattern and a character of a text that are matched in a step. */
const MATCHED_PER_STEP = 50;
/** Instructions that all patterns of an expression may have together. */
const MAX_PATTERNS_SIZE = 2_000;
/** Compiled patterns that are kept. An expression has fewer. */
const MAX_PATTERNS = 64;

const SPEND = "@spend";
const SPEND_RANGE = "@spend_range";
const MATCHES = "matches";
const { BOOL, BYTES, INT, STRING, DYN } = CelScalar;

/** Steps of the functions that go over their operands, by name; a method's target is the first operand. */
const PRICES: Readonly<Record<string, (operands: readonly CelValue[]) => number>> = {
  "_==_": ([left]) => stepsThrough(left),
  "_!=_": ([left]) => stepsThrough(left),
  "@in": ([, container]) => (isCelList(container) ? stepsThrough(container) : 0),
  size: ([value]) => (typeof value === "string" ? stepsThrough(value) : 0),
  bytes: ([value]) => stepsThrough(value),
  string: ([value]) => stepsThrough(value),
  contains: ([text, part]) => stepsThrough(text) + (lengthOf(text) * lengthOf(part)) / PAIRS_PER_STEP,
};

/**
 * Bounds what an evaluation costs. Without macros that is the length of the expression; turns of macros, regular
 * expressions and what goes over long values pay from a budget, and what grows by joining may not grow beyond a size.
 */
export class CostLimit {
  /** Functions that replace those of the library. */
  readonly funcs: CelFunc[];
  /** Regular expressions in linear time. */
  readonly re2: { compile(pattern: string): { test(subject: string): boolean } } = {
    compile: (pattern) => this.#pattern(pattern),
  };
  #stepsLeft = 0;
  readonly #patterns = new Map<string, Re2Pattern>();

  constructor() {
    const list = listType(DYN);
    this.funcs = [
      ...[...celEnv().funcs].flatMap((standard) => this.#priced(standard)),
      celFunc(SPEND, [BOOL, INT], BOOL, (condition: boolean, steps: bigint) => {
        this.#spend(Number(steps));
        return condition;
      }),
      celFunc(SPEND_RANGE, [DYN], DYN, (range: CelValue) => {
        this.#spend(isCelList(range) || isCelMap(range) ? range.size / ITEMS_PER_STEP : 0);
        return range;
      }),
      celFunc("_+_", [STRING, STRING], STRING, (left: string, right: string) => {
        requireSize(left.length + right.length, MAX_TEXT_LENGTH);
        return left + right;
      }),
      celFunc("_+_", [BYTES, BYTES], BYTES, (left: Uint8Array, right: Uint8Array) => {
        requireSize(left.length + right.length, MAX_TEXT_LENGTH);
        return new Uint8Array(Buffer.concat([left, right]));
      }),
      celFunc("_+_", [list, list], list, (left: CelList, right: CelList): CelInput<typeof list> => {
        requireSize(left.size + right.size, MAX_LIST_LENGTH);
        return celListConcat(left, right);
      }),
    ];
  }

  /** Begins an evaluation. */
  reset(): void {
    this.#stepsLeft = MAX_STEPS;
  }

  /**
   * Compiles the patterns of an expression.
   *
   * @throws CelTypeError for a pattern that is no literal, is none of RE2, or is too large together with the others
   */
  compilePatterns(expr: Expr): void {
    let size = 0;
    for (const { exprKind: kind, id } of partsOf(expr)) {
      if (kind.case !== "callExpr" || kind.value.function !== MATCHES) continue;
      const [pattern] = kind.value.args;
      const text = literalOf(pattern);
      const at = pattern?.id ?? id;
      if (text === undefined) throw new CelTypeError("the pattern of 'matches' must be a text literal", at);
      size += maxPatternSize(text);
      if (size > MAX_PATTERNS_SIZE) {
        const limit = `those of an expression may have ${MAX_PATTERNS_SIZE} instructions together`;
        throw new CelTypeError(`patterns too large: with counted repetitions written out, ${limit}`, at);
      }
      try {
        this.#compiled(text);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new CelTypeError(`bad regular expression: ${error.message}`, at);
      }
    }
  }

  /** Has each turn of the macros in an expression pay for itself. */
  instrument(expr: Expr): void {
    for (const part of partsOf(expr)) {
      if (part.exprKind.case === "comprehensionExpr") chargeTurns(part.exprKind.value);
    }
  }

  #spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) throw new Error("evaluation costs too much");
  }

  /** A function of the library that is paid for; none where it costs the same for all operands. */
  #priced(standard: CelFunc): readonly CelFunc[] {
    const { name, target, arguments: parameters, result } = standard;
    const price = Object.hasOwn(PRICES, name) ? PRICES[name] : undefined;
    if (price === undefined) return [];
    const payAndCall = (subject: CelValue | undefined, args: CelValue[]): CelValue => {
      this.#spend(price(subject === undefined ? args : [subject, ...args]));
      const value = standard.call(0, subject, args);
      if (value === undefined || isCelError(value)) throw new Error(`${name} failed`, { cause: value });
      return value;
    };
    if (target === undefined)
      return [celFunc(name, parameters, result, (...args) => payAndCall(undefined, args))];
    return [
      celMethod(name, target, parameters, result, function (...args) {
        return payAndCall(this, args);
      }),
    ];
  }

  /** A pattern that is no longer kept is compiled again, for a step an instruction. */
  #pattern(text: string): { test: (subject: string) => boolean } {
    return {
      test: (subject) => {
        if (!this.#patterns.has(text)) this.#spend(maxPatternSize(text));
        const pattern = this.#compiled(text);
        this.#spend(1 + (pattern.size * subject.length) / MATCHED_PER_STEP);
        return pattern.test(subject);
      },
    };
  }

  #compiled(text: string): Re2Pattern {
    let pattern = this.#patterns.get(text);
    if (pattern === undefined) {
      pattern = Re2Pattern.compile(text);
      const [oldest] = this.#patterns.keys();
      if (this.#patterns.size >= MAX_PATTERNS && oldest !== undefined) this.#patterns.delete(oldest);
      this.#patterns.set(text, pattern);
    }
    return pattern;
  }
}

/** The text that an expression spells out; undefined where it depends on anything. */
function literalOf(expr: Expr | undefined): string | undefined {
  if (expr?.exprKind.case !== "constExpr") return undefined;
  const { constantKind } = expr.exprKind.value;
  return constantKind.case === "stringValue" ? constantKind.value : undefined;
}

/** What going over a value and everything in it costs. */
function stepsThrough(value: CelValue | undefined): number {
  if (isCelList(value)) return stepsThroughAll(value);
  if (isCelMap(value)) return stepsThroughAll(value.values());
  return lengthOf(value) / CHARACTERS_PER_STEP;
}

function stepsThroughAll(items: Iterable<CelValue>): number {
  let steps = 0;
  for (const item of items) steps += 1 / ITEMS_PER_STEP + stepsThrough(item);
  return steps;
}

function lengthOf(value: CelValue | undefined): number {
  return typeof value === "string" || value instanceof Uint8Array ? value.length : 0;
}

function requireSize(size: number, max: number): void {
  if (size > max) throw new Error("a value grows too large");
}

/** What a macro goes over is taken out as a whole first; then its condition is looked at once a turn. */
function chargeTurns(macro: Expr_Comprehension): void {
  const { iterRange, loopCondition, loopStep } = macro;
  if (iterRange === undefined || loopCondition === undefined || loopStep === undefined) return;
  const steps = [loopCondition, loopStep].flatMap((part) => [...partsOf(part)]).length;
  const price = create(ExprSchema, {
    exprKind: {
      case: "constExpr",
      value: { constantKind: { case: "int64Value", value: BigInt(steps) } },
    },
  });
  macro.loopCondition = call(SPEND, loopCondition, price);
  macro.iterRange = call(SPEND_RANGE, iterRange);
}

function call(name: string, first: Expr, ...rest: Expr[]): Expr {
  return create(ExprSchema, {
    id: first.id,
    exprKind: { case: "callExpr", value: { function: name, args: [first, ...rest] } },
  });
}
