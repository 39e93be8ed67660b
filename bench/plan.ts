import type { ScenarioName } from "./figures.ts";
import type { Door } from "./wire/publish-request.ts";
import type { TransportName } from "./wire/transport.ts";

/** How much a fan-out sample holds: so many deliveries, or so much CPU time if that comes first. */
export interface Sampling {
  readonly repetitions: number;
  readonly deliveries: number;
  readonly maxCpuMs: number;
  /** Cheap deliveries make more of them. */
  readonly minCpuMs: number;
  readonly warmUpCpuMs: number;
}

export interface LatencySampling {
  readonly repetitions: number;
  readonly publications: number;
}

export interface MemorySampling {
  readonly repetitions: number;
  /** Ascending. */
  readonly connections: readonly number[];
}

export interface IdleSampling {
  readonly connections: number;
  /** Each as long as the interval between two pings. */
  readonly windows: number;
}

export interface UnarySampling {
  readonly repetitions: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
}

export interface StormSampling {
  readonly repetitions: number;
  readonly connections: number;
}

export interface SlowSampling {
  readonly repetitions: number;
  readonly subscribers: number;
  readonly publications: number;
}

/** How thoroughly to measure. */
export interface Effort {
  /** The cells that have a figure to reach. */
  readonly headline: Sampling;
  readonly others: Sampling;
  readonly scale: Sampling;

  readonly workers: Sampling;
  readonly latency: LatencySampling;
  readonly memory: MemorySampling;
  readonly idle: IdleSampling;
  readonly unary: UnarySampling;
  readonly storm: StormSampling;
  readonly slow: SlowSampling;
}

/** Who listens to what in the fan-out. */
export interface CellPlan {
  readonly subscribers: number;
  readonly payloadBytes: number;
  readonly burst: number;
}

/** The cells that figures to reach are about: with these bursts. */
export const HEADLINE = { subscribers: 1000, payloadBytes: 128 };
export const HEADLINE_BURSTS: readonly number[] = [1, 16, 64];

/** Whether a figure to reach is about a cell. */
export function isHeadline({ subscribers, payloadBytes, burst }: CellPlan): boolean {
  const { subscribers: many, payloadBytes: bytes } = HEADLINE;
  return subscribers === many && payloadBytes === bytes && HEADLINE_BURSTS.includes(burst);
}

/** Numbers of subscribers in the plot of cost against subscribers, without the headline's. */
const PLOT_SUBSCRIBERS = [1, 10, 100, 5000, 10_000];
const PLOT_SUBSCRIBERS_BURSTS = [1, 16];
/** Bursts in the plot of cost against bursts, without the headline's. */
const PLOT_BURSTS = [2, 4, 8, 32];
const LARGE_PAYLOAD_BYTES = 1024;

/** The fan-out when nothing is asked for in particular. */
export const CELLS: Readonly<Record<"full" | "quick", readonly CellPlan[]>> = {
  full: [
    ...HEADLINE_BURSTS.map((burst) => ({ ...HEADLINE, burst })),
    ...PLOT_BURSTS.map((burst) => ({ ...HEADLINE, burst })),
    ...[1, 16].map((burst) => ({ ...HEADLINE, payloadBytes: LARGE_PAYLOAD_BYTES, burst })),
    ...PLOT_SUBSCRIBERS.flatMap((subscribers) =>
      PLOT_SUBSCRIBERS_BURSTS.map((burst) => ({ ...HEADLINE, subscribers, burst })),
    ),
  ],
  quick: HEADLINE_BURSTS.map((burst) => ({ ...HEADLINE, burst })),
};

export const EFFORTS: Readonly<Record<"full" | "quick", Effort>> = {
  full: {
    headline: { repetitions: 5, deliveries: 100_000, maxCpuMs: 600, minCpuMs: 150, warmUpCpuMs: 200 },
    others: { repetitions: 2, deliveries: 30_000, maxCpuMs: 150, minCpuMs: 60, warmUpCpuMs: 60 },
    scale: { repetitions: 4, deliveries: 60_000, maxCpuMs: 400, minCpuMs: 150, warmUpCpuMs: 150 },
    workers: { repetitions: 3, deliveries: 100_000, maxCpuMs: 400, minCpuMs: 150, warmUpCpuMs: 300 },
    latency: { repetitions: 3, publications: 12 },
    memory: { repetitions: 1, connections: [1000, 2000, 5000, 10_000] },
    idle: { connections: 10_000, windows: 2 },
    unary: { repetitions: 5, durationMs: 1000, warmUpMs: 1000 },
    storm: { repetitions: 2, connections: 10_000 },
    slow: { repetitions: 2, subscribers: 10_000, publications: 20 },
  },
  quick: {
    headline: { repetitions: 3, deliveries: 50_000, maxCpuMs: 250, minCpuMs: 100, warmUpCpuMs: 150 },
    others: { repetitions: 2, deliveries: 25_000, maxCpuMs: 150, minCpuMs: 50, warmUpCpuMs: 60 },
    scale: { repetitions: 2, deliveries: 30_000, maxCpuMs: 200, minCpuMs: 100, warmUpCpuMs: 100 },
    workers: { repetitions: 1, deliveries: 50_000, maxCpuMs: 250, minCpuMs: 100, warmUpCpuMs: 100 },
    latency: { repetitions: 1, publications: 10 },
    memory: { repetitions: 1, connections: [500, 2000] },
    idle: { connections: 1000, windows: 1 },
    unary: { repetitions: 2, durationMs: 500, warmUpMs: 500 },
    storm: { repetitions: 2, connections: 1000 },
    slow: { repetitions: 1, subscribers: 1000, publications: 10 },
  },
};

/** What to measure, and where to put it. */
export interface Plan {
  readonly scenarios: readonly ScenarioName[];
  readonly transports: readonly TransportName[];
  readonly cells: readonly CellPlan[];
  readonly doors: readonly Door[];
  readonly effort: Effort;
  /** File for everything measured, as JSON. */
  readonly jsonFile: string | undefined;
  /** File of an earlier run to show instead of measuring. */
  readonly fromFile: string | undefined;
  /** Whether to write docs/benchmarks.md anew. */
  readonly writePage: boolean;
  /** Where Millrace's processes leave CPU profiles. */
  readonly profileFolder: string | undefined;
}
