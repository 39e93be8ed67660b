/** Structured fields of a log line: `session`, `user`, `channel`, `node`, `err`. No payloads, no tokens. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the server writes what operators should know. A stable lower-case message, details as fields. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}
