import type { z } from "zod";
import type { Outline, SectionOutline } from "./outline.ts";

/** One thing wrong with a configuration. */
export interface ConfigProblem {
  /** Path of the offending key, such as `channel.namespaces[0].name`; "" for the configuration as a whole. */
  readonly path: string;
  readonly message: string;
  /** Where the value came from, such as "config.json:12"; undefined for values given in code. */
  readonly where?: string | undefined;
}

/** A configuration that cannot be used. Lists all its problems, one per line of the message. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map(formatProblem).join("\n"), options);
    this.problems = problems;
  }
}

function formatProblem(problem: ConfigProblem): string {
  const subject = problem.path === "" ? problem.message : `${problem.path}: ${problem.message}`;
  return problem.where === undefined ? subject : `${subject} (${problem.where})`;
}

/** Writes a path the way errors and documentation show it: `channel.namespaces[0].name`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? String(step) : `.${String(step)}`;
  }
  return text;
}

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

/** The name most like `name`, when one is so close that a slip of the finger explains the difference. */
export function findNearestName(name: string, known: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 4));
  let nearest: string | undefined;
  let best = limit + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= best) continue;
    const distance = measureDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** Edits between two names, where swapping two neighbours is one edit. */
function measureDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let distance = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        distance = Math.min(distance, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
