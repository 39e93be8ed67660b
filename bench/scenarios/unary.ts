import { promisify } from "node:util";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { LoadMethods } from "../clients/load.ts";
import type { LoadTarget } from "../clients/load-connection.ts";
import { type Contender, type Figure, FigureBuilder } from "../figures.ts";
import type { UnarySampling } from "../plan.ts";
import { Child } from "../process/child.ts";
import type { UnaryMethods } from "../servers/unary-host.ts";
import {
  API_KEY,
  type Door,
  publishBody,
  publishMessage,
  PUBLISH_ANSWER,
  PUBLISH_METHOD,
  PUBLISH_PATH,
} from "../wire/publish-request.ts";
import { LOOPBACK } from "../wire/transport.ts";
import { rotate } from "./fan-out.ts";

const PAYLOAD_BYTES = 128;

interface DoorSpec {
  readonly baseline: { readonly contender: Contender; readonly module: string };
  readonly connections: number;
  readonly target: Omit<LoadTarget, "port">;
}

const doors: Readonly<Record<Door, DoorSpec>> = {
  http: {
    baseline: { contender: "echo", module: "servers/echo.ts" },
    connections: 64,
    target: {
      path: PUBLISH_PATH,
      headers: { "Content-Type": "application/json", "X-API-Key": API_KEY },
      body: publishBody(PAYLOAD_BYTES),
    },
  },
  grpc: {
    baseline: { contender: "empty", module: "servers/empty-grpc.ts" },
    connections: 8,
    target: {
      path: PUBLISH_METHOD,
      headers: { authorization: `apikey ${API_KEY}` },
      body: publishMessage(PAYLOAD_BYTES),
    },
  },
};

export interface UnaryOptions {
  readonly door: Door;
  readonly sampling: UnarySampling;
  readonly profileFolder: string | undefined;
}

/** Measures how many requests a server answers, and what each costs its process. Nobody is subscribed. */
export async function* measureUnary({ door, sampling, profileFolder }: UnaryOptions): AsyncGenerator<Figure> {
  const { baseline, connections, target } = doors[door];
  const figure = new FigureBuilder({ scenario: "unary", door });
  await using stack = new AsyncDisposableStack();
  const load = stack.use(new Child<LoadMethods>({ module: "clients/load.ts", name: "load" }));
  const servers = new Map<Contender, Child<UnaryMethods>>();
  const entrants = [
    { contender: "millrace" as const, module: "servers/millrace-api.ts", profileFolder },
    baseline,
  ];
  for (const { contender, ...options } of entrants) {
    const server = stack.use(new Child<UnaryMethods>({ name: contender, ...options }));
    servers.set(contender, server);
    const port = await server.call("start", door);
    if (door === "grpc") await tryCall(port);
    await load.call("open", { name: contender, door, connections, target: { ...target, port } });
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

/** The load generator does not look into answers, so a real client does it once. */
async function tryCall(port: number): Promise<void> {
  const { path, headers, body } = doors.grpc.target;
  const client = new Client(`${LOOPBACK}:${port}`, credentials.createInsecure());
  const metadata = Metadata.fromHttp2Headers({ ...headers });
  const sameBytes = (bytes: Buffer): Buffer => bytes;
  const call = promisify<Buffer | undefined>((done) => {
    client.makeUnaryRequest(path, sameBytes, sameBytes, Buffer.from(body), metadata, done);
  });
  const answer = await call();
  client.close();
  if (answer?.[0] !== PUBLISH_ANSWER[0]) throw new Error(`publishing fails: ${answer?.toString("latin1")}`);
}
