/** What a heartbeat needs of a clock. */
export interface HeartbeatClock {
  /** Calls `tick` about every `intervalMs` until disposed. */
  every(intervalMs: number, tick: () => void): Disposable;
}

/** What happens with each beat, and without the other side's. */
export interface HeartbeatOptions {
  readonly clock: HeartbeatClock;
  /** How long the other side may be silent; before it is heard for the first time, ten times as long: it is starting. */
  readonly silenceTimeoutMs: number;
  readonly onBeat: () => void;
  /** The other side has been silent for too long. */
  readonly onSilence: () => void;
}

const BEAT_MS = 1000;
const PATIENCE_AT_START = 10;

/** Beats that take at least so long. */
export function beatsOf(ms: number): number {
  return Math.ceil(ms / BEAT_MS);
}

/**
 * Notices that the other side of a link hangs.
 *
 * Silence is counted in beats of this side, not in time: while this process is stalled itself, or the whole machine is
 * suspended, nothing counts against the other one.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #ticking: Disposable;
  #isHeard = false;
  #silentBeats = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#ticking = options.clock.every(BEAT_MS, () => this.#beat());
  }

  /** The other side has sent something. */
  heard(): void {
    this.#isHeard = true;
    this.#silentBeats = 0;
  }

  stop(): void {
    this.#ticking[Symbol.dispose]();
  }

  #beat(): void {
    const { silenceTimeoutMs, onBeat, onSilence } = this.#options;
    this.#silentBeats += 1;
    const maxBeats = beatsOf(silenceTimeoutMs) * (this.#isHeard ? 1 : PATIENCE_AT_START);
    if (this.#silentBeats > maxBeats) onSilence();
    else onBeat();
  }
}
