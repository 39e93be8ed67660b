import type { ServerResponse } from "node:http";
import type { Clock } from "../../../core/clock.ts";
import type { Live } from "../../../core/live.ts";
import type { SharedRates } from "../../../core/shared-limits.ts";
import { type RateDecision, RateLimiter } from "../../../lib/rate-limiter.ts";
import type { PusherApps } from "../app.ts";
import { Refusal } from "./endpoint.ts";

/** What points are spent on: an event in one channel, or a question. */
export type Expense = "event" | "read";

const OPTIONS = {
  event: "max_backend_events_per_second",
  read: "max_read_requests_per_second",
} as const satisfies Record<Expense, string>;

const WINDOW_MS = 1000;
/** Apps whose windows are remembered; nobody has more of them busy in one second. */
const MAX_APPS = 100_000;

/** What the backends of an app may ask for in a second (docs/protocols/pusher.md §4.2). */
export class AppRateLimits {
  readonly #apps: Live<PusherApps>;
  readonly #limiters: Readonly<Record<Expense, RateLimiter>>;

  /** The limits are those of all nodes together. */
  constructor(apps: Live<PusherApps>, clock: Pick<Clock, "monotonicMs">, rates: SharedRates) {
    this.#apps = apps;
    const limiter = (expense: Expense): RateLimiter => {
      const name = `pusher app ${expense}`;
      const made = new RateLimiter({
        clock,
        maxKeys: MAX_APPS,
        limit: (id) => ({ max: this.#maxOf(id, expense), windowMs: WINDOW_MS }),
        onTaken: (id, points) => rates.reportTaken(name, id, points),
      });
      rates.onTakenElsewhere(name, (id, points) => made.note(id, points));
      return made;
    };
    this.#limiters = { event: limiter("event"), read: limiter("read") };
  }

  /**
   * Takes points of an app, and has the answer tell what is left.
   *
   * @throws Refusal 429 where there are not enough
   */
  spend(id: string, expense: Expense, points: number, response: ServerResponse): void {
    enforce(
      this.#limiters[expense].take(id, points),
      "The app has used up what it may do in a second",
      response,
    );
  }

  #maxOf(id: string, expense: Expense): number {
    return this.#apps.get().withId(id)?.config[OPTIONS[expense]] ?? 0;
  }
}

/**
 * Tells with the answer what is left of a limit, where there is one.
 *
 * @throws Refusal 429 where nothing is
 */
export function enforce(
  { allowed, max, remaining, retryAfterSec }: RateDecision,
  complaint: string,
  response: ServerResponse,
): void {
  if (max === Infinity) return;
  response.setHeader("X-RateLimit-Limit", max);
  response.setHeader("X-RateLimit-Remaining", remaining);
  if (!allowed) throw new Refusal(429, complaint, { "Retry-After": String(retryAfterSec) });
}
