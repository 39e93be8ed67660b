/**
 * Does pieces of work in the order in which they come, so many in a turn of the event loop: the first ones at once, the
 * rest in the turns to come. What each piece sets off has its turn as well before the next ones are done.
 */
export class PacedQueue {
  readonly #maxPerTurn: number;
  #waiting: (() => void)[] = [];
  /** The first one of `#waiting` that has not been done. */
  #next = 0;
  /** Done in this turn. */
  #done = 0;
  #isScheduled = false;
  readonly #onTurn = (): void => this.#turn();

  constructor(maxPerTurn: number) {
    this.#maxPerTurn = maxPerTurn;
  }

  /** Pieces of work that wait. */
  get size(): number {
    return this.#waiting.length - this.#next;
  }

  /** Does the work, which must not throw, now or in a turn to come. */
  run(work: () => void): void {
    this.#schedule();
    if (this.size > 0 || this.#done >= this.#maxPerTurn) {
      this.#waiting.push(work);
      return;
    }
    this.#done += 1;
    work();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onTurn);
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#done = 0;
    const works = this.#waiting.slice(this.#next, this.#next + this.#maxPerTurn);
    this.#next += works.length;
    if (this.size === 0) {
      this.#waiting = [];
      this.#next = 0;
    }
    this.#done = works.length;
    if (works.length > 0) this.#schedule();
    for (const work of works) work();
  }
}
