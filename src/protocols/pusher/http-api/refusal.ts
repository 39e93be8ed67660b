/** A request that is refused: status and text of the answer (docs/protocols/pusher.md §4.3). */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  /** Of the answer, beside the usual ones. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** Parameters that are missing, malformed or too many. */
export function badRequest(message: string): Refusal {
  return new Refusal(400, message);
}

/** The answer's body, in the form that both peers give it. */
export function refusalJson(status: number, message: string): string {
  return JSON.stringify({ error: message, code: status });
}
