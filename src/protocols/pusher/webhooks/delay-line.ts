import type { Clock } from "../../../core/clock.ts";
import { type TimerWheel, WheelTimer } from "../../../lib/timer-wheel.ts";

/** What a delay line is made of. */
export interface DelayLineOptions<Item> {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly wheel: TimerWheel;
  readonly delayMs: number;
  /** So many wait at most; with one more, the oldest is released before its time. */
  readonly maxWaiting: number;
  /** Must not throw. */
  readonly release: (item: Item, key: string) => void;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly dueMs: number;
}

/** Releases items a fixed time after they came, in that order, unless they are taken back. One timer for all of them. */
export class DelayLine<Item> extends WheelTimer {
  readonly #options: DelayLineOptions<Item>;
  /** Oldest first. */
  readonly #waiting = new Map<string, Waiting<Item>>();

  constructor(options: DelayLineOptions<Item>) {
    super();
    this.#options = options;
  }

  /** Adds an item, in place of one with the same key. */
  add(key: string, item: Item): void {
    const { clock, wheel, delayMs, maxWaiting } = this.#options;
    this.#waiting.delete(key);
    this.#waiting.set(key, { item, dueMs: clock.monotonicMs() + delayMs });
    if (this.#waiting.size === 1) wheel.schedule(this, delayMs);
    if (this.#waiting.size > maxWaiting) this.#releaseFirst(1);
  }

  /** Takes an item back; false where none of the key waits. */
  takeBack(key: string): boolean {
    return this.#waiting.delete(key);
  }

  /** Releases all items now. */
  flush(): void {
    this.#options.wheel.cancel(this);
    this.#releaseFirst(this.#waiting.size);
  }

  override onDue(): void {
    const { clock, wheel } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const [key, { item, dueMs }] of this.#waiting) {
      if (dueMs > nowMs) {
        wheel.schedule(this, dueMs - nowMs);
        return;
      }
      this.#release(key, item);
    }
  }

  #releaseFirst(count: number): void {
    let left = count;
    for (const [key, { item }] of this.#waiting) {
      if (left === 0) return;
      left -= 1;
      this.#release(key, item);
    }
  }

  #release(key: string, item: Item): void {
    this.#waiting.delete(key);
    this.#options.release(item, key);
  }
}

/** A wait on the timer wheel that can be cut short; one at a time. */
export class Pause extends WheelTimer {
  readonly #wheel: TimerWheel;
  #resume: (() => void) | undefined;

  constructor(wheel: TimerWheel) {
    super();
    this.#wheel = wheel;
  }

  /** Resolves after the time, or when the pause is ended. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#wheel.schedule(this, delayMs);
    });
  }

  /** Ends the pause. Does nothing where there is none. */
  end(): void {
    this.#wheel.cancel(this);
    this.onDue();
  }

  override onDue(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }
}
