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
  readonly connections: number;
}

export interface UnarySampling {
  readonly repetitions: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
}

export interface ReconnectSampling {
  readonly repetitions: number;
  readonly connections: number;
}

/** How thoroughly to measure. */
export interface Effort {
  /** The cells that have a figure to reach. */
  readonly headline: Sampling;
  readonly others: Sampling;
  readonly latency: LatencySampling;
  readonly memory: MemorySampling;
  readonly unary: UnarySampling;
  readonly reconnect: ReconnectSampling;
}

/** The cells that figures to reach are about. */
export const HEADLINE = { subscribers: 1000, payloadBytes: 128 };

export const EFFORTS: Readonly<Record<"full" | "quick", Effort>> = {
  full: {
    headline: { repetitions: 5, deliveries: 200_000, maxCpuMs: 1000, minCpuMs: 300, warmUpCpuMs: 300 },
    others: { repetitions: 3, deliveries: 50_000, maxCpuMs: 300, minCpuMs: 100, warmUpCpuMs: 100 },
    latency: { repetitions: 3, publications: 20 },
    memory: { repetitions: 2, connections: 2000 },
    unary: { repetitions: 5, durationMs: 1200, warmUpMs: 1500 },
    reconnect: { repetitions: 7, connections: 1000 },
  },
  quick: {
    headline: { repetitions: 3, deliveries: 50_000, maxCpuMs: 250, minCpuMs: 100, warmUpCpuMs: 150 },
    others: { repetitions: 2, deliveries: 25_000, maxCpuMs: 150, minCpuMs: 50, warmUpCpuMs: 100 },
    latency: { repetitions: 1, publications: 10 },
    memory: { repetitions: 1, connections: 500 },
    unary: { repetitions: 2, durationMs: 500, warmUpMs: 500 },
    reconnect: { repetitions: 2, connections: 1000 },
  },
};

/** What to measure, and where to put it. */
export interface Plan {
  readonly scenarios: readonly ScenarioName[];
  readonly transports: readonly TransportName[];
  readonly subscribers: readonly number[];
  readonly payloads: readonly number[];
  readonly bursts: readonly number[];
  readonly doors: readonly Door[];
  readonly effort: Effort;
  /** File for everything measured, as JSON. */
  readonly jsonFile: string | undefined;
  /** Whether to write docs/benchmarks.md anew. */
  readonly writePage: boolean;
  /** Where Millrace's processes leave CPU profiles. */
  readonly profileFolder: string | undefined;
}
