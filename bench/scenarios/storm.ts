import type { StormMethods, StormOptions } from "../clients/storm.ts";
import { type Figure, FigureBuilder } from "../figures.ts";
import type { StormSampling } from "../plan.ts";
import { Child } from "../process/child.ts";
import type { FanOutMethods } from "../servers/fan-out-host.ts";
import type { RecoveryMethods } from "../servers/millrace-recovery.ts";
import { rotate } from "./fan-out.ts";

/** What every client has missed. */
const MISSED = 10;
const SEEN = 20;
const WARM_UP_CONNECTIONS = 1000;

export interface StormScenarioOptions {
  readonly sampling: StormSampling;
  readonly profileFolder: string | undefined;
}

/**
 * Measures what clients cost that come back all at once, each with a token of its own, and recover: CPU, the longest
 * turn of the event loop, and the time until all are connected; beside the same without recovery, and beside `ws`
 * accepting as many. Every client must have got everything that it missed for a sample to count.
 */
export async function* measureStorm({
  sampling,
  profileFolder,
}: StormScenarioOptions): AsyncGenerator<Figure> {
  const { connections, repetitions } = sampling;
  const figure = new FigureBuilder({ scenario: "storm", connections, missed: MISSED });
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    new Child<RecoveryMethods>({ module: "servers/millrace-recovery.ts", name: "millrace", profileFolder }),
  );
  const bare = stack.use(new Child<FanOutMethods>({ module: "servers/bare.ts", name: "bare" }));
  const clients = stack.use(new Child<StormMethods>({ module: "clients/storm.ts", name: "clients" }));
  const port = await server.call("start");
  const { port: barePort } = await bare.call("start", "uni_websocket");
  const epoch = await server.call("publish", SEEN + MISSED);
  const since = { offset: SEEN, epoch };
  const contenders = [
    { contender: "millrace", child: server, options: { port, connections, since } },
    { contender: "without", child: server, options: { port, connections, since: undefined } },
    { contender: "bare", child: bare, options: { port: barePort, connections, since: undefined } },
  ] as const;
  const run = async (child: Child<object>, options: StormOptions) => {
    await child.call("collectGarbage");
    await child.call("watchLoop");
    const before = await child.call("usage");
    const result = await clients.call("run", options);
    const after = await child.call("usage");
    const stallMicros = await child.call("longestStallMicros");
    await clients.call("leave");
    const expected = options.since === undefined ? 0 : options.connections;
    if (result.recovered !== expected || result.publications !== expected * MISSED) {
      throw new Error(
        `of ${connections} clients ${result.recovered} recovered ${result.publications} publications`,
      );
    }
    const cpuMicros = (after.cpuMicros - before.cpuMicros) / options.connections;
    return { cpuMicros, stallMicros, wallMicros: result.wallMicros };
  };
  for (const { child, options } of contenders) {
    await run(child, { ...options, connections: Math.min(connections, WARM_UP_CONNECTIONS) });
  }
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const { contender, child, options } of rotate(contenders, repetition)) {
      const { cpuMicros, stallMicros, wallMicros } = await run(child, options);
      figure.add("cpuMicrosPerConnection", contender, cpuMicros);
      figure.add("stallMicros", contender, stallMicros);
      figure.add("allConnectedMicros", contender, wallMicros);
    }
  }
  yield* figure.build();
}
