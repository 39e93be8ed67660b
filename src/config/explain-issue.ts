import type { z } from "zod";
import type { Outline, SectionOutline } from "./outline.ts";

const EXPECTED: Readonly<Record<string, string>> = {
  boolean: "true or false",
  integer: "a whole number",
  text: "text",
  texts: "a list of texts",
  mapping: "texts by name",
};

/** Says in plain words what is wrong with a value. A secret is text, so a value of the wrong type is none. */
export function explainIssue(issue: z.core.$ZodIssue, tree: unknown, root: SectionOutline): string {
  const value = valueAt(tree, issue.path);
  if (value === undefined && issue.code !== "custom") return "required";
  const got = `got ${describe(value)}`;
  if (issue.code === "invalid_type") {
    const expected = expectedAt(root, issue.path);
    const way = expected === "text" && typeof value === "number" ? ": put it in quotes" : "";
    return `expected ${expected}, ${got}${way}`;
  }
  if (issue.code === "too_small" && issue.origin === "string") return "cannot be empty";
  if (issue.code === "too_small") return `must be at least ${issue.minimum}, ${got}`;
  if (issue.code === "too_big") return `must be at most ${issue.maximum}, ${got}`;
  if (issue.code !== "invalid_value") return issue.message;
  const choices = issue.values.map((choice) => JSON.stringify(choice)).join(", ");
  return `expected one of ${choices}, ${got}`;
}

function expectedAt(root: SectionOutline, path: readonly PropertyKey[]): string {
  let outline: Outline | undefined = root;
  let isItem = false;
  for (const step of path) {
    isItem = typeof step === "number" && outline?.type === "value";
    if (outline?.type === "list") outline = outline.entry;
    else if (outline?.type === "section") outline = outline.members.get(String(step));
  }
  if (isItem) return "text";
  if (outline?.type === "list") return "a list";
  return outline?.type === "value" ? (EXPECTED[outline.kind] ?? outline.kind) : "an object";
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

function describe(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string") return value.length <= 20 ? JSON.stringify(value) : "a long text";
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : "an object";
}
