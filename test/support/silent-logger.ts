import type { Logger } from "../../src/core/logger.ts";
import { RefusalLog } from "../../src/core/refusal-log.ts";
import { FakeClock } from "./fake-clock.ts";

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Notes refusals nowhere. */
export const silentRefusals: RefusalLog = new RefusalLog(silentLogger, new FakeClock());

/** A logger that keeps what errors are about, and says nothing else. */
export function loggerInto(errors: unknown[]): Logger {
  return {
    ...silentLogger,
    error: (fields, message) => {
      errors.push(fields["err"] ?? message);
    },
  };
}

/** A logger that keeps the lines of a level and above it, with their fields. */
export function loggerOf(lines: LoggedLine[], level: keyof Logger = "info"): Logger {
  const levels = ["debug", "info", "warn", "error"] as const;
  const logger = { ...silentLogger };
  for (const each of levels.slice(levels.indexOf(level))) {
    logger[each] = (fields, message) => void lines.push({ level: each, message, ...fields });
  }
  return logger;
}

/** A line of a log. */
export interface LoggedLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly [field: string]: unknown;
}
