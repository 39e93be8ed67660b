import type { LoadMethods } from "../clients/load.ts";
import { type Figure, FigureBuilder } from "../figures.ts";
import type { UnarySampling } from "../plan.ts";
import { Child } from "../process/child.ts";
import type { UnaryMethods } from "../servers/unary-host.ts";
import { API_KEY, publishBody, PUBLISH_PATH } from "../wire/publish-request.ts";
import { CHANNEL, KEPT_CHANNEL } from "../wire/transport.ts";

const PAYLOAD_BYTES = 128;
const CONNECTIONS = 64;

const contenders = [
  { contender: "millrace", channel: KEPT_CHANNEL },
  { contender: "without", channel: CHANNEL },
] as const;

export interface HistoryOptions {
  readonly sampling: UnarySampling;
  readonly profileFolder: string | undefined;
}

/** Measures what keeping history adds to a publication over HTTP; one server, two channels in turns. */
export async function* measureHistory({ sampling, profileFolder }: HistoryOptions): AsyncGenerator<Figure> {
  const figure = new FigureBuilder({ scenario: "history", door: "http" });
  await using stack = new AsyncDisposableStack();
  const load = stack.use(new Child<LoadMethods>({ module: "clients/load.ts", name: "load" }));
  const server = stack.use(
    new Child<UnaryMethods>({ module: "servers/millrace-api.ts", name: "millrace", profileFolder }),
  );
  const port = await server.call("start", "http");
  const headers = { "Content-Type": "application/json", "X-API-Key": API_KEY };
  for (const { contender, channel } of contenders) {
    const target = { port, path: PUBLISH_PATH, headers, body: publishBody(PAYLOAD_BYTES, channel) };
    await load.call("open", { name: contender, door: "http", connections: CONNECTIONS, target });
    await load.call("run", { name: contender, durationMs: sampling.warmUpMs });
  }
  for (let repetition = 0; repetition < sampling.repetitions; repetition++) {
    const order = repetition % 2 === 0 ? contenders : contenders.toReversed();
    for (const { contender } of order) {
      await server.call("collectGarbage");
      const before = await server.call("usage");
      const run = await load.call("run", { name: contender, durationMs: sampling.durationMs });
      const after = await server.call("usage");
      figure.add("cpuMicrosPerRequest", contender, (after.cpuMicros - before.cpuMicros) / run.requests);
    }
  }
  yield* figure.build();
}
