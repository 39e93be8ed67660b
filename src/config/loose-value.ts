import type { ValueKind } from "./outline.ts";
import { isTree } from "./tree.ts";

const TRUE = /^(1|t|true)$/i;
const FALSE = /^(0|f|false)$/i;

/**
 * Reads a value the way people write it: "8000" is a number where a number is wanted, 1 is true, a lone string is
 * a list of one. What cannot be read is returned as it is, for the schema to refuse.
 */
export function readLoosely(kind: ValueKind, raw: unknown): unknown {
  return READERS[kind](raw);
}

const READERS: Readonly<Record<ValueKind, (raw: unknown) => unknown>> = {
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
  if (text === 1 || (typeof text === "string" && TRUE.test(text))) return true;
  if (text === 0 || (typeof text === "string" && FALSE.test(text))) return false;
  return raw;
}

function readInteger(text: string): unknown {
  const trimmed = text.trim();
  if (/^[-+]?0[0-7]+$/.test(trimmed)) return Number.parseInt(trimmed, 8);
  if (/^[-+]?(\d+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.test(trimmed)) {
    const magnitude = Number(trimmed.replace(/^[-+]/, ""));
    return trimmed.startsWith("-") ? -magnitude : magnitude;
  }
  return text;
}

function readOneText(raw: unknown): unknown {
  return typeof raw === "number" || typeof raw === "boolean" ? String(raw) : raw;
}

function readMapping(raw: unknown): unknown {
  if (!isTree(raw)) return raw;
  return Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, readOneText(value)]));
}

function readTexts(raw: unknown): unknown {
  if (Array.isArray(raw)) return raw.map(readOneText);
  const one = readOneText(raw);
  return typeof one === "string" ? [one] : raw;
}
