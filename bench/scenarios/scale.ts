import { type Figure, FigureBuilder } from "../figures.ts";
import { HEADLINE, type Sampling } from "../plan.ts";
import type { TransportName } from "../wire/transport.ts";
import { Arena } from "./arena.ts";
import { rotate, warmUp } from "./fan-out.ts";

const BURSTS = [1, 16];

export interface ScaleOptions {
  readonly transport: TransportName;
  readonly subscribers: number;
  readonly fewer: number;
  readonly sampling: Sampling;
  readonly profileFolder: string | undefined;
}

/** Measures what a delivery costs with many subscribers and with fewer, in turns; the bare loop likewise. */
export async function* measureScale(options: ScaleOptions): AsyncGenerator<Figure> {
  const { transport, subscribers, fewer, sampling } = options;
  const servers = ["millrace", "bare"] as const;
  await using many = await Arena.open({ ...options, servers });
  await using few = await Arena.open({ ...options, subscribers: fewer, servers });
  for (const burst of BURSTS) {
    const figure = new FigureBuilder({ scenario: "scale", transport, subscribers, fewer, burst });
    const round = { payloadBytes: HEADLINE.payloadBytes, burst };
    const bare = burst === 1 ? "bare" : "joined";
    const entries = [];
    for (const [contender, arena, of] of [
      ["millrace", many, "millrace"],
      ["fewer", few, "millrace"],
      ["bare", many, bare],
      ["bareFewer", few, bare],
    ] as const) {
      entries.push({ contender, arena, of, ...(await warmUp(arena, of, round, sampling)) });
    }
    for (let repetition = 0; repetition < sampling.repetitions; repetition++) {
      for (const { contender, arena, of, pacing, rounds } of rotate(entries, repetition)) {
        await arena.prepare(of, round);
        const run = await arena.run(of, pacing, rounds);
        figure.add(
          "cpuMicrosPerDelivery",
          contender,
          run.cpuMicros / (run.rounds * burst * arena.subscribers),
        );
      }
    }
    yield* figure.build();
  }
}
