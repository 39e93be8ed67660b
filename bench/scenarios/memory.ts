import { setTimeout as sleep } from "node:timers/promises";
import type { SubscriberMethods } from "../clients/subscribers.ts";
import { type Figure, FigureBuilder } from "../figures.ts";
import type { MemorySampling } from "../plan.ts";
import { Child } from "../process/child.ts";
import type { FanOutMethods } from "../servers/fan-out-host.ts";
import type { TransportName } from "../wire/transport.ts";

const WARM_UP_CONNECTIONS = 50;
/** Timers of the connect phase, and what the system does behind, have this long to end. */
const SETTLE_MS = 300;

const modules = [
  ["millrace", "servers/millrace.ts"],
  ["bare", "servers/bare.ts"],
] as const;

export interface MemoryOptions {
  readonly transport: TransportName;
  readonly sampling: MemorySampling;
}

/** Measures what an idle connection adds to the server's resident memory; a fresh process for every sample. */
export async function* measureMemory({ transport, sampling }: MemoryOptions): AsyncGenerator<Figure> {
  const { connections, repetitions } = sampling;
  const figure = new FigureBuilder({ scenario: "memory", transport, connections });
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const [contender, module] of modules) {
      const bytes = await bytesPerConnection(module, transport, connections);
      figure.add("rssBytesPerConnection", contender, bytes);
    }
  }
  yield* figure.build();
}

async function bytesPerConnection(
  module: string,
  transport: TransportName,
  connections: number,
): Promise<number> {
  await using server = new Child<FanOutMethods>({ module, name: module });
  await using subscribers = new Child<SubscriberMethods>({
    module: "clients/subscribers.ts",
    name: "subscribers",
  });
  const ports = await server.call("start", transport);
  await subscribers.call("open", { group: "warm-up", transport, subscribers: WARM_UP_CONNECTIONS, ...ports });
  await subscribers.call("close", "warm-up");
  const before = await settledRss(server);
  await subscribers.call("open", { group: "idle", transport, subscribers: connections, ...ports });
  const after = await settledRss(server);
  return (after - before) / connections;
}

async function settledRss(server: Child<FanOutMethods>): Promise<number> {
  await sleep(SETTLE_MS);
  await server.call("collectGarbage");
  await sleep(SETTLE_MS);
  await server.call("collectGarbage");
  return (await server.call("usage")).rssBytes;
}
