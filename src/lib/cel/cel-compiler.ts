import { celEnv, CelScalar, type CelType, parse, plan } from "@bufbuild/cel";
import { CostLimit } from "./cost-limit.ts";
import { CelTypeError, TypeChecker } from "./type-check.ts";

/** An expression that cannot be used; the message says why, and at which column. */
export class CelExpressionError extends Error {
  override readonly name = "CelExpressionError";
}

/** Whether the expression holds for variables, read by name. False where it cannot be evaluated for them. */
export type CelPredicate = (variables: object) => boolean;

/** Characters of an expression. */
const MAX_LENGTH = 1_024;

/**
 * Compiles conditions in CEL over declared variables.
 *
 * Compiling takes time proportional to the length, about 15 ms for the longest ones. What one evaluation costs is
 * bounded by `CostLimit`; integers are `bigint` in variables.
 */
export class CelCompiler {
  readonly #cost = new CostLimit();
  readonly #env: ReturnType<typeof celEnv>;
  readonly #checker: TypeChecker;

  constructor(variables: Readonly<Record<string, CelType>>) {
    this.#env = celEnv({ variables, funcs: this.#cost.funcs, re2: this.#cost.re2 });
    this.#checker = new TypeChecker(this.#env);
  }

  /** @throws CelExpressionError for what is too long, no CEL, wrong in its types, or no condition */
  compile(text: string): CelPredicate {
    if (text.length > MAX_LENGTH) throw new CelExpressionError(`more than ${MAX_LENGTH} characters`);
    const { expr, sourceInfo } = parseExpression(text);
    try {
      const { name } = this.#checker.typeOf(expr);
      if (name !== CelScalar.BOOL.name && name !== CelScalar.DYN.name) {
        throw new CelExpressionError(`column 1: the result is of type '${name}' instead of 'bool'`);
      }
      this.#cost.compilePatterns(expr);
    } catch (error) {
      if (!(error instanceof CelTypeError)) throw error;
      const offset = sourceInfo?.positions[String(error.at)] ?? 0;
      throw new CelExpressionError(`${describePosition(text, offset)}: ${error.message}`);
    }
    const cost = this.#cost;
    cost.instrument(expr);
    const evaluate = plan(this.#env, expr);
    return (variables) => {
      cost.reset();
      // It reads the variables that the expression names, which the check has found to be declared.
      return withoutStackTraces(() => evaluate(variables as Parameters<typeof evaluate>[0])) === true;
    };
  }
}

/** A failed evaluation is an ordinary outcome for which the library makes an Error; most of it is the trace. */
function withoutStackTraces<Result>(run: () => Result): Result {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = before;
  }
}

function parseExpression(text: string): ReturnType<typeof parse> {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new CelExpressionError("nested too deeply");
    throw new CelExpressionError(describeSyntaxError(text, error));
  }
}

/** The library does not export the class of its errors. */
function describeSyntaxError(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, line, column, reason] = /^<input>:(\d+):(\d+): ([^]*)$/.exec(message) ?? [];
  if (line === undefined || column === undefined || reason === undefined) return message;
  return `${inWords(text, Number(line), Number(column))}: syntax error: ${reason}`;
}

function describePosition(text: string, offset: number): string {
  const lines = text.slice(0, offset).split("\n");
  return inWords(text, lines.length, (lines.at(-1) ?? "").length + 1);
}

function inWords(text: string, line: number, column: number): string {
  return text.includes("\n") ? `line ${line}, column ${column}` : `column ${column}`;
}
