import { TokenCheckError } from "../auth/token-check.ts";
import { TokenOptionError } from "../auth/token-options.ts";
import { CommandFailure } from "./cli-io.ts";

/** Runs a step with tokens; unusable options and refused tokens become a CommandFailure. */
export async function asTokenFailure<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    const isExpected = cause instanceof TokenOptionError || cause instanceof TokenCheckError;
    if (isExpected) throw new CommandFailure(cause.message, { cause });
    throw cause;
  }
}
