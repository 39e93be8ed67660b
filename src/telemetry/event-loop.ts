import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../core/clock.ts";
import type { GaugeLabels, Metrics } from "../core/metrics.ts";

type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>;
type Quantile = GaugeLabels["process_event_loop_delay_seconds"]["quantile"];

const QUANTILES: readonly Quantile[] = ["0.5", "0.99", "1"];
/** How often the delay is looked at. */
const RESOLUTION_MS = 10;
/** Gauges that are read within this time are of the same look. */
const LOOK_MS = 1000;

/** Measures how late the event loop is, from when somebody first reads it until it is disposed. */
export function measureEventLoop(metrics: Metrics, clock: Pick<Clock, "monotonicMs">): Disposable {
  const delay = new EventLoopDelay(clock);
  const measuring = new DisposableStack();
  measuring.use(delay);
  for (const quantile of QUANTILES) {
    const read = (): number => delay.read()[quantile];
    measuring.use(metrics.gauge("process_event_loop_delay_seconds", { quantile }, read));
  }
  return measuring;
}

type Delays = Readonly<Record<Quantile, number>>;

const NO_DELAY: Delays = { "0.5": 0, "0.99": 0, "1": 0 };

/** Delays since the look before, in seconds. */
class EventLoopDelay implements Disposable {
  /** Undefined until somebody looks: measuring costs a timer. */
  #histogram: IntervalHistogram | undefined;
  #delays = NO_DELAY;
  #lookedAtMs = 0;
  readonly #clock: Pick<Clock, "monotonicMs">;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  read(): Delays {
    const nowMs = this.#clock.monotonicMs();
    if (this.#histogram === undefined) {
      this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#histogram.enable();
    } else if (nowMs - this.#lookedAtMs >= LOOK_MS) {
      this.#delays = delaysOf(this.#histogram);
      this.#histogram.reset();
    } else {
      return this.#delays;
    }
    this.#lookedAtMs = nowMs;
    return this.#delays;
  }

  [Symbol.dispose](): void {
    this.#histogram?.disable();
  }
}

/** A histogram without values says NaN, or numbers that are none. */
function delaysOf(histogram: IntervalHistogram): Delays {
  if (histogram.count === 0) return NO_DELAY;
  return {
    "0.5": delayOf(histogram.percentile(50)),
    "0.99": delayOf(histogram.percentile(99)),
    "1": delayOf(histogram.max),
  };
}

/** Node measures from one look to the next: a loop that is never late is as late as the time between two. */
function delayOf(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS) / 1000;
}
