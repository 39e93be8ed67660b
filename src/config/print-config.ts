import { formatDuration } from "./duration.ts";
import type { Outline } from "./outline.ts";
import { isTree, type Tree } from "./tree.ts";

/** A validated configuration as one would write it in a file: durations become text again. */
export function printConfig(config: object, outline: Outline): Tree {
  const printed = print({ ...config }, outline);
  return isTree(printed) ? printed : {};
}

function print(value: unknown, outline: Outline): unknown {
  if (outline.type === "list" && Array.isArray(value)) {
    return value.map((item: unknown) => print(item, outline.entry));
  }
  if (outline.type === "section" && isTree(value)) {
    const printed: Tree = {};
    for (const [key, member] of outline.members) printed[key] = print(value[key], member);
    return printed;
  }
  const isDuration = outline.type === "value" && outline.kind === "duration";
  return isDuration && typeof value === "number" ? formatDuration(value) : value;
}
