import type { Door } from "./wire/publish-request.ts";
import type { TransportName } from "./wire/transport.ts";

/** Who is measured: Millrace, and what it is compared with. */
export type Contender =
  | "millrace"
  /** Pre-framed buffers, one `socket.write` per message and connection. */
  | "bare"
  /** The same with the buffers of a burst joined: one write per connection and burst. */
  | "joined"
  /** What one writes first, per message and connection: `ws.send()`, `response.write()`, `call.write()`. */
  | "naive"
  /** `node:http2`: one `stream.write()` of ready-made bytes per connection and burst. */
  | "http2"
  /** A `node:http` server that answers with the request's body. */
  | "echo"
  /** A grpc-js server whose only method does nothing. */
  | "empty"
  /** Millrace's own JSON API over HTTP. */
  | "json"
  /** Millrace without the feature or the clients that the scenario is about. */
  | "without"
  /** Millrace, and the bare loop, with fewer subscribers. */
  | "fewer"
  | "bareFewer"
  /** Millrace in a single worker. */
  | "single";

/** What was measured, unit included. */
export type Metric =
  | "cpuMicrosPerDelivery"
  | "latencyP50Micros"
  | "latencyP99Micros"
  | "rssBytesPerConnection"
  | "requestsPerSecond"
  | "cpuMicrosPerRequest"
  | "cpuMicrosPerConnection"
  /** Of CPU, per connection and second. */
  | "idleMicrosPerSecond"
  | "bytesPerSlowSession"
  /** How long the event loop of the server took for one turn, at worst. */
  | "stallMicros"
  /** From the first client that connects until the last one has been told that it is connected. */
  | "allConnectedMicros"
  | "wallMicrosPerDelivery"
  /** CPU of the subscribers' process. */
  | "receiverMicrosPerDelivery";

/** On what it was measured. */
export type Subject =
  | {
      readonly scenario: "fanout";
      readonly transport: TransportName;
      readonly subscribers: number;
      readonly payloadBytes: number;
      readonly burst: number;
    }
  | {
      readonly scenario: "scale";
      readonly transport: TransportName;
      readonly subscribers: number;
      readonly fewer: number;
      readonly burst: number;
    }
  | {
      readonly scenario: "workers";
      readonly transport: TransportName;
      readonly subscribers: number;
      readonly burst: number;
      readonly workers: number;
    }
  | {
      readonly scenario: "slow";
      readonly transport: TransportName;
      readonly subscribers: number;
      readonly slow: number;
    }
  | { readonly scenario: "latency"; readonly transport: TransportName; readonly subscribers: number }
  | { readonly scenario: "memory"; readonly transport: TransportName; readonly connections: number }
  | { readonly scenario: "idle"; readonly transport: TransportName; readonly connections: number }
  | { readonly scenario: "unary"; readonly door: Door }
  | { readonly scenario: "history"; readonly door: Door }
  | { readonly scenario: "storm"; readonly connections: number; readonly missed: number };

export type ScenarioName = Subject["scenario"];

/** The samples of one contender, one per repetition. */
export interface Series {
  readonly contender: Contender;
  readonly samples: readonly number[];
}

/** One metric of all contenders, taken in turns: the samples at the same place belong together. */
export interface Figure {
  readonly metric: Metric;
  readonly subject: Subject;
  readonly series: readonly Series[];
}

/** The samples of a contender; undefined when it did not take part. */
export function samplesOf(figure: Figure, contender: Contender): readonly number[] | undefined {
  return figure.series.find((series) => series.contender === contender)?.samples;
}

/** Collects the samples of several metrics while repetitions go on. */
export class FigureBuilder {
  readonly #subject: Subject;
  readonly #metrics = new Map<Metric, Map<Contender, number[]>>();

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  add(metric: Metric, contender: Contender, sample: number): void {
    const series = this.#metrics.get(metric) ?? new Map<Contender, number[]>();
    this.#metrics.set(metric, series);
    series.set(contender, [...(series.get(contender) ?? []), sample]);
  }

  build(): Figure[] {
    return [...this.#metrics].map(([metric, series]) => ({
      metric,
      subject: this.#subject,
      series: [...series].map(([contender, samples]) => ({ contender, samples })),
    }));
  }
}
