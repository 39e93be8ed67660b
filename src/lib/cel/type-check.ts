import { type CelEnv, type CelFunc, CelScalar, type CelType, listType, mapType } from "@bufbuild/cel";
import type {
  Constant,
  Expr,
  Expr_Call,
  Expr_Comprehension,
  Expr_CreateStruct,
  Expr_Select,
} from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";

/** An expression that cannot work, whatever its variables hold. */
export class CelTypeError extends Error {
  override readonly name = "CelTypeError";
  /** Number of the part of the expression where it goes wrong. */
  readonly at: bigint;

  constructor(message: string, at: bigint) {
    super(message);
    this.at = at;
  }
}

/** Variables of macros, around which those of the environment stand. */
type Scope = ReadonlyMap<string, CelType>;

const { BOOL, BYTES, DOUBLE, DYN, INT, NULL, STRING, TYPE, UINT } = CelScalar;
const CONSTANTS: Readonly<Record<NonNullable<Constant["constantKind"]["case"]>, CelType>> = {
  nullValue: NULL,
  boolValue: BOOL,
  int64Value: INT,
  uint64Value: UINT,
  doubleValue: DOUBLE,
  stringValue: STRING,
  bytesValue: BYTES,
  durationValue: DYN,
  timestampValue: DYN,
};
const NUMBERS: ReadonlySet<string> = new Set([INT.name, UINT.name, DOUBLE.name]);
const TYPE_NAMES: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "int",
  "list",
  "map",
  "null_type",
  "string",
  "type",
  "uint",
]);

/**
 * Finds the type of an expression; the library has no type check of its own that can be used.
 *
 * It is lenient where the type of a value is only known when it is there (`dyn`), and where numbers of different
 * types meet, since these compare.
 *
 * @throws CelTypeError for names that are not declared, and for operations that their operands do not have
 */
export class TypeChecker {
  readonly #env: CelEnv;

  constructor(env: CelEnv) {
    this.#env = env;
  }

  typeOf(expr: Expr, scope: Scope = new Map()): CelType {
    const { exprKind: kind } = expr;
    switch (kind.case) {
      case "constExpr":
        return CONSTANTS[kind.value.constantKind.case ?? "nullValue"];
      case "identExpr":
        return this.#typeOfName(kind.value.name, expr.id, scope);
      case "selectExpr":
        return this.#typeOfSelect(kind.value, expr.id, scope);
      case "callExpr":
        return this.#typeOfCall(kind.value, expr.id, scope);
      case "listExpr":
        return listType(join(kind.value.elements.map((element) => this.typeOf(element, scope))));
      case "structExpr":
        return this.#typeOfStruct(kind.value, expr.id, scope);
      case "comprehensionExpr":
        return this.#typeOfComprehension(kind.value, scope);
      case undefined:
        throw new CelTypeError("nothing there", expr.id);
    }
  }

