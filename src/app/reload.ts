import { outlineOf, type Outline, type SectionOutline } from "../config/outline.ts";
import { type Config, configSchema } from "./config.ts";

const OUTLINE: SectionOutline = outlineOf(configSchema);

/** The first configuration, with the second one's values of what a running server follows. */
export function followReload(before: Config, after: Config): Config {
  // What is put in place of a section is the section of another configuration.
  return follow(OUTLINE, before, after) as Config;
}

function follow(outline: Outline, before: unknown, after: unknown): unknown {
  if (outline.isReloadable) return after;
  if (outline.type !== "section" || !isSection(before) || !isSection(after)) return before;
  const members = [...outline.members].map(([key, member]) => [key, follow(member, before[key], after[key])]);
  return Object.fromEntries(members);
}

/** Paths of the options that differ between two configurations, and that a running server does not follow. */
export function changesThatNeedRestart(before: Config, after: Config): string[] {
  return findFixedChanges(OUTLINE, before, after, "");
}

function findFixedChanges(outline: Outline, before: unknown, after: unknown, path: string): string[] {
  if (outline.isReloadable) return [];
  if (outline.type !== "section" || !isSection(before) || !isSection(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
  }
  return [...outline.members].flatMap(([key, member]) =>
    findFixedChanges(member, before[key], after[key], path === "" ? key : `${path}.${key}`),
  );
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
