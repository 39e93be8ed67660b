import { TimerWheel } from "../lib/timer-wheel.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

/** What all parts of a server share: time, chance, and where they say what happens. A part picks what it uses. */
export interface Ambient {
  readonly clock: Clock;
  /** Deadlines of connections, by `clock`. */
  readonly wheel: TimerWheel;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Time and chance as the machine has them. */
export function createAmbient(logger: Logger, metrics: Metrics): Ambient {
  return { clock: systemClock, wheel: new TimerWheel(systemClock), random: Math.random, logger, metrics };
}
