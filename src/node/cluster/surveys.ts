import type { Clock } from "../../core/clock.ts";

/** What one node has answered. */
export interface NodeAnswer<Value> {
  readonly uid: string;
  readonly value: Value;
}

/** The outcome of a question to several nodes. */
export interface SurveyResult<Value> {
  /** In the order of the nodes that were asked; those that have gone meanwhile have none. */
  readonly answers: readonly NodeAnswer<Value>[];
  /** Uids of the nodes that are there and have not answered in time. */
  readonly missing: readonly string[];
}

interface Survey {
  readonly waitingFor: Set<string>;
  readonly answers: Map<string, Uint8Array>;
  failure: Error | undefined;
  readonly endAtMs: number;
  readonly end: () => void;
}

const CHECK_INTERVAL_MS = 1000;

/** Questions that are under way: which nodes have answered, and which are still to. */
export class Surveys implements Disposable {
  readonly #clock: Clock;
  readonly #surveys = new Map<number, Survey>();
  /** Undefined while nothing is asked. */
  #checking: Disposable | undefined;
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Waits for the answers of nodes to a question, which `ask` sends under the id that it is given. Rejects with the
   * first error, be it of `ask` or of a node, once all have answered.
   */
  async run(
    uids: readonly string[],
    timeoutMs: number,
    ask: (id: number) => Promise<void>,
  ): Promise<SurveyResult<Uint8Array>> {
    const id = ++this.#lastId;
    const ended = Promise.withResolvers<void>();
    const survey: Survey = {
      waitingFor: new Set(uids),
      answers: new Map(),
      failure: undefined,
      endAtMs: this.#clock.monotonicMs() + timeoutMs,
      end: ended.resolve,
    };
    this.#surveys.set(id, survey);
    this.#checking ??= this.#clock.every(CHECK_INTERVAL_MS, () => this.#endLate());
    try {
      // Not before the survey is there: on some buses the answers have come when the question is on its way.
      await ask(id);
      if (survey.waitingFor.size > 0) await ended.promise;
    } finally {
      this.#surveys.delete(id);
      if (this.#surveys.size === 0) this.#stopChecking();
    }
    if (survey.failure !== undefined) throw survey.failure;
    const answers = uids.flatMap((uid) => {
      const value = survey.answers.get(uid);
      return value === undefined ? [] : [{ uid, value }];
    });
    return { answers, missing: [...survey.waitingFor] };
  }

  /** A node has answered. Late answers, and those of nodes that were not asked, are nobody's. */
  answered(id: number, uid: string, answer: Uint8Array | Error): void {
    const survey = this.#surveys.get(id);
    if (survey?.waitingFor.delete(uid) !== true) return;
    if (answer instanceof Error) survey.failure ??= answer;
    else survey.answers.set(uid, answer);
    if (survey.waitingFor.size === 0) survey.end();
  }

  /** A node is gone: it answers nothing any more. */
  gone(uid: string): void {
    for (const survey of this.#surveys.values()) {
      if (survey.waitingFor.delete(uid) && survey.waitingFor.size === 0) survey.end();
    }
  }

  [Symbol.dispose](): void {
    for (const { end } of this.#surveys.values()) end();
  }

  #stopChecking(): void {
    this.#checking?.[Symbol.dispose]();
    this.#checking = undefined;
  }

  #endLate(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const { endAtMs, end } of this.#surveys.values()) if (nowMs >= endAtMs) end();
  }
}
