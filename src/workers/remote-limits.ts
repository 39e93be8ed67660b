import { setImmediate as endOfTurn } from "node:timers/promises";
import type { SharedLimits } from "../core/shared-limits.ts";
import type { RateTaken } from "./calls.ts";
import type { LimitsListener } from "./limits-hub.ts";
import type { PrimaryLink } from "./worker-link.ts";

/** Limits that hold for all processes of the machine, as a worker reaches them: the primary counts. */
export class RemoteLimits implements SharedLimits {
  sessionsElsewhere = 0;
  readonly #link: PrimaryLink;
  readonly #listeners = new Map<string, (key: string, points: number) => void>();
  #taken: RateTaken[] = [];
  #sessions = 0;
  #isReporting = false;
  /** What all wait for who ask in this turn. */
  #catchingUp: Promise<void> | undefined;

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  /** Takes what the primary says of the others. */
  readonly listener: LimitsListener = {
    takenElsewhere: (taken) => {
      for (const [rate, key, points] of taken) this.#listeners.get(rate)?.(key, points);
    },
    sessionsElsewhere: (count) => {
      this.sessionsElsewhere = count;
    },
  };

  take(key: string, max: number): boolean | Promise<boolean> {
    if (Number.isFinite(max)) return this.#link.call("takeLimit", key, max);
    this.#link.notify("takeLimit", key, max);
    return true;
  }

  give(key: string): void {
    this.#link.notify("giveLimit", key);
  }

  /** Goes out with all that is taken in this tick, before whoever has taken it is answered. */
  reportTaken(rate: string, key: string, points: number): void {
    if (this.#taken.push([rate, key, points]) > 1) return;
    process.nextTick(() => {
      this.#link.notify("reportTaken", this.#taken);
      this.#taken = [];
    });
  }

  onTakenElsewhere(rate: string, listener: (key: string, points: number) => void): void {
    this.#listeners.set(rate, listener);
  }

  /** The primary is asked at the end of the turn, once for all who wait for it. */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#askPrimary();
    return this.#catchingUp;
  }

  /** Goes out before clients are told that they are connected: the others know of them when they see it. */
  reportSessions(count: number): void {
    this.#sessions = count;
    if (this.#isReporting) return;
    this.#isReporting = true;
    process.nextTick(() => {
      this.#isReporting = false;
      this.#link.notify("reportSessions", this.#sessions);
    });
  }

  async #askPrimary(): Promise<void> {
    await endOfTurn();
    this.#catchingUp = undefined;
    // Where the primary does not answer, what is known has to do; the end of the link is that of the worker.
    await this.#link.call("catchUpLimits").catch(() => undefined);
    setImmediate(() => this.#link.notify("endLimitsTurn"));
  }
}
