/** Time as the server sees it; replaced by a hand-moved one in tests. */
export interface Clock {
  /** Wall-clock time, Unix milliseconds. For what tokens and users say about time. */
  wallMs(): number;
  /** Milliseconds that never go back. For delays. */
  monotonicMs(): number;
  /** Calls `tick` about every `intervalMs` until disposed; does not keep the process alive. */
  every(intervalMs: number, tick: () => void): Disposable;
}

/** The machine's clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  every(intervalMs, tick) {
    const timer = setInterval(tick, intervalMs);
    timer.unref();
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};
