import { Child, type ChildOptions } from "../process/child.ts";
import type { Contender } from "../figures.ts";
import type { FanOutMethods, PaceOptions, Round, RunCost } from "../servers/fan-out-host.ts";
import type { SubscriberMethods } from "../clients/subscribers.ts";
import type { TransportName } from "../wire/transport.ts";
import { type Entrant, GROUP, paceEntrant } from "./entrant.ts";

/** How many bytes of publications a subscriber may not have received yet: little enough for any socket buffer. */
const IN_FLIGHT_BYTES = 48 * 1024;
const MAX_WINDOW_ROUNDS = 16;
/** A window of more deliveries would make samples longer than they need to be. */
const WINDOW_DELIVERIES = 32_000;

/** Contenders that share a server and its connections stand under one name. */
export type ServerName = "millrace" | "bare" | "naive" | "http2";

/** Which servers to start, and who connects to them. */
export interface ArenaOptions {
  readonly transport: TransportName;
  readonly subscribers: number;
  readonly servers: readonly ServerName[];
  /** What to start as Millrace's server; by default the library, in one process. */
  readonly millrace?: Pick<ChildOptions, "module" | "args">;
  /** Where Millrace leaves a CPU profile; undefined for none. */
  readonly profileFolder: string | undefined;
}

/** What a round puts on each connection, and how many of them go out before somebody has to acknowledge. */
export interface Pacing {
  readonly roundBytes: number;
  readonly windowRounds: number;
  readonly roundsPerCredit: number;
}

/** What a run cost on both sides. */
export interface ArenaRun extends RunCost {
  readonly rounds: number;
  /** CPU of the process that holds the subscribers. */
  readonly receiverMicros: number;
}

/** Servers under test, each in its own process, and the subscribers of each in another one. */
export class Arena implements AsyncDisposable {
  readonly subscribers: number;
  readonly #stack = new AsyncDisposableStack();
  readonly #entrants = new Map<ServerName, Entrant>();

  private constructor(subscribers: number) {
    this.subscribers = subscribers;
  }

  static async open(options: ArenaOptions): Promise<Arena> {
    await using stack = new AsyncDisposableStack();
    const arena = stack.use(new Arena(options.subscribers));
    for (const server of options.servers) {
      // Two cores: one thing at a time.
      await arena.#start(server, options);
    }
    stack.move();
    return arena;
  }

  /** Sets what a contender's server publishes per round, and tries it once to see how many bytes that is. */
  async tryRound(contender: Contender, round: Omit<Round, "joined">): Promise<Pacing> {
    const { server, subscribers } = this.#entrant(contender);
    await this.prepare(contender, round);
    await subscribers.call("reset", GROUP);
    await server.call("publishOnce");
    const roundBytes = await subscribers.call("receivedByEach", GROUP);
    const deliveries = round.burst * this.subscribers;
    const fitting = Math.floor(Math.min(IN_FLIGHT_BYTES / roundBytes, WINDOW_DELIVERIES / deliveries));
    const windowRounds = Math.min(MAX_WINDOW_ROUNDS, Math.max(2, fitting));
    return { roundBytes, windowRounds, roundsPerCredit: Math.floor(windowRounds / 2) };
  }

  /** Sets what a contender's server publishes per round. */
  async prepare(contender: Contender, round: Omit<Round, "joined">): Promise<void> {
    await this.#entrant(contender).server.call("prepare", { ...round, joined: contender === "joined" });
  }

  /** Publishes at least so many rounds as fast as the subscribers take them. */
  async run(contender: Contender, pacing: Pacing, atLeast: number): Promise<ArenaRun> {
    const { roundBytes, windowRounds, roundsPerCredit } = pacing;
    const rounds = Math.ceil(atLeast / roundsPerCredit) * roundsPerCredit;
    const { server, subscribers } = this.#entrant(contender);
    await server.call("collectGarbage");
    await subscribers.call("expect", { group: GROUP, roundBytes, rounds, roundsPerCredit });
    const before = await subscribers.call("usage");
    const [cost] = await Promise.all([
      server.call("run", { rounds, roundsPerCredit, windowRounds }),
      subscribers.call("finished", GROUP),
    ]);
    const after = await subscribers.call("usage");
    return { ...cost, rounds, receiverMicros: after.cpuMicros - before.cpuMicros };
  }

  /** Publishes at a steady pace; resolves to all publish-to-receive times in microseconds, ascending. */
  async pace(contender: Contender, { roundBytes }: Pacing, options: PaceOptions): Promise<Float64Array> {
    return paceEntrant(this.#entrant(contender), { ...options, roundBytes, subscribers: this.subscribers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #start(
    name: ServerName,
    { transport, subscribers: count, millrace, profileFolder }: ArenaOptions,
  ): Promise<void> {
    const isOurs = name === "millrace";
    const server = this.#stack.use(
      new Child<FanOutMethods>({
        ...((isOurs ? millrace : undefined) ?? { module: moduleOf(name, transport) }),
        name,
        profileFolder: isOurs ? profileFolder : undefined,
      }),
    );
    const subscribers = this.#stack.use(
      new Child<SubscriberMethods>({ module: "clients/subscribers.ts", name: `subscribers of ${name}` }),
    );
    this.#entrants.set(name, { server, subscribers });
    const ports = await server.call("start", transport);
    await subscribers.call("open", { group: GROUP, transport, subscribers: count, ...ports });
  }

  #entrant(contender: Contender): Entrant {
    const entrant = this.#entrants.get(serverOf(contender));
    if (entrant === undefined) throw new Error(`${contender} does not take part`);
    return entrant;
  }
}

/** The server that stands for a contender. */
export function serverOf(contender: Contender): ServerName {
  return contender === "millrace" || contender === "naive" || contender === "http2" ? contender : "bare";
}

function moduleOf(server: ServerName, transport: TransportName): string {
  return server === "naive" ? naiveModules[transport] : modules[server];
}

const modules: Readonly<Record<Exclude<ServerName, "naive">, string>> = {
  millrace: "servers/millrace.ts",
  bare: "servers/bare.ts",
  http2: "servers/bare-http2.ts",
};

const naiveModules: Readonly<Record<TransportName, string>> = {
  uni_websocket: "servers/naive-ws.ts",
  pusher: "servers/naive-ws.ts",
  uni_http_stream: "servers/naive-http.ts",
  uni_sse: "servers/naive-http.ts",
  uni_grpc: "servers/naive-grpc.ts",
};
