import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./logger.ts";
import { BoundBy, type Counter, type Metrics, NO_METRICS } from "./metrics.ts";
import { explainRefusal, type RefusalReason } from "./refusal.ts";

/** How long a refusal that has been logged is not logged again. */
const INTERVAL_MS = 60_000;
/** Lines for one reason in that time, whatever they are about. */
const MAX_LINES = 20;
/** Characters of a field: those who are refused choose some of them, and the log is not for megabytes. */
const FIELD_MAX_LENGTH = 500;

/** What is told of a refusal. */
export interface RefusalFields extends LogFields {
  /** Network address of whoever is refused. */
  readonly address?: string;
  /** What exactly is wrong; "" for nothing. */
  readonly detail?: string;
}

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
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** By reason, of which there are few. */
  readonly #intervals = new Map<RefusalReason, Interval>();
  readonly #refusals: BoundBy<RefusalReason, Counter>;

  constructor(logger: Logger, clock: Pick<Clock, "monotonicMs">, metrics: Metrics = NO_METRICS) {
    this.#logger = logger;
    this.#clock = clock;
    this.#refusals = new BoundBy((reason) => metrics.counter("refusals_total", { reason }));
  }

  /**
   * Counts a refusal, and logs it at info, with what to change. `about` tells apart what one line each is to be written of: the address,
   * unless it says something else.
   */
  note(reason: RefusalReason, fields: RefusalFields, about: string = fields.address ?? ""): void {
    this.#refusals.of(reason).add(1);
    const interval = this.#intervalOf(reason);
    const key = about.slice(0, FIELD_MAX_LENGTH);
    if (interval.logged.has(key) || interval.logged.size >= MAX_LINES) {
      interval.omitted += 1;
      return;
    }
    interval.logged.add(key);
    const { omitted } = interval;
    interval.omitted = 0;
    const { message, hint } = explainRefusal(reason);
    const line = { reason, ...readable(fields), hint, ...(omitted > 0 ? { omitted } : {}) };
    this.#logger.info(line, message);
  }

  #intervalOf(reason: RefusalReason): Interval {
    const nowMs = this.#clock.monotonicMs();
    const current = this.#intervals.get(reason);
    if (current !== undefined && nowMs - current.beganAtMs < INTERVAL_MS) return current;
    const next = { beganAtMs: nowMs, logged: new Set<string>(), omitted: current?.omitted ?? 0 };
    this.#intervals.set(reason, next);
    return next;
  }
}

/** The fields that say something, none of them too long; IPv4 addresses as such. */
function readable({ address, ...fields }: RefusalFields): LogFields {
  const all = { address: address?.replace(/^::ffff:(?=\d+\.)/u, ""), ...fields };
  const said = Object.entries(all).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(
    said.map(([name, value]) => [name, typeof value === "string" ? value.slice(0, FIELD_MAX_LENGTH) : value]),
  );
}
