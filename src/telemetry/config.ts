import { z } from "zod";
import { section, type Section } from "../config/section.ts";

/** Log levels, the quietest first; each includes those before it. */
export const LOG_LEVELS = ["none", "fatal", "error", "warn", "info", "debug", "trace"] as const;

/** What is logged, and where to. */
export interface LogConfig {
  /** none, fatal, error, warn, info, debug or trace; anything else counts as info. */
  readonly level: string;
  /** File to append JSON lines to; "" for the terminal or stderr. */
  readonly file: string;
}

export const logConfig: Section<LogConfig> = section<LogConfig>("What is logged, and where to.", {
  level: z
    .string()
    .default("info")
    .describe(
      "One of none, fatal, error, warn, info, debug, trace; anything else counts as info. At info: who is refused, and why; at debug also who connects and leaves, and calls of the API.",
    ),
  file: z
    .string()
    .default("")
    .describe(
      "File to append JSON lines to. Empty: readable text on a terminal, JSON lines on stderr otherwise.",
    ),
});
