import type { Writable } from "node:stream";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";

/**
 * Notices when a peer takes nothing of what has been written for a whole interval.
 *
 * It is scheduled only while bytes are waiting, so a connection that keeps up costs nothing.
 */
export class StallGuard extends WheelTimer {
  readonly #sink: Writable;
  readonly #wheel: TimerWheel;
  readonly #timeoutMs: number;
  readonly #onStall: () => void;
  #waitingAtLastLook = 0;
  #writtenSinceLook = 0;
  #unsentAtLastLook = 0;

  /** `timeoutMs` of 0 or less never stalls. */
  constructor(sink: Writable, wheel: TimerWheel, timeoutMs: number, onStall: () => void) {
    super();
    this.#sink = sink;
    this.#wheel = wheel;
    this.#timeoutMs = timeoutMs;
    this.#onStall = onStall;
  }

  /** Tells the guard that `bytes` have just been written. */
  wrote(bytes: number): void {
    if (this.dueTick >= 0) {
      this.#writtenSinceLook += bytes;
    } else if (this.#timeoutMs > 0 && this.#sink.writableLength > 0) {
      this.#look();
    }
  }

  /** Forgets the peer. */
  stop(): void {
    this.#wheel.cancel(this);
  }

  override onDue(): void {
    const waiting = this.#sink.writableLength;
    if (waiting === 0) return;
    // Nothing left the queue if it holds all that it held before and all that came since.
    const isFull = waiting >= this.#waitingAtLastLook + this.#writtenSinceLook;
    if (isFull && unsentBytes(this.#sink) === this.#unsentAtLastLook) this.#onStall();
    else this.#look();
  }

  #look(): void {
    this.#waitingAtLastLook = this.#sink.writableLength;
    this.#writtenSinceLook = 0;
    this.#unsentAtLastLook = unsentBytes(this.#sink);
    this.#wheel.schedule(this, this.#timeoutMs);
  }
}

/**
 * Bytes of the write under way that the operating system has not taken; 0 where that is not known.
 *
 * A socket hands everything that waits to one write, and its queue shrinks only when all of that is taken;
 * Node's own socket timeout looks at the handle for the same reason.
 */
function unsentBytes(
  sink: Writable & { readonly _handle?: { readonly writeQueueSize?: number } | null },
): number {
  return sink._handle?.writeQueueSize ?? 0;
}
