import { setTimeout as sleep } from "node:timers/promises";
import type { IdleMethods } from "../clients/idle.ts";
import { type Figure, FigureBuilder } from "../figures.ts";
import type { IdleSampling } from "../plan.ts";
import { Child } from "../process/child.ts";
import type { FanOutMethods } from "../servers/fan-out-host.ts";

/** What every client of Millrace gets by default; a window is as long, so each connection is pinged once in it. */
const PING_INTERVAL_MS = 25_000;
/** What connecting has left behind has this long to end. */
const SETTLE_MS = 2000;
/** One ping and one answer of each; timers may put a few into the window before or after. */
const MIN_PINGS = 0.9;

const servers = [
  { contender: "millrace", module: "servers/millrace.ts", args: ["25s"] },
  { contender: "bare", module: "servers/bare-idle.ts", args: [String(PING_INTERVAL_MS)] },
] as const;

interface Entry {
  readonly contender: "millrace" | "bare";
  readonly server: Child<FanOutMethods>;
  readonly clients: Child<IdleMethods>;
}

export interface IdleOptions {
  readonly sampling: IdleSampling;
  readonly profileFolder: string | undefined;
}

/**
 * Measures the CPU that a WebSocket costs which only answers pings. All servers idle in the same window, one of them
 * Millrace without connections, whose CPU is subtracted from that of Millrace.
 */
export async function* measureIdle({ sampling, profileFolder }: IdleOptions): AsyncGenerator<Figure> {
  const { connections, windows } = sampling;
  const figure = new FigureBuilder({ scenario: "idle", transport: "uni_websocket", connections });
  await using stack = new AsyncDisposableStack();
  const empty = stack.use(
    new Child<FanOutMethods>({ module: "servers/millrace.ts", name: "empty", args: ["25s"] }),
  );
  await empty.call("start", "uni_websocket");
  const entries: Entry[] = [];
  for (const { contender, module, args } of servers) {
    const folder = contender === "millrace" ? profileFolder : undefined;
    const server = stack.use(
      new Child<FanOutMethods>({ module, args, name: contender, profileFolder: folder }),
    );
    const clients = stack.use(new Child<IdleMethods>({ module: "clients/idle.ts", name: "clients" }));
    const { port } = await server.call("start", "uni_websocket");
    await clients.call("open", { port, connections });
    entries.push({ contender, server, clients });
  }
  await Promise.all(
    [empty, ...entries.map(({ server }) => server)].map((each) => each.call("collectGarbage")),
  );
  await sleep(SETTLE_MS);
  for (let window = 0; window < windows; window++) {
    const read = async () => ({
      atMs: performance.now(),
      empty: await empty.call("usage"),
      all: await Promise.all(entries.map(({ server }) => server.call("usage"))),
      pings: await Promise.all(entries.map(({ clients }) => clients.call("pings"))),
    });
    const before = await read();
    await sleep(PING_INTERVAL_MS);
    const after = await read();
    const seconds = (after.atMs - before.atMs) / 1000;
    const ofEmpty = after.empty.cpuMicros - before.empty.cpuMicros;
    for (const [at, { contender }] of entries.entries()) {
      const used = (after.all[at]?.cpuMicros ?? Number.NaN) - (before.all[at]?.cpuMicros ?? Number.NaN);
      const pings = (after.pings[at] ?? 0) - (before.pings[at] ?? 0);
      if (pings < MIN_PINGS * connections) throw new Error(`${contender} sent ${pings} pings in a window`);
      const own = contender === "millrace" ? used - ofEmpty : used;
      figure.add("idleMicrosPerSecond", contender, own / connections / seconds);
    }
  }
  yield* figure.build();
}
