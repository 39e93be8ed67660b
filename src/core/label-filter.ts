import { decimalOf } from "../lib/decimal.ts";

/** Labels of a connection. */
export type Labels = ReadonlyMap<string, string>;

/** No labels; one object for all the connections without. */
export const NO_LABELS: Labels = new Map();

/**
 * A condition on labels as callers send it (docs/protocols/server-api.md §3.4): a leaf looks at one key, a branch joins
 * others.
 */
export interface FilterNode {
  /** "" for a leaf; "and", "or" or "not". */
  readonly op: string;
  readonly key: string;
  readonly cmp: string;
  readonly val: string;
  readonly vals: readonly string[];
  readonly nodes: readonly FilterNode[];
}

/** A filter that cannot be used; the message says what is wrong with it. */
export class LabelFilterError extends Error {
  override readonly name = "LabelFilterError";
}

const MAX_DEPTH = 32;
/** Nodes and listed values of one filter. */
const MAX_SIZE = 10_000;

type Predicate = (labels: Labels) => boolean;

/** A filter that has been looked through and can be applied to many connections. Matching is case-sensitive. */
export class LabelFilter {
  /** As it came, for other nodes. */
  readonly node: FilterNode;
  readonly #matches: Predicate;

  /** @throws LabelFilterError where a node is not valid, and where there are too many or too deep ones */
  constructor(node: FilterNode) {
    this.node = node;
    this.#matches = compile(node, { left: MAX_SIZE }, MAX_DEPTH);
  }

  matches(labels: Labels): boolean {
    return this.#matches(labels);
  }
}

interface SizeBudget {
  left: number;
}

function compile(node: FilterNode, budget: SizeBudget, depthLeft: number): Predicate {
  budget.left -= 1 + node.vals.length;
  if (budget.left < 0) throw new LabelFilterError(`more than ${MAX_SIZE} nodes and values`);
  if (depthLeft === 0) throw new LabelFilterError(`nodes more than ${MAX_DEPTH} deep`);
  if (node.op === "") return compileLeaf(node);
  const compileNodes = (): Predicate[] => node.nodes.map((child) => compile(child, budget, depthLeft - 1));
  switch (node.op) {
    case "and": {
      const all = requireNodes(node, compileNodes());
      return (labels) => all.every((matches) => matches(labels));
    }
    case "or": {
      const any = requireNodes(node, compileNodes());
      return (labels) => any.some((matches) => matches(labels));
    }
    case "not": {
      const [matches, ...rest] = compileNodes();
      if (matches === undefined || rest.length > 0) throw new LabelFilterError("not needs exactly one node");
      return (labels) => !matches(labels);
    }
    default:
      throw new LabelFilterError(`unknown op ${JSON.stringify(node.op)}`);
  }
}

function requireNodes({ op }: FilterNode, nodes: readonly Predicate[]): readonly Predicate[] {
  if (nodes.length === 0) throw new LabelFilterError(`${op} needs at least one node`);
  return nodes;
}

function compileLeaf(node: FilterNode): Predicate {
  const { key, cmp } = node;
  if (key === "" && cmp !== "ex" && cmp !== "nex") throw new LabelFilterError("a leaf needs a key");
  switch (cmp) {
    case "eq":
    case "neq":
    case "sw":
    case "ew":
    case "ct":
      return compileText(cmp, key, requireVal(node));
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return compileNumber(cmp, key, requireVal(node));
    case "in":
    case "nin": {
      const vals = new Set(requireVals(node));
      const wanted = cmp === "in";
      return (labels) => vals.has(labels.get(key) ?? "") === wanted;
    }
    case "ex":
    case "nex": {
      if (node.val !== "" || node.vals.length > 0) throw new LabelFilterError(`${cmp} takes no value`);
      const wanted = cmp === "ex";
      return (labels) => labels.has(key) === wanted;
    }
    default:
      throw new LabelFilterError(`unknown cmp ${JSON.stringify(cmp)}`);
  }
}

function requireVal({ cmp, val, vals }: FilterNode): string {
  if (val === "") throw new LabelFilterError(`${cmp} needs val`);
  if (vals.length > 0) throw new LabelFilterError(`${cmp} takes no vals`);
  return val;
}

function requireVals({ cmp, val, vals }: FilterNode): readonly string[] {
  if (vals.length === 0) throw new LabelFilterError(`${cmp} needs vals`);
  if (val !== "") throw new LabelFilterError(`${cmp} takes no val`);
  return vals;
}

function compileText(cmp: "eq" | "neq" | "sw" | "ew" | "ct", key: string, val: string): Predicate {
  switch (cmp) {
    case "eq":
      return (labels) => labels.get(key) === val;
    case "neq":
      return (labels) => labels.get(key) !== val;
    case "sw":
      return (labels) => labels.get(key)?.startsWith(val) === true;
    case "ew":
      return (labels) => labels.get(key)?.endsWith(val) === true;
    case "ct":
      return (labels) => labels.get(key)?.includes(val) === true;
  }
}

/** A side that is no number makes it false. */
function compileNumber(cmp: "gt" | "gte" | "lt" | "lte", key: string, val: string): Predicate {
  const bound = decimalOf(val);
  if (bound === undefined) return () => false;
  const compare = (holds: (value: bigint) => boolean): Predicate => {
    return (labels) => {
      const text = labels.get(key);
      const value = text === undefined ? undefined : decimalOf(text);
      return value !== undefined && holds(value);
    };
  };
  switch (cmp) {
    case "gt":
      return compare((value) => value > bound);
    case "gte":
      return compare((value) => value >= bound);
    case "lt":
      return compare((value) => value < bound);
    case "lte":
      return compare((value) => value <= bound);
  }
}
