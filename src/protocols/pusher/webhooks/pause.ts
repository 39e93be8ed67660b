import { type TimerWheel, WheelTimer } from "../../../lib/timer-wheel.ts";

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
