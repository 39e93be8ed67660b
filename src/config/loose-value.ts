import type { ValueKind } from "./outline.ts";
import { isTree } from "./tree.ts";

const TRUE = /^(1|t|true)$/i;
const FALSE = /^(0|f|false)$/i;

/**
 * What a number or truth value is as text: as it is written, `007` and not 7. `path` leads to it. What is returned
 * unchanged cannot be had as text.
 */
export type Spell = (value: number | boolean, path: readonly (string | number)[]) => unknown;

/** Where a value stands, and how such values are spelled there. */
export interface Written {
  readonly path: readonly (string | number)[];
  readonly spell: Spell;
}

/** Of values that were never text. */
const IN_CODE: Written = { path: [], spell: String };

/**
 * Reads a value the way people write it: "8000" is a number where a number is wanted, 1 is true, a lone string is
 * a list of one, and "" neither number nor truth value (undefined). What cannot be read is returned as it is, for the schema to
 * refuse.
 */
export function readLoosely(kind: ValueKind, raw: unknown, written: Written = IN_CODE): unknown {
  return READERS[kind](raw, written);
}

const READERS: Readonly<Record<ValueKind, (raw: unknown, written: Written) => unknown>> = {
  boolean: readBoolean,
  integer: (raw) => (typeof raw === "string" ? readInteger(raw) : raw),
  text: readOneText,
  choice: readOneText,
  texts: readTexts,
  mapping: readMapping,
  duration: (raw) => (typeof raw === "string" ? raw.trim() : raw),
};

/** Reads a value from text that has no types at all: an environment variable or a flag. */
export function readText(kind: ValueKind, text: string): unknown {
  if (kind === "texts") return text.split(/\s+/).filter((word) => word !== "");
  return readLoosely(kind, text);
}

function readBoolean(raw: unknown): unknown {
  const text = typeof raw === "string" ? raw.trim() : raw;
  if (text === "") return undefined;
  if (text === 1 || (typeof text === "string" && TRUE.test(text))) return true;
  if (text === 0 || (typeof text === "string" && FALSE.test(text))) return false;
  return raw;
}

function readInteger(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (/^[-+]?0[0-7]+$/.test(trimmed)) return Number.parseInt(trimmed, 8);
  if (/^[-+]?(\d+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.test(trimmed)) {
    const magnitude = Number(trimmed.replace(/^[-+]/, ""));
    return trimmed.startsWith("-") ? -magnitude : magnitude;
  }
  return text;
}

function readOneText(raw: unknown, { path, spell }: Written): unknown {
  return typeof raw === "number" || typeof raw === "boolean" ? spell(raw, path) : raw;
}

function readMapping(raw: unknown, { path, spell }: Written): unknown {
  if (!isTree(raw)) return raw;
  const members = Object.entries(raw);
  return Object.fromEntries(
    members.map(([name, value]) => [name, readOneText(value, { path: [...path, name], spell })]),
  );
}

function readTexts(raw: unknown, written: Written): unknown {
  const { path, spell } = written;
  if (Array.isArray(raw)) {
    return raw.map((item: unknown, index) => readOneText(item, { path: [...path, index], spell }));
  }
  const one = readOneText(raw, written);
  return typeof one === "string" ? [one] : raw;
}
