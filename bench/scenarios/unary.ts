import type { LoadMethods } from "../clients/load.ts";
import { type Contender, type Figure, FigureBuilder } from "../figures.ts";
import type { UnarySampling } from "../plan.ts";
import { Child } from "../process/child.ts";
import type { UnaryMethods } from "../servers/unary-host.ts";
import type { Door } from "../wire/publish-request.ts";
import { doors } from "./doors.ts";
import { rotate } from "./fan-out.ts";

export interface UnaryOptions {
  readonly door: Door;
  readonly sampling: UnarySampling;
  readonly profileFolder: string | undefined;
}

/** Measures how many requests a server answers, and what each costs its process. Nobody is subscribed. */
export async function* measureUnary({ door, sampling, profileFolder }: UnaryOptions): AsyncGenerator<Figure> {
  const { baseline, connections, target: ours, tryOnce } = doors[door];
  const figure = new FigureBuilder({ scenario: "unary", door });
  await using stack = new AsyncDisposableStack();
  const load = stack.use(new Child<LoadMethods>({ module: "clients/load.ts", name: "load" }));
  const servers = new Map<Contender, Child<UnaryMethods>>();
  const entrants = [
    { contender: "millrace" as const, module: "servers/millrace-api.ts", target: ours, profileFolder },
    baseline,
  ];
  for (const { contender, target: request, ...options } of entrants) {
    const server = stack.use(new Child<UnaryMethods>({ name: contender, ...options }));
    servers.set(contender, server);
    const target = { ...request, port: await server.call("start", door) };
    if (contender === "millrace") await tryOnce(target);
    await load.call("open", { name: contender, door, connections, target });
    await load.call("run", { name: contender, durationMs: sampling.warmUpMs });
  }
  for (let repetition = 0; repetition < sampling.repetitions; repetition++) {
    for (const [contender, server] of rotate([...servers], repetition)) {
      await server.call("collectGarbage");
      const before = await server.call("usage");
      const run = await load.call("run", { name: contender, durationMs: sampling.durationMs });
      const after = await server.call("usage");
      figure.add("requestsPerSecond", contender, run.requests / (run.wallMicros / 1e6));
      figure.add("cpuMicrosPerRequest", contender, (after.cpuMicros - before.cpuMicros) / run.requests);
    }
  }
  yield* figure.build();
}
