import { type Contender, type Figure, FigureBuilder } from "../figures.ts";
import type { LatencySampling } from "../plan.ts";
import { quantile } from "../statistics.ts";
import type { TransportName } from "../wire/transport.ts";
import { Arena } from "./arena.ts";
import { rotate } from "./fan-out.ts";

const CONTENDERS: readonly Contender[] = ["millrace", "bare"];
const ROUND = { payloadBytes: 128, burst: 1 };
const INTERVAL_MS = 100;
const WARM_UP_ROUNDS = 100;

export interface LatencyOptions {
  readonly transport: TransportName;
  readonly subscribers: number;
  readonly sampling: LatencySampling;
  readonly profileFolder: string | undefined;
}

/** Measures the time from a publication to each subscriber's read, at ten publications a second. */
export async function* measureLatency(options: LatencyOptions): AsyncGenerator<Figure> {
  const { transport, subscribers, sampling } = options;
  const figure = new FigureBuilder({ scenario: "latency", transport, subscribers });
  await using arena = await Arena.open({ ...options, servers: ["millrace", "bare"] });
  const entries = [];
  for (const contender of CONTENDERS) {
    const pacing = await arena.tryRound(contender, ROUND);
    await arena.run(contender, pacing, WARM_UP_ROUNDS);
    entries.push({ contender, pacing });
  }
  for (let repetition = 0; repetition < sampling.repetitions; repetition++) {
    for (const { contender, pacing } of rotate(entries, repetition)) {
      const times = await arena.pace(contender, pacing, {
        rounds: sampling.publications,
        intervalMs: INTERVAL_MS,
      });
      figure.add("latencyP50Micros", contender, quantile(times, 0.5));
      figure.add("latencyP99Micros", contender, quantile(times, 0.99));
    }
  }
  yield* figure.build();
}
