import { Child } from "../process/child.ts";
import type { Contender } from "../figures.ts";
import type { FanOutMethods, PaceOptions, Round, RunCost } from "../servers/fan-out-host.ts";
import type { SubscriberMethods } from "../clients/subscribers.ts";
import type { TransportName } from "../wire/transport.ts";

/** How many bytes of publications a subscriber may not have received yet: little enough for any socket buffer. */
const IN_FLIGHT_BYTES = 48 * 1024;
const MAX_WINDOW_ROUNDS = 16;
/** A window of more deliveries would make samples longer than they need to be. */
const WINDOW_DELIVERIES = 32_000;

/** Contenders that share a server and its connections stand under one name. */
export type ServerName = "millrace" | "bare" | "naive" | "http2" | "grpc-js";

const serverModules: Readonly<Record<ServerName, string>> = {
  millrace: "servers/millrace.ts",
  bare: "servers/bare.ts",
  naive: "servers/naive-ws.ts",
  http2: "servers/bare-http2.ts",
  "grpc-js": "servers/naive-grpc.ts",
};

/** Which servers to start, and who connects to them. */
export interface ArenaOptions {
  readonly transport: TransportName;
  readonly subscribers: number;
  readonly servers: readonly ServerName[];
  /** Where Millrace leaves a CPU profile; undefined for none. */
  readonly profileFolder: string | undefined;
}

/** What a round puts on each connection, and how many of them go out before somebody has to acknowledge. */
export interface Pacing {
  readonly roundBytes: number;
  readonly windowRounds: number;
  readonly roundsPerCredit: number;
}

/** Servers under test, each in its own process, all connected with subscribers in one more process. */
export class Arena implements AsyncDisposable {
  readonly subscribers: number;
  readonly #subscriberProcess: Child<SubscriberMethods>;
  readonly #servers = new Map<ServerName, Child<FanOutMethods>>();

  private constructor(subscribers: number) {
    this.subscribers = subscribers;
    this.#subscriberProcess = new Child({ module: "clients/subscribers.ts", name: "subscribers" });
  }

  static async open(options: ArenaOptions): Promise<Arena> {
    await using stack = new AsyncDisposableStack();
    const arena = stack.use(new Arena(options.subscribers));
    for (const server of options.servers) {
      // oxlint-disable-next-line no-await-in-loop -- two cores: one thing at a time
      await arena.#start(server, options);
    }
    stack.move();
    return arena;
  }

  /** Sets what a contender's server publishes per round, and tries it once to see how many bytes that is. */
  async tryRound(contender: Contender, round: Omit<Round, "joined">): Promise<Pacing> {
    const server = serverOf(contender);
    await this.prepare(contender, round);
    await this.#subscriberProcess.call("reset", server);
    await this.#server(contender).call("publishOnce");
    const roundBytes = await this.#subscriberProcess.call("receivedByEach", server);
    const deliveries = round.burst * this.subscribers;
    const fitting = Math.floor(Math.min(IN_FLIGHT_BYTES / roundBytes, WINDOW_DELIVERIES / deliveries));
    const windowRounds = Math.min(MAX_WINDOW_ROUNDS, Math.max(2, fitting));
    return { roundBytes, windowRounds, roundsPerCredit: Math.floor(windowRounds / 2) };
  }

  /** Sets what a contender's server publishes per round. */
  async prepare(contender: Contender, round: Omit<Round, "joined">): Promise<void> {
    await this.#server(contender).call("prepare", { ...round, joined: contender === "joined" });
  }

  /** Publishes at least so many rounds as fast as the subscribers take them. */
  async run(contender: Contender, pacing: Pacing, atLeast: number): Promise<RunCost & { rounds: number }> {
    const { roundBytes, windowRounds, roundsPerCredit } = pacing;
    const rounds = Math.ceil(atLeast / roundsPerCredit) * roundsPerCredit;
    const group = serverOf(contender);
    const server = this.#server(contender);
    await server.call("collectGarbage");
    await this.#subscriberProcess.call("expect", { group, roundBytes, rounds, roundsPerCredit });
    const [cost] = await Promise.all([
      server.call("run", { rounds, roundsPerCredit, windowRounds }),
      this.#subscriberProcess.call("finished", group),
    ]);
    return { ...cost, rounds };
  }

  /** Publishes at a steady pace; resolves to all publish-to-receive times in microseconds, ascending. */
  async pace(contender: Contender, { roundBytes }: Pacing, options: PaceOptions): Promise<Float64Array> {
    const group = serverOf(contender);
    const server = this.#server(contender);
    const { rounds } = options;
    await server.call("collectGarbage");
    await this.#subscriberProcess.call("expect", { group, roundBytes, rounds, roundsPerCredit: undefined });
    const [publishedAt] = await Promise.all([
      server.call("pace", options),
      this.#subscriberProcess.call("finished", group),
    ]);
    const arrivals = await this.#subscriberProcess.call("arrivals", group);
    return arrivals
      .map((at, index) => at - (publishedAt[Math.floor(index / this.subscribers)] ?? 0))
      .toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#subscriberProcess[Symbol.asyncDispose]();
    await Promise.all([...this.#servers.values()].map((server) => server[Symbol.asyncDispose]()));
  }

  async #start(name: ServerName, { transport, subscribers, profileFolder }: ArenaOptions): Promise<void> {
    const server = new Child<FanOutMethods>({
      module: serverModules[name],
      name,
      profileFolder: name === "millrace" ? profileFolder : undefined,
    });
    this.#servers.set(name, server);
    const ownTransport = name === "naive" ? "uni_websocket" : transport;
    const ports = await server.call("start", ownTransport);
    await this.#subscriberProcess.call("open", {
      group: name,
      transport: ownTransport,
      subscribers,
      ...ports,
    });
  }

  #server(contender: Contender): Child<FanOutMethods> {
    const server = this.#servers.get(serverOf(contender));
    if (server === undefined) throw new Error(`${contender} does not take part`);
    return server;
  }
}

/** The server that stands for a contender. */
export function serverOf(contender: Contender): ServerName {
  return contender in serverModules ? (contender as ServerName) : "bare";
}
