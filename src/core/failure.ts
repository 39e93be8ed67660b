import { ClientError, clientError } from "./client-error.ts";
import { Disconnect, disconnect } from "./disconnect.ts";
import type { LogFields, Logger } from "./logger.ts";
import { Refused } from "./refusal.ts";

/** Where bugs are told of, and in which words. */
export interface FailureReport {
  readonly logger: Logger;
  /** Stable message of the line: what has failed. */
  readonly message: string;
  readonly fields?: LogFields;
}

/** Codes that say that the server is at fault. */
const INTERNAL = clientError("internal").code;
const SERVER_ERROR = disconnect("serverError").code;

/** Errors that have been logged. One that many wait for, or that is passed on, is one line. */
const logged = new WeakSet();

/**
 * The answer to whoever has asked for what ended in an exception: itself where it was meant for them, error 100 for
 * everything else. The only place that makes answers of exceptions; bugs are reported as `reportBugs` does.
 */
export function failureOf(error: unknown, report: FailureReport): ClientError | Disconnect {
  reportBugs(error, report);
  return error instanceof ClientError || error instanceof Disconnect ? error : clientError("internal", error);
}

/** `failureOf` for those who are answered with errors only: a disconnect is a bug there. */
export function clientErrorOf(error: unknown, report: FailureReport): ClientError {
  const failure = error instanceof Disconnect ? new Error("nobody to disconnect", { cause: error }) : error;
  reportBugs(failure, report);
  return failure instanceof ClientError ? failure : clientError("internal", failure);
}

/** `failureOf` for those who can only be disconnected: an error that has no other words is the server's fault. */
export function disconnectOf(error: unknown, report: FailureReport): Disconnect {
  const failure = failureOf(error, report);
  return failure instanceof Disconnect ? failure : disconnect("serverError", failure);
}

/**
 * Logs what is the server's own fault about an exception as an error, once, with its causes. Refusals are not: see
 * `refusalOf`.
 */
export function reportBugs(error: unknown, { logger, message, fields }: FailureReport): void {
  for (const err of bugsIn(error)) {
    if (isLogged(err)) continue;
    markLogged(err);
    logger.error({ ...fields, err }, message);
  }
}

/** The bug that an error is, or was caused by; none for what is nobody's fault here. */
function bugsIn(error: unknown): readonly unknown[] {
  if (error instanceof Refused) return [];
  if (!(error instanceof ClientError || error instanceof Disconnect)) return [error];
  const isOurs = error.code === (error instanceof ClientError ? INTERNAL : SERVER_ERROR);
  return isOurs && error.cause !== undefined ? bugsIn(error.cause) : [];
}

/** Whether the log has an error already, so that another process need not log it again. */
export function isLogged(error: unknown): boolean {
  return typeof error === "object" && error !== null && logged.has(error);
}

/** The log has the error. */
export function markLogged(error: unknown): void {
  if (typeof error === "object" && error !== null) logged.add(error);
}
