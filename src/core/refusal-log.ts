import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./logger.ts";

/** How long a refusal that has been logged is not logged again. */
const INTERVAL_MS = 60_000;
/** Lines for one reason in that time, whatever they are about. */
const MAX_LINES = 20;

/** What has been logged of one reason. */
interface Interval {
  readonly beganAtMs: number;
  /** What the lines were about. */
  readonly logged: Set<string>;
  /** Refusals that have not been logged since the last line. */
  omitted: number;
}

/**
 * Log of what is refused, for those who have to change something: one line a minute for each reason and what it is about,
 * and twenty for each reason. The next line of the reason tells how many were left out.
 */
export class RefusalLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By reason, of which there are few. */
  readonly #intervals = new Map<string, Interval>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * Logs a refusal at info. `reason` is a stable code, `about` tells apart what one line each is to be written of;
   * the message says what to change.
   */
  note(reason: string, about: string, fields: LogFields, message: string): void {
    const interval = this.#intervalOf(reason);
    if (interval.logged.has(about) || interval.logged.size >= MAX_LINES) {
      interval.omitted += 1;
      return;
    }
    interval.logged.add(about);
    const { omitted } = interval;
    interval.omitted = 0;
    this.#logger.info({ reason, ...fields, ...(omitted > 0 ? { omitted } : {}) }, message);
  }

  #intervalOf(reason: string): Interval {
    const nowMs = this.#clock.monotonicMs();
    const current = this.#intervals.get(reason);
    if (current !== undefined && nowMs - current.beganAtMs < INTERVAL_MS) return current;
    const next = { beganAtMs: nowMs, logged: new Set<string>(), omitted: current?.omitted ?? 0 };
    this.#intervals.set(reason, next);
    return next;
  }
}
