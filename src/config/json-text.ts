/** Text that is no JSON. It does not quote the text, as its cause does: there may be secrets in it. */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
  /** Where in the text, as far as it is known. */
  readonly position: number | undefined;

  constructor(cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(
      message
        .replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/su, "")
        .replace(/ \(line \d+ column \d+\)$/u, ""),
    );
    const at = /at position (\d+)/u.exec(message)?.[1];
    this.position = at === undefined ? undefined : Number(at);
  }
}

/** Parses JSON that a user has written. Throws JsonSyntaxError. */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JsonSyntaxError(cause);
  }
}
