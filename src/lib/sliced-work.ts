/** How long loops are cut up. */
export interface SlicedWorkOptions {
  readonly nowMs: () => number;
  /** Milliseconds that a loop may go on before everything else has a turn. */
  readonly sliceMs: number;
}

/**
 * Runs long loops without keeping the event loop from its other work.
 *
 * However many loops there are, one turn of the event loop has one slice of one of them; they take turns.
 */
export class SlicedWork {
  readonly #options: SlicedWorkOptions;
  #running = 0;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(options: SlicedWorkOptions) {
    this.#options = options;
  }

  /**
   * Visits items in order until `visit` returns false. The first slice runs at once if nothing else does.
   *
   * Between slices the source may change, if its iterator allows. Rejects with the signal's reason.
   */
  async visit<Item>(
    items: Iterable<Item>,
    visit: (item: Item) => boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const { nowMs, sliceMs } = this.#options;
    const isBusy = this.#running > 0;
    this.#running += 1;
    try {
      if (isBusy) await this.#turn();
      signal?.throwIfAborted();
      let sliceEndMs = nowMs() + sliceMs;
      for (const item of items) {
        if (nowMs() >= sliceEndMs) {
          await this.#turn();
          signal?.throwIfAborted();
          sliceEndMs = nowMs() + sliceMs;
        }
        if (!visit(item)) return;
      }
    } finally {
      this.#running -= 1;
    }
  }

  /** Resolves in a turn of the event loop that no other loop has. */
  #turn(): Promise<void> {
    this.#lastTurn = this.#lastTurn.then(nextTurn);
    return this.#lastTurn;
  }
}

/** Milliseconds that one slice of asynchronous work may take. */
const ASYNC_SLICE_MS = 5;

/**
 * Cuts up work whose promises all settle without a turn of the event loop, and which would keep it from all other work
 * as long as a loop does.
 */
export class AsyncSlices {
  readonly #nowMs: () => number;
  #endMs: number;
  #turn: Promise<void> | undefined;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#endMs = nowMs() + ASYNC_SLICE_MS;
  }

  /** Undefined as long as the work may go on; else what it has to wait for. */
  get pause(): Promise<void> | undefined {
    if (this.#turn === undefined && this.#nowMs() >= this.#endMs) this.#turn = this.#untilNextSlice();
    return this.#turn;
  }

  async #untilNextSlice(): Promise<void> {
    await nextTurn();
    this.#turn = undefined;
    this.#endMs = this.#nowMs() + ASYNC_SLICE_MS;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
