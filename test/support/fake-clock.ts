import type { Clock } from "../../src/core/clock.ts";

interface Ticker {
  readonly intervalMs: number;
  readonly tick: () => void;
  nextMs: number;
}

/** A clock that moves only when told to. Wall time starts at a round date, monotonic time at 0. */
export class FakeClock implements Clock {
  static readonly START_WALL_MS: number = Date.UTC(2026, 0, 1);
  #nowMs = 0;
  readonly #tickers = new Set<Ticker>();

  wallMs(): number {
    return FakeClock.START_WALL_MS + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  every(intervalMs: number, tick: () => void): Disposable {
    const ticker: Ticker = { intervalMs, tick, nextMs: this.#nowMs + intervalMs };
    this.#tickers.add(ticker);
    return { [Symbol.dispose]: () => this.#tickers.delete(ticker) };
  }

  /** Something is being ticked. */
  get isTicking(): boolean {
    return this.#tickers.size > 0;
  }

  /** Moves time forward, calling tickers on the way. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#tickers].toSorted((a, b) => a.nextMs - b.nextMs)[0];
      if (next === undefined || next.nextMs > end) break;
      this.#nowMs = next.nextMs;
      next.nextMs += next.intervalMs;
      next.tick();
    }
    this.#nowMs = end;
  }
}
