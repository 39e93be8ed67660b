/** The bytes are not JSON, or not the JSON that was expected. */
export class JsonDecodeError extends Error {
  override readonly name = "JsonDecodeError";
  /** Names and indexes from the top of the document to the offending value, for example `tags.colour`; "" for the top. */
  readonly path: string;

  constructor(message: string, path = "", options?: ErrorOptions) {
    super(path === "" ? message : `${path}: ${message}`, options);
    this.path = path;
  }
}

/** What is wrong with JSON that an error has come of, which repeats nothing of it; "" for other errors. */
export function jsonFaultOf(error: unknown): string {
  if (error instanceof JsonDecodeError) return error.message;
  return error instanceof Error && error.cause instanceof JsonDecodeError ? error.cause.message : "";
}
