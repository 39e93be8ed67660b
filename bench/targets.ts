import { type Contender, type Figure, type Metric, samplesOf, type Subject } from "./figures.ts";
import { HEADLINE } from "./plan.ts";
import { ratio, summarise } from "./statistics.ts";
import type { TransportName } from "./wire/transport.ts";

/** A figure to reach: against a baseline of the same run, or in the unit of the metric. */
interface Target {
  readonly what: string;
  readonly metric: Metric;
  readonly appliesTo: (subject: Subject) => boolean;
  /** Undefined for a limit in the unit of the metric. */
  readonly baseline?: Contender;
  readonly bound: "at most" | "at least";
  readonly limit: number;
}

/** Whether a figure was reached. */
export interface Verdict {
  readonly what: string;
  readonly subject: Subject;
  readonly metric: Metric;
  /** Undefined where the limit is no ratio. */
  readonly baseline: Contender | undefined;
  readonly bound: Target["bound"];
  readonly limit: number;
  /** The median: of the ratios to the baseline, or in the unit of the metric. */
  readonly measured: number;
  readonly reached: boolean;
}

const KILOBYTE = 1024;
const QUEUE_MAX_BYTES = 1_048_576;
/** Memory is judged where what is there once no longer counts. */
const MANY_CONNECTIONS = 2000;

const fanOut = { metric: "cpuMicrosPerDelivery", bound: "at most" } as const;

const TARGETS: readonly Target[] = [
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

/** Holds what was measured against the figures to reach. */
export function judge(figures: readonly Figure[]): Verdict[] {
  return TARGETS.flatMap((target) =>
    figures
      .filter(({ metric, subject }) => metric === target.metric && target.appliesTo(subject))
      .flatMap((figure) => judgeOne(target, figure)),
  );
}

function judgeOne({ what, metric, baseline, bound, limit }: Target, figure: Figure): Verdict[] {
  const ours = samplesOf(figure, "millrace");
  if (ours === undefined) return [];
  const theirs = baseline === undefined ? undefined : samplesOf(figure, baseline);
  if (baseline !== undefined && theirs === undefined) return [];
  const { median: measured } = theirs === undefined ? summarise(ours) : ratio(ours, theirs);
  const reached = bound === "at most" ? measured <= limit : measured >= limit;
  return [{ what, subject: figure.subject, metric, baseline, bound, limit, measured, reached }];
}

function headline(burst: number, isWanted: (transport: TransportName) => boolean): Target["appliesTo"] {
  return (subject) =>
    subject.scenario === "fanout" &&
    subject.subscribers === HEADLINE.subscribers &&
    subject.payloadBytes === HEADLINE.payloadBytes &&
    subject.burst === burst &&
    isWanted(subject.transport);
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
