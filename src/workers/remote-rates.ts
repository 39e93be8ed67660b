import type { RateNews } from "../core/rate-news.ts";
import type { RateTaken, WorkerCalls } from "./calls.ts";
import type { PrimaryLink } from "./worker-link.ts";

/** What workers tell each other of rates, by way of the primary. */
export class RemoteRates implements RateNews {
  readonly #link: PrimaryLink;
  readonly #listeners = new Map<string, (key: string, points: number) => void>();
  #taken: RateTaken[] = [];

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  readonly news: Pick<WorkerCalls, "ratesTaken"> = {
    ratesTaken: (taken) => {
      for (const [limit, key, points] of taken) this.#listeners.get(limit)?.(key, points);
    },
  };

  /** Goes out with all that is taken in this tick, before whoever has taken it is answered. */
  tell(limit: string, key: string, points: number): void {
    if (this.#taken.push([limit, key, points]) > 1) return;
    process.nextTick(() => {
      this.#link.notify("ratesTaken", this.#taken);
      this.#taken = [];
    });
  }

  listen(limit: string, onTaken: (key: string, points: number) => void): void {
    this.#listeners.set(limit, onTaken);
  }
}
