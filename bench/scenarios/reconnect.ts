import type { ReconnectMethods, ReconnectOptions } from "../clients/reconnect.ts";
import { type Figure, FigureBuilder } from "../figures.ts";
import type { ReconnectSampling } from "../plan.ts";
import { Child } from "../process/child.ts";
import type { RecoveryMethods } from "../servers/millrace-recovery.ts";

/** What every client has missed. */
const MISSED = 10;
const SEEN = 20;

export interface ReconnectScenarioOptions {
  readonly sampling: ReconnectSampling;
  readonly profileFolder: string | undefined;
}

/**
 * Measures what a client that comes back and recovers costs the server, when all of them come at once. Every one
 * of them must have got everything it missed for a sample to count.
 */
export async function* measureReconnect({
  sampling,
  profileFolder,
}: ReconnectScenarioOptions): AsyncGenerator<Figure> {
  const { connections, repetitions } = sampling;
  const figure = new FigureBuilder({ scenario: "reconnect", connections, missed: MISSED });
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    new Child<RecoveryMethods>({ module: "servers/millrace-recovery.ts", name: "millrace", profileFolder }),
  );
  const clients = stack.use(new Child<ReconnectMethods>({ module: "clients/reconnect.ts", name: "clients" }));
  const port = await server.call("start");
  const epoch = await server.call("publish", SEEN + MISSED);
  const contenders = [
    { contender: "millrace", since: { offset: SEEN, epoch } },
    { contender: "without", since: undefined },
  ] as const;
  const run = async (since: ReconnectOptions["since"]): Promise<number> => {
    await server.call("collectGarbage");
    const before = await server.call("usage");
    const result = await clients.call("run", { port, connections, since });
    const after = await server.call("usage");
    const expected = since === undefined ? 0 : connections;
    if (result.recovered !== expected || result.publications !== expected * MISSED) {
      throw new Error(
        `of ${connections} clients ${result.recovered} recovered ${result.publications} publications`,
      );
    }
    return (after.cpuMicros - before.cpuMicros) / connections;
  };
  for (const { since } of contenders) await run(since);
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const order = repetition % 2 === 0 ? contenders : contenders.toReversed();
    for (const { contender, since } of order) {
      const micros = await run(since);
      figure.add("cpuMicrosPerConnection", contender, micros);
    }
  }
  yield* figure.build();
}