  #typeOfName(name: string, at: bigint, scope: Scope): CelType {
    const type = scope.get(name) ?? this.#env.variables.find(name.replace(/^\./, ""));
    if (type !== undefined) return type;
    if (TYPE_NAMES.has(name)) return TYPE;
    throw new CelTypeError(`undeclared reference to '${name}'`, at);
  }

  #typeOfSelect({ operand, field, testOnly }: Expr_Select, at: bigint, scope: Scope): CelType {
    const type = this.#typeOfPart(operand, at, scope);
    if (!isDynamic(type) && type.kind !== "map") {
      throw new CelTypeError(`type '${type.name}' has no field '${field}'`, at);
    }
    if (testOnly) return BOOL;
    return type.kind === "map" ? type.value : DYN;
  }

  #typeOfStruct({ messageName, entries }: Expr_CreateStruct, at: bigint, scope: Scope): CelType {
    if (messageName !== "") throw new CelTypeError(`unknown message type '${messageName}'`, at);
    for (const { keyKind } of entries) {
      if (keyKind.case === "mapKey") this.typeOf(keyKind.value, scope);
    }
    return mapType(DYN, join(entries.map(({ value }) => this.#typeOfPart(value, at, scope))));
  }

  #typeOfComprehension(macro: Expr_Comprehension, scope: Scope): CelType {
    const range = this.#typeOfPart(macro.iterRange, 0n, scope);
    const inner = new Map(scope);
    inner.set(macro.iterVar, this.#itemType(range, macro.iterRange?.id ?? 0n));
    inner.set(macro.accuVar, this.#typeOfPart(macro.accuInit, 0n, scope));
    this.#typeOfPart(macro.loopCondition, 0n, inner);
    this.#typeOfPart(macro.loopStep, 0n, inner);
    return this.#typeOfPart(macro.result, 0n, inner);
  }

  #itemType(range: CelType, at: bigint): CelType {
    if (range.kind === "list") return range.element;
    if (range.kind === "map") return range.key;
    if (isDynamic(range)) return DYN;
    throw new CelTypeError(`type '${range.name}' cannot be iterated over`, at);
  }

  #typeOfCall(call: Expr_Call, at: bigint, scope: Scope): CelType {
    const target = call.target === undefined ? undefined : this.typeOf(call.target, scope);
    const args = call.args.map((arg) => this.typeOf(arg, scope));
    const [first = DYN, second = DYN, third = DYN] = args;
    switch (call.function) {
      case "_&&_":
      case "_||_":
        this.#requireBool(call, args);
        return BOOL;
      case "_?_:_":
        this.#requireBool(call, [first]);
        return join([second, third]);
      case "_==_":
      case "_!=_":
        if (!isComparable(first, second)) throw noOverload(call.function, args, at);
        return BOOL;
      case "@in":
        if (!isDynamic(second) && !isComparable(first, this.#itemTypeOfIn(second, args, at))) {
          throw noOverload("in", args, at);
        }
        return BOOL;
      case "_[_]":
        return typeOfIndex(first, second, at);
      case "@not_strictly_false":
        return BOOL;
      default:
        return this.#typeOfFunction(call.function, target, args, at);
    }
  }

  #itemTypeOfIn(container: CelType, args: readonly CelType[], at: bigint): CelType {
    if (container.kind !== "list" && container.kind !== "map") throw noOverload("in", args, at);
    return this.#itemType(container, at);
  }

  #requireBool({ function: name, args }: Expr_Call, types: readonly CelType[]): void {
    for (const [at, type] of types.entries()) {
      if (!isAssignable(type, BOOL)) throw noOverload(name, types, args[at]?.id ?? 0n);
    }
  }

  #typeOfFunction(name: string, target: CelType | undefined, args: readonly CelType[], at: bigint): CelType {
    const group = this.#env.funcs.find(name);
    if (group === undefined) throw new CelTypeError(`unknown function '${name}'`, at);
    const fitting = [...group].filter((overload) => accepts(overload, target, args));
    const [overload] = fitting;
    if (overload === undefined) throw noOverload(name, target === undefined ? args : [target, ...args], at);
    return join(fitting.map(({ result }) => result));
  }

  #typeOfPart(expr: Expr | undefined, at: bigint, scope: Scope): CelType {
    if (expr === undefined) throw new CelTypeError("nothing there", at);
    return this.typeOf(expr, scope);
  }
}

function isDynamic(type: CelType): boolean {
  return type.name === DYN.name;
}

function isAssignable(type: CelType, to: CelType): boolean {
  return isDynamic(type) || isDynamic(to) || type.name === to.name;
}

function isComparable(left: CelType, right: CelType): boolean {
  const isNull = left.name === NULL.name || right.name === NULL.name;
  return isNull || isAssignable(left, right) || (NUMBERS.has(left.name) && NUMBERS.has(right.name));
}

function accepts(overload: CelFunc, target: CelType | undefined, args: readonly CelType[]): boolean {
  const { target: wanted, arguments: parameters } = overload;
  if ((wanted === undefined) !== (target === undefined) || parameters.length !== args.length) return false;
  if (wanted !== undefined && target !== undefined && !isAssignable(target, wanted)) return false;
  return parameters.every((parameter, at) => isAssignable(args[at] ?? DYN, parameter));
}

function typeOfIndex(container: CelType, index: CelType, at: bigint): CelType {
  if (isDynamic(container)) return DYN;
  if (container.kind === "map" && isComparable(index, container.key)) return container.value;
  if (container.kind === "list" && (isDynamic(index) || NUMBERS.has(index.name))) return container.element;
  throw noOverload("_[_]", [container, index], at);
}

/** The one type that all have, else `dyn`. */
function join(types: readonly CelType[]): CelType {
  const [first = DYN, ...rest] = types;
  return rest.every((type) => type.name === first.name) ? first : DYN;
}

function noOverload(name: string, args: readonly CelType[], at: bigint): CelTypeError {
  const names = args.map((arg) => arg.name).join(", ");
  // `_==_` is the library's name of `==`.
  const shown = name.replaceAll("_", "");
  return new CelTypeError(`no matching overload for '${shown}' applied to (${names})`, at);
}
