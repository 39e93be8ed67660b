import { availableParallelism } from "node:os";
import { type Contender, type Figure, FigureBuilder } from "../figures.ts";
import type { Sampling } from "../plan.ts";
import type { TransportName } from "../wire/transport.ts";
import { Arena, type ArenaRun, type Pacing } from "./arena.ts";
import { rotate, warmUp } from "./fan-out.ts";

const BURSTS = [1, 16];
const WORKERS = [1, 2, 4, 8];
/** Requests that come together would be published together, and a single publication would be none. */
const ONE_AT_A_TIME = { windowRounds: 1, roundsPerCredit: 1 };

export interface WorkersOptions {
  readonly transport: TransportName;
  readonly subscribers: number;
  readonly payloadBytes: number;
  readonly sampling: Sampling;
}

/** So many workers of Millrace, or so many processes of a loop with a share of the subscribers each. */
interface Team {
  readonly contender: Contender;
  readonly workers: number;
  readonly arenas: readonly Arena[];
}

/**
 * Measures what a delivery costs all processes of a server together, and how long it takes, with several workers and
 * with one, in turns. Publications come through the server API.
 */
export async function* measureWorkers(options: WorkersOptions): AsyncGenerator<Figure> {
  const { transport, subscribers, payloadBytes, sampling } = options;
  await using stack = new AsyncDisposableStack();
  const counts = WORKERS.filter((count) => count <= Math.max(2, availableParallelism()));
  const teams: Team[] = [];
  for (const workers of counts) {
    // Two cores: one thing at a time.
    teams.push(...(await openTeams(options, workers, stack)));
  }
  for (const burst of BURSTS) {
    const round = { payloadBytes, burst };
    const figures = new Map(
      counts.map((workers) => [
        workers,
        new FigureBuilder({ scenario: "workers", transport, subscribers, burst, workers }),
      ]),
    );
    const entries = [];
    for (const team of teams) {
      const contender = burst > 1 && team.contender === "bare" ? "joined" : team.contender;
      const warm = [];
      for (const arena of team.arenas) warm.push(await warmUp(arena, contender, round, sampling));
      const rounds = Math.max(...warm.map((each) => each.rounds));
      const pacings = warm.map(({ pacing }) => ({ ...pacing, ...ONE_AT_A_TIME }));
      entries.push({ ...team, contender, rounds, pacings });
    }
    for (let repetition = 0; repetition < sampling.repetitions; repetition++) {
      for (const { workers, contender, ...entry } of rotate(entries, repetition)) {
        for (const arena of entry.arenas) await arena.prepare(contender, round);
        const run = await runTogether({ contender, ...entry });
        const deliveries = run.rounds * burst * subscribers;
        const note = (figure: FigureBuilder | undefined, as: Contender): void => {
          figure?.add("cpuMicrosPerDelivery", as, run.cpuMicros / deliveries);
          figure?.add("wallMicrosPerDelivery", as, run.wallMicros / deliveries);
          figure?.add("receiverMicrosPerDelivery", as, run.receiverMicros / deliveries);
        };
        note(figures.get(workers), contender);
        if (contender !== "millrace" || workers !== 1) continue;
        for (const [others, figure] of figures) if (others > 1) note(figure, "single");
      }
    }
    for (const figure of figures.values()) yield* figure.build();
  }
}

async function openTeams(
  { transport, subscribers }: WorkersOptions,
  workers: number,
  stack: AsyncDisposableStack,
): Promise<Team[]> {
  const common = { transport, profileFolder: undefined };
  const millrace = { module: "servers/millrace-workers.ts", args: [String(workers)] };
  const ours = stack.use(await Arena.open({ ...common, subscribers, millrace, servers: ["millrace"] }));
  const loops: Arena[] = [];
  for (let i = 0; i < workers; i++) {
    const share = Math.floor(subscribers / workers);
    // Two cores: one thing at a time.
    loops.push(stack.use(await Arena.open({ ...common, subscribers: share, servers: ["bare", "naive"] })));
  }
  return [
    { contender: "millrace", workers, arenas: [ours] },
    { contender: "bare", workers, arenas: loops },
    { contender: "naive", workers, arenas: loops },
  ];
}

async function runTogether(entry: {
  readonly contender: Contender;
  readonly arenas: readonly Arena[];
  readonly pacings: readonly Pacing[];
  readonly rounds: number;
}): Promise<ArenaRun> {
  const { contender, arenas, pacings, rounds } = entry;
  const runs = await Promise.all(
    arenas.flatMap((arena, at) => {
      const pacing = pacings[at];
      return pacing === undefined ? [] : [arena.run(contender, pacing, rounds)];
    }),
  );
  const sum = (of: (run: ArenaRun) => number): number => runs.reduce((total, run) => total + of(run), 0);
  return {
    // Each of them has made this many rounds, to its share of the subscribers.
    rounds: sum((run) => run.rounds) / runs.length,
    cpuMicros: sum((run) => run.cpuMicros),
    receiverMicros: sum((run) => run.receiverMicros),
    wallMicros: Math.max(...runs.map((run) => run.wallMicros)),
  };
}
