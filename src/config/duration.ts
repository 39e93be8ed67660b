import { z } from "zod";

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const TERM = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/** Reads a Go duration ("25s", "1m30s", "-1s", "0") as milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[-+]/, "");
  if (body === "0") return 0;
  if (body === "") return undefined;
  let totalMs = 0;
  let end = 0;
  for (const term of body.matchAll(TERM)) {
    totalMs += Number(term[1]) * (MS_PER_UNIT[term[2] ?? ""] ?? Number.NaN);
    end = term.index + term[0].length;
  }
  return end === body.length ? sign * totalMs || 0 : undefined;
}

/** Writes milliseconds the way Go prints a duration: "720h0m0s", "1m30s", "1.5s", "300ms", "0s". */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return "0s";
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (durationMs < 1) return `${roundTo(durationMs * 1_000, 3)}µs`;
  if (durationMs < 1_000) return `${roundTo(durationMs, 6)}ms`;
  const hours = Math.floor(durationMs / 3_600_000);
  const minutes = Math.floor(durationMs / 60_000) % 60;
  const seconds = `${roundTo((durationMs % 60_000) / 1_000, 9)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function roundTo(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/**
 * An option that is a span of time: a Go duration in the file, milliseconds in the code.
 *
 * A number without a unit is refused, because readers disagree on what it means; only 0 needs none.
 */
export function duration(defaultText: string): z.ZodType<number> {
  return z
    .unknown()
    .transform((raw, context) => {
      if (raw === 0) return 0;
      const parsedMs = typeof raw === "string" ? parseDuration(raw) : undefined;
      if (parsedMs !== undefined) return parsedMs;
      context.addIssue({ code: "custom", message: explainBadDuration(raw) });
      return z.NEVER;
    })
    .prefault(defaultText)
    .meta({ isDuration: true });
}

function explainBadDuration(raw: unknown): string {
  const isBareNumber = typeof raw === "number" || (typeof raw === "string" && /^[-+]?\d+(\.\d+)?$/.test(raw));
  if (isBareNumber)
    return `a duration needs a unit: write "${raw}s" for seconds, "${raw}ms" for milliseconds`;
  return `expected a duration such as "25s" or "1m30s", got ${JSON.stringify(raw)}`;
}
