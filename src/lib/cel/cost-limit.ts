import {
  type CelFunc,
  celFunc,
  type CelInput,
  type CelList,
  celListConcat,
  CelScalar,
  type CelValue,
  isCelList,
  isCelMap,
  listType,
} from "@bufbuild/cel";
import { type Expr, type Expr_Comprehension, ExprSchema } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";
import { create } from "@bufbuild/protobuf";
import { Re2Pattern } from "../re2.ts";

/** Parts of an expression that one evaluation may go through, about; each turn of a macro counts its parts. */
const MAX_STEPS = 10_000;
/** Characters and bytes that joined text may have, and items of a joined list. */
const MAX_TEXT_LENGTH = 65_536;
const MAX_LIST_LENGTH = 500;
/** Items that a macro takes out of a list in a step. */
const ITEMS_PER_STEP = 4;
/** Characters that a regular expression goes through in a step. */
const CHARACTERS_PER_STEP = 50;
/** What a counted repetition in a pattern may stand for. */
const REPETITION_COST = 1_000;
const MAX_PATTERNS = 64;

const SPEND = "@spend";
const SPEND_RANGE = "@spend_range";
const { BOOL, BYTES, INT, STRING, DYN } = CelScalar;

/**
 * Bounds what an evaluation costs. Without macros that is the length of the expression; turns of macros and
 * regular expressions pay from a budget, and what grows by joining may not grow beyond a size.
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

  #pattern(text: string): { test: (subject: string) => boolean } {
    const weight = text.length + (text.includes("{") ? REPETITION_COST : 0);
    return {
      test: (subject) => {
        this.#spend(1 + (weight * subject.length) / CHARACTERS_PER_STEP);
        return this.#compiled(text).test(subject);
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

/** An expression and everything in it, outermost first. */
function* partsOf(expr: Expr | undefined): Generator<Expr, void, undefined> {
  if (expr === undefined) return;
  yield expr;
  for (const child of childrenOf(expr)) yield* partsOf(child);
}

function childrenOf({ exprKind: kind }: Expr): readonly (Expr | undefined)[] {
  switch (kind.case) {
    case "selectExpr":
      return [kind.value.operand];
    case "callExpr":
      return [kind.value.target, ...kind.value.args];
    case "listExpr":
      return kind.value.elements;
    case "structExpr":
      return kind.value.entries.flatMap(({ keyKind, value }) => [
        keyKind.case === "mapKey" ? keyKind.value : undefined,
        value,
      ]);
    case "comprehensionExpr": {
      const { iterRange, accuInit, loopCondition, loopStep, result } = kind.value;
      return [iterRange, accuInit, loopCondition, loopStep, result];
    }
    case "constExpr":
    case "identExpr":
    case undefined:
      return [];
  }
}
