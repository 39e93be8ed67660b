import { type Contender, type Figure, FigureBuilder } from "../figures.ts";
import type { Sampling } from "../plan.ts";
import type { TransportName } from "../wire/transport.ts";
import { Arena, type Pacing, type ServerName } from "./arena.ts";

/** What is published, and who publishes it. */
export interface Cell {
  readonly payloadBytes: number;
  readonly burst: number;
  readonly contenders: readonly Contender[];
  readonly sampling: Sampling;
}

/** One transport with one number of subscribers, who stay connected from cell to cell. */
export interface FanOutOptions {
  readonly transport: TransportName;
  readonly subscribers: number;
  /** All that the contenders of the cells need. */
  readonly servers: readonly ServerName[];
  readonly cells: readonly Cell[];
  readonly profileFolder: string | undefined;
}

/** Measures what a delivery costs the server's process. */
export async function* measureFanOut(options: FanOutOptions): AsyncGenerator<Figure> {
  const { transport, subscribers, cells } = options;
  await using arena = await Arena.open(options);
  for (const { payloadBytes, burst, contenders, sampling } of cells) {
    const figure = new FigureBuilder({ scenario: "fanout", transport, subscribers, payloadBytes, burst });
    const round = { payloadBytes, burst };
    const entries = [];
    for (const contender of contenders) {
      entries.push({ contender, ...(await warmUp(arena, contender, round, sampling)) });
    }
    for (let repetition = 0; repetition < sampling.repetitions; repetition++) {
      for (const { contender, pacing, rounds } of rotate(entries, repetition)) {
        await arena.prepare(contender, round);
        const run = await arena.run(contender, pacing, rounds);
        const deliveries = run.rounds * burst * subscribers;
        figure.add("cpuMicrosPerDelivery", contender, run.cpuMicros / deliveries);
      }
    }
    yield* figure.build();
  }
}

/** Runs until compilers and caches have settled; resolves to how many rounds make a sample. */
export async function warmUp(
  arena: Arena,
  contender: Contender,
  round: { readonly payloadBytes: number; readonly burst: number },
  sampling: Sampling,
): Promise<{ pacing: Pacing; rounds: number }> {
  const pacing = await arena.tryRound(contender, round);
  let cpuMicrosPerRound = 0;
  let usedMicros = 0;
  for (let rounds = pacing.windowRounds; usedMicros < sampling.warmUpCpuMs * 1000; rounds *= 2) {
    const run = await arena.run(contender, pacing, rounds);
    cpuMicrosPerRound = run.cpuMicros / run.rounds;
    usedMicros += run.cpuMicros;
  }
  const forDeliveries = sampling.deliveries / (round.burst * arena.subscribers);
  const forMaximum = (sampling.maxCpuMs * 1000) / cpuMicrosPerRound;
  const forMinimum = (sampling.minCpuMs * 1000) / cpuMicrosPerRound;
  return { pacing, rounds: Math.ceil(Math.max(forMinimum, Math.min(forDeliveries, forMaximum))) };
}

/** Another one begins every time, so that nobody always runs in the same one's wake. */
export function rotate<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
