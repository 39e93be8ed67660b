/** What the wheel needs of a clock. */
export interface WheelClock {
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /** Calls `tick` about every `intervalMs` until disposed. */
  every(intervalMs: number, tick: () => void): Disposable;
}

/** Something that wants to be called at a time of its own, at most one at once. */
export abstract class WheelTimer {
  /** Neighbours in the slot's list; for the wheel only. */
  prev: WheelTimer | undefined = undefined;
  next: WheelTimer | undefined = undefined;
  /** Tick at which the timer is due; -1 while it is not scheduled. For the wheel only. */
  dueTick = -1;

  /** Called once when due; may schedule itself again. Must not throw. */
  abstract onDue(): void;
}

const SLOTS = 4096;

/**
 * One timer for all connections.
 *
 * A hashed wheel: scheduling, rescheduling and cancelling are constant time and allocate nothing; a tick
 * looks at one slot. Timers fire up to one tick late, never early.
 */
export class TimerWheel implements Disposable {
  readonly #clock: WheelClock;
  readonly #tickMs: number;
  readonly #slots: (WheelTimer | undefined)[] = new Array<WheelTimer | undefined>(SLOTS).fill(undefined);
  readonly #startMs: number;
  #tick = 0;
  #size = 0;
  #ticking: Disposable | undefined;

  constructor(clock: WheelClock, tickMs = 50) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#startMs = clock.monotonicMs();
  }

  /** Scheduled timers. */
  get size(): number {
    return this.#size;
  }

  /** Has the timer called after at least `delayMs`, in place of when it was due before. */
  schedule(timer: WheelTimer, delayMs: number): void {
    this.cancel(timer);
    if (this.#ticking === undefined) {
      this.#tick = this.#currentTick();
      this.#ticking = this.#clock.every(this.#tickMs, () => this.#advance());
    }
    const dueMs = this.#clock.monotonicMs() - this.#startMs + Math.max(0, delayMs);
    timer.dueTick = Math.max(this.#tick + 1, Math.ceil(dueMs / this.#tickMs));
    const slot = timer.dueTick % SLOTS;
    const head = this.#slots[slot];
    timer.next = head;
    if (head !== undefined) head.prev = timer;
    this.#slots[slot] = timer;
    this.#size += 1;
  }

  /** Forgets the timer. Does nothing when it is not scheduled. */
  cancel(timer: WheelTimer): void {
    if (timer.dueTick < 0) return;
    if (timer.prev === undefined) this.#slots[timer.dueTick % SLOTS] = timer.next;
    else timer.prev.next = timer.next;
    if (timer.next !== undefined) timer.next.prev = timer.prev;
    timer.prev = undefined;
    timer.next = undefined;
    timer.dueTick = -1;
    this.#size -= 1;
  }

  /** Stops ticking. Scheduled timers are forgotten without being called. */
  [Symbol.dispose](): void {
    this.#ticking?.[Symbol.dispose]();
    this.#ticking = undefined;
    this.#slots.fill(undefined);
    this.#size = 0;
  }

  #currentTick(): number {
    return Math.floor((this.#clock.monotonicMs() - this.#startMs) / this.#tickMs);
  }

  #advance(): void {
    const now = this.#currentTick();
    // After a pause longer than a turn of the wheel, every slot needs one look only.
    this.#tick = Math.max(this.#tick, now - SLOTS);
    while (this.#tick < now) {
      this.#tick += 1;
      this.#fireSlot(this.#tick % SLOTS, now);
    }
    if (this.#size === 0) {
      this.#ticking?.[Symbol.dispose]();
      this.#ticking = undefined;
    }
  }

  #fireSlot(slot: number, now: number): void {
    const due: WheelTimer[] = [];
    for (let timer = this.#slots[slot]; timer !== undefined; timer = timer.next) {
      if (timer.dueTick <= now) due.push(timer);
    }
    for (const timer of due) {
      // An earlier one of this slot may have cancelled or moved it.
      if (timer.dueTick < 0 || timer.dueTick > now) continue;
      this.cancel(timer);
      timer.onDue();
    }
  }
}
