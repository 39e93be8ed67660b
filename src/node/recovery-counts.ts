import type { Counter, Histogram, Metrics } from "../core/metrics.ts";
import type { SubscribeResult } from "../core/push.ts";

/** Counts of subscriptions that were to be given what they missed. */
export class RecoveryCounts {
  readonly #failed: Counter;
  readonly #upToDate: Counter;
  readonly #recovered: Counter;
  readonly #publications: Histogram;

  constructor(metrics: Metrics) {
    const counterOf = (recovered: "yes" | "no", any: "yes" | "no"): Counter =>
      metrics.counter("client_recover", { recovered, has_recovered_publications: any });
    this.#failed = counterOf("no", "no");
    this.#upToDate = counterOf("yes", "no");
    this.#recovered = counterOf("yes", "yes");
    this.#publications = metrics.histogram("client_recovered_publications", {});
  }

  /** Counts what a client is told, if it is about a recovery. */
  count({ wasRecovering, recovered, publications: { length } }: SubscribeResult): void {
    if (!wasRecovering) return;
    if (!recovered) {
      this.#failed.add(1);
      return;
    }
    (length > 0 ? this.#recovered : this.#upToDate).add(1);
    this.#publications.observe(length);
  }
}
