import { type Contender, type Figure, type Metric, samplesOf, type Subject } from "./figures.ts";
import { HEADLINE } from "./plan.ts";
import { summarise } from "./statistics.ts";
import type { TransportName } from "./wire/transport.ts";

/** A figure to reach: against a baseline of the same run, or in the unit of the metric. */
export interface Target {
  readonly what: string;
  readonly metric: Metric;
  readonly appliesTo: (subject: Subject) => boolean;
  /** Undefined for a limit in the unit of the metric. */
  readonly baseline?: Contender;
  readonly bound: "at most" | "at least";
  readonly limit: number;
  /** Why the figure cannot be reached in this run at all; undefined where it can. */
  readonly obstacle?: (subject: Subject, figures: readonly Figure[]) => string | undefined;
}

const KILOBYTE = 1024;
const QUEUE_MAX_BYTES = 1_048_576;
/** Memory is judged where what is there once no longer counts. */
const MANY_CONNECTIONS = 2000;

const fanOut = { metric: "cpuMicrosPerDelivery", bound: "at most" } as const;

/** All figures to reach. */
export const TARGETS: readonly Target[] = [
  // The table of figures that are to be reached.
  {
    ...fanOut,
    what: "CPU per delivery, single publications",
    appliesTo: headline(1, (transport) => transport !== "uni_grpc"),
    baseline: "bare",
    limit: 1.15,
  },
  ...[16, 64].map((burst) => ({
    ...fanOut,
    what: `CPU per delivery, bursts of ${burst}`,
    appliesTo: headline(burst, (transport) => transport !== "uni_grpc"),
    baseline: "joined" as const,
    limit: 1.5,
  })),
  {
    ...fanOut,
    what: "CPU per delivery, single publications",
    appliesTo: headline(1, (transport) => transport === "uni_grpc"),
    baseline: "bare",
    limit: 1.7,
  },
  {
    ...fanOut,
    what: "CPU per delivery, bursts of 16",
    appliesTo: headline(16, (transport) => transport === "uni_grpc"),
    baseline: "bare",
    limit: 0.5,
  },
  {
    ...fanOut,
    what: "CPU per delivery, 10,000 subscribers against 1,000",
    appliesTo: ({ scenario }) => scenario === "scale",
    baseline: "fewer",
    limit: 1.1,
  },
  {
    ...fanOut,
    what: "CPU of all processes per delivery, 2 workers against 1",
    appliesTo: isTwoWorkers,
    baseline: "single",
    limit: 1.15,
  },
  {
    what: "time per delivery, 2 workers against 1",
    metric: "wallMicrosPerDelivery",
    appliesTo: isTwoWorkers,
    baseline: "single",
    bound: "at most",
    limit: 0.6,
    obstacle: receiverLimit,
  },
  memory(10, "uni_websocket"),
  memory(14, "uni_sse", "uni_http_stream"),
  memory(50, "uni_grpc"),
  {
    what: "CPU per idle connection and second",
    metric: "idleMicrosPerSecond",
    appliesTo: ({ scenario }) => scenario === "idle",
    bound: "at most",
    limit: 2,
  },
  {
    what: "requests per second of publish",
    metric: "requestsPerSecond",
    appliesTo: (subject) => subject.scenario === "unary" && subject.door === "http",
    baseline: "echo",
    bound: "at least",
    limit: 0.6,
  },
  {
    what: "requests per second of publish",
    metric: "requestsPerSecond",
    appliesTo: (subject) => subject.scenario === "unary" && subject.door.startsWith("connect"),
    baseline: "json",
    bound: "at least",
    limit: 0.6,
  },
  // What else was promised.
  {
    what: "p99 latency of those who read, 1 % do not",
    metric: "latencyP99Micros",
    appliesTo: ({ scenario }) => scenario === "slow",
    baseline: "without",
    bound: "at most",
    limit: 1.2,
  },
  {
    what: "memory per subscriber that does not read",
    metric: "bytesPerSlowSession",
    appliesTo: ({ scenario }) => scenario === "slow",
    bound: "at most",
    limit: 1.1 * QUEUE_MAX_BYTES,
  },
  {
    what: "longest turn of the event loop while all come back",
    metric: "stallMicros",
    appliesTo: ({ scenario }) => scenario === "storm",
    bound: "at most",
    limit: 50_000,
  },
  {
    what: "p99 latency, 10 publications a second",
    metric: "latencyP99Micros",
    appliesTo: (subject) => subject.scenario === "latency" && subject.subscribers === HEADLINE.subscribers,
    baseline: "bare",
    bound: "at most",
    limit: 3,
  },
  {
    what: "requests per second of publish",
    metric: "requestsPerSecond",
    appliesTo: (subject) => subject.scenario === "unary" && subject.door === "grpc",
    baseline: "empty",
    bound: "at least",
    limit: 0.6,
  },
  {
    what: "CPU per publication with history",
    metric: "cpuMicrosPerRequest",
    appliesTo: ({ scenario }) => scenario === "history",
    baseline: "without",
    bound: "at most",
    limit: 1.5,
  },
];

function headline(burst: number, isWanted: (transport: TransportName) => boolean): Target["appliesTo"] {
  return (subject) =>
    subject.scenario === "fanout" &&
    subject.subscribers === HEADLINE.subscribers &&
    subject.payloadBytes === HEADLINE.payloadBytes &&
    subject.burst === burst &&
    isWanted(subject.transport);
}

/** On two cores, two workers can take 0.6 of the time of one only if the receiver takes a fifth of its CPU. */
const RECEIVER_SHARE = 0.2;

function receiverLimit(subject: Subject, figures: readonly Figure[]): string | undefined {
  const medianOf = (metric: Metric): number => {
    const figure = figures.find(
      (other) => other.metric === metric && JSON.stringify(other.subject) === JSON.stringify(subject),
    );
    return summarise((figure && samplesOf(figure, "single")) ?? [Number.NaN]).median;
  };
  const share = medianOf("receiverMicrosPerDelivery") / medianOf("cpuMicrosPerDelivery");
  return share > RECEIVER_SHARE ? "missed: the receiver is the limit" : undefined;
}

function isTwoWorkers(subject: Subject): boolean {
  return subject.scenario === "workers" && subject.workers === 2;
}

function memory(kilobytes: number, ...transports: readonly TransportName[]): Target {
  return {
    what: "resident memory per idle connection",
    metric: "rssBytesPerConnection",
    appliesTo: (subject) =>
      subject.scenario === "memory" &&
      subject.connections >= MANY_CONNECTIONS &&
      transports.includes(subject.transport),
    bound: "at most",
    limit: kilobytes * KILOBYTE,
  };
}
