import { type ApiProtocol, BoundBy, type Counter, type Histogram, type Metrics } from "./metrics.ts";

/** Instruments for the calls of one method over one protocol. */
interface MethodCounts {
  readonly durations: Histogram;
  readonly errors: BoundBy<string, Counter>;
}

/** Counts of the calls that backends make over one protocol, by method, and by error where they fail. */
export class CallCounts {
  readonly #methods: BoundBy<string, MethodCounts>;

  /** Methods and errors must be from closed sets. */
  constructor(metrics: Metrics, protocol: ApiProtocol) {
    this.#methods = new BoundBy((method) => ({
      durations: metrics.histogram("api_command_duration_seconds_histogram", { protocol, method }),
      errors: new BoundBy((error) =>
        metrics.counter("api_command_errors_total", { protocol, method, error }),
      ),
    }));
  }

  /** Counts a call that has been answered; `error` is the code of its error, undefined where there is none. */
  count(method: string, durationMs: number, error: number | undefined): void {
    const { durations, errors } = this.#methods.of(method);
    durations.observe(durationMs / 1000);
    if (error !== undefined) errors.of(String(error)).add(1);
  }
}
