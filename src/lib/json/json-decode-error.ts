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
