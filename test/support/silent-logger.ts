import type { Logger } from "../../src/core/logger.ts";

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A logger that keeps what errors are about, and says nothing else. */
export function loggerInto(errors: unknown[]): Logger {
  return {
    ...silentLogger,
    error: (fields, message) => {
      errors.push(fields["err"] ?? message);
    },
  };
}
