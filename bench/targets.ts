import { type Contender, type Figure, type Metric, samplesOf, type Subject } from "./figures.ts";
import { HEADLINE } from "./plan.ts";
import { ratio } from "./statistics.ts";

/** A figure to reach: Millrace against a baseline of the same run. */
interface Target {
  readonly what: string;
  readonly metric: Metric;
  readonly appliesTo: (subject: Subject) => boolean;
  readonly baseline: Contender;
  readonly bound: "at most" | "at least";
  readonly limit: number;
}

/** Whether a figure was reached. */
export interface Verdict {
  readonly what: string;
  readonly subject: Subject;
  readonly baseline: Contender;
  readonly bound: Target["bound"];
  readonly limit: number;
  readonly ratio: number;
  readonly reached: boolean;
}

const TARGETS: readonly Target[] = [
  {
    what: "CPU per delivery, single publications",
    metric: "cpuMicrosPerDelivery",
    appliesTo: (subject) => isHeadline(subject, 1) && subject.transport !== "uni_grpc",
    baseline: "bare",
    bound: "at most",
    limit: 1.3,
  },
  {
    what: "CPU per delivery, single publications",
    metric: "cpuMicrosPerDelivery",
    appliesTo: (subject) => isHeadline(subject, 1) && subject.transport === "uni_grpc",
    baseline: "bare",
    bound: "at most",
    limit: 2.2,
  },
  {
    what: "CPU per delivery, bursts of 16",
    metric: "cpuMicrosPerDelivery",
    appliesTo: (subject) => isHeadline(subject, 16) && subject.transport !== "uni_grpc",
    baseline: "naive",
    bound: "at most",
    limit: 0.15,
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
    appliesTo: (subject) => subject.scenario === "unary" && subject.door === "http",
    baseline: "echo",
    bound: "at least",
    limit: 0.4,
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
    appliesTo: (subject) => subject.scenario === "history",
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

function judgeOne({ what, baseline, bound, limit }: Target, figure: Figure): Verdict[] {
  const ours = samplesOf(figure, "millrace");
  const theirs = samplesOf(figure, baseline);
  if (ours === undefined || theirs === undefined) return [];
  const { median } = ratio(ours, theirs);
  const reached = bound === "at most" ? median <= limit : median >= limit;
  return [{ what, subject: figure.subject, baseline, bound, limit, ratio: median, reached }];
}

function isHeadline(subject: Subject, burst: number): subject is Extract<Subject, { scenario: "fanout" }> {
  return (
    subject.scenario === "fanout" &&
    subject.subscribers === HEADLINE.subscribers &&
    subject.payloadBytes === HEADLINE.payloadBytes &&
    subject.burst === burst
  );
}
