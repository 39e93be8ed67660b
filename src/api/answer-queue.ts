import type { OutgoingHttpHeaders, ServerResponse } from "node:http";

/** An answer over HTTP, ready to be written. */
interface Answer {
  readonly response: ServerResponse;
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string | Buffer;
}

/** Up to here bytes are cheaper to send as text, which leaves in one piece with the headers. */
const TEXT_MAX_BYTES = 4096;

/**
 * Writes the answers of one turn of the event loop together at its end, in the order in which they came.
 *
 * A write often has to wake its receiver, which costs more than the request did. Where writes follow each other
 * at once, the receivers of the first ones are still at work when the others go out.
 */
export class AnswerQueue {
  #answers: Answer[] = [];
  #isScheduled = false;

  /**
   * Tells that a request came in. Its answer, if it is ready in this turn, then goes out ahead of whatever the
   * request sets off for the end of the turn.
   */
  expect(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#flush);
  }

  /** Queues an answer. Text goes out in UTF-8. */
  push(response: ServerResponse, status: number, headers: OutgoingHttpHeaders, body: string | Buffer): void {
    this.#answers.push({ response, status, headers, body });
    this.expect();
  }

  readonly #flush = (): void => {
    const answers = this.#answers;
    this.#answers = [];
    this.#isScheduled = false;
    for (const { response, status, headers, body } of answers) {
      response.writeHead(status, headers);
      if (typeof body === "string" || body.length > TEXT_MAX_BYTES) response.end(body);
      else response.end(body.toString("latin1"), "latin1");
    }
  };
}
