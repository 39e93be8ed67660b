import type { Expr } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";

/** An expression and everything in it, outermost first. */
export function* partsOf(expr: Expr | undefined): Generator<Expr, void, undefined> {
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
