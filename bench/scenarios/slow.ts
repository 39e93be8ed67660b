import type { SlowClientMethods } from "../clients/slow.ts";
import type { SubscriberMethods } from "../clients/subscribers.ts";
import { type Figure, FigureBuilder } from "../figures.ts";
import { HEADLINE, type SlowSampling } from "../plan.ts";
import { Child } from "../process/child.ts";
import type { Flood, SlowMethods } from "../servers/millrace-slow.ts";
import { quantile } from "../statistics.ts";
import { GROUP, paceEntrant } from "./entrant.ts";

/** One client in so many does not read. */
const SLOW_SHARE = 100;
/** Default of `client.queue_max_size`. */
const QUEUE_MAX_BYTES = 1_048_576;
/** The kernel takes some megabytes for each slow client first: in large steps, and then in small ones. */
const LARGE_FLOOD = { messages: 8, payloadBytes: 48 * 1024 };
const SMALL_FLOOD = { messages: 2, payloadBytes: 32 * 1024 };
const MAX_FLOODS = 100;
/** Share of the queue's limit from which it counts as half full: one more large step would not fill it. */
const FILLED_SHARE = 0.3;
/** Subscribers that one millisecond between two publications is enough for, at a fraction of a core. */
const SUBSCRIBERS_PER_MS = 40;
const WARM_UP_ROUNDS = 20;

export interface SlowOptions {
  readonly sampling: SlowSampling;
  readonly profileFolder: string | undefined;
}

/**
 * Measures what clients that never read do to the others: publish-to-receive times while the queues of the slow ones
 * are half full, against the same without them; then how much memory these queues take until the last of the slow
 * ones is cut. WebSockets.
 */
export async function* measureSlow({ sampling, profileFolder }: SlowOptions): AsyncGenerator<Figure> {
  const { subscribers: all, repetitions, publications } = sampling;
  const slow = Math.max(1, Math.floor(all / SLOW_SHARE));
  const figure = new FigureBuilder({ scenario: "slow", transport: "uni_websocket", subscribers: all, slow });
  await using stage = await Stage.open(all - slow, slow, profileFolder);
  const pacing = { intervalMs: Math.max(50, Math.ceil(all / SUBSCRIBERS_PER_MS)) };
  await stage.pace({ ...pacing, rounds: WARM_UP_ROUNDS });
  const measure = async (contender: "millrace" | "without"): Promise<void> => {
    const times = await stage.pace({ ...pacing, rounds: publications });
    figure.add("latencyP50Micros", contender, quantile(times, 0.5));
    figure.add("latencyP99Micros", contender, quantile(times, 0.99));
  };
  const withSlow = async (): Promise<void> => {
    await stage.openSlow();
    await stage.fill();
    await measure("millrace");
    figure.add("bytesPerSlowSession", "millrace", (await stage.overflow()) / slow);
    await stage.closeSlow();
  };
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const order = [async () => measure("without"), withSlow];
    for (const step of repetition % 2 === 0 ? order : order.toReversed()) await step();
  }
  yield* figure.build();
}

/** The server, those who read, and those who do not. */
class Stage implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #server: Child<SlowMethods>;
  readonly #subscribers: Child<SubscriberMethods>;
  readonly #slow: Child<SlowClientMethods>;
  readonly #fastCount: number;
  readonly #slowCount: number;
  #port = 0;
  #roundBytes = 0;
  #emptyBytes = 0;

  private constructor(fastCount: number, slowCount: number, profileFolder: string | undefined) {
    this.#fastCount = fastCount;
    this.#slowCount = slowCount;
    const [server, subscribers, slow] = [
      "servers/millrace-slow.ts",
      "clients/subscribers.ts",
      "clients/slow.ts",
    ];
    this.#server = this.#stack.use(new Child({ module: server, name: "millrace", profileFolder }));
    this.#subscribers = this.#stack.use(new Child({ module: subscribers, name: "subscribers" }));
    this.#slow = this.#stack.use(new Child({ module: slow, name: "slow subscribers" }));
  }

  static async open(fast: number, slow: number, profileFolder: string | undefined): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const stage = stack.use(new Stage(fast, slow, profileFolder));
    await stage.#start();
    stack.move();
    return stage;
  }

  async pace(options: { readonly rounds: number; readonly intervalMs: number }): Promise<Float64Array> {
    return paceEntrant(
      { server: this.#server, subscribers: this.#subscribers },
      { ...options, roundBytes: this.#roundBytes, subscribers: this.#fastCount },
    );
  }

  async openSlow(): Promise<void> {
    this.#emptyBytes = await this.#heldBytes();
    await this.#slow.call("open", { port: this.#port, clients: this.#slowCount });
  }

  async closeSlow(): Promise<void> {
    await this.#slow.call("close");
  }

  /** Publishes to the slow ones until their queues are about half full. */
  async fill(): Promise<void> {
    for (let floods = 0; floods < MAX_FLOODS; floods++) {
      const waiting = await this.#flood(LARGE_FLOOD);
      if (waiting > FILLED_SHARE * this.#slowCount * QUEUE_MAX_BYTES) return;
    }
    throw new Error("the queues of the slow ones do not fill");
  }

  /** Goes on until the last of them is cut; resolves to what the server has held for them at most. */
  async overflow(): Promise<number> {
    let most = 0;
    for (let floods = 0; floods < MAX_FLOODS; floods++) {
      most = Math.max(most, await this.#flood(SMALL_FLOOD));
      const connections = await this.#server.call("connections");
      // One connection more is that of the credits.
      if (connections <= this.#fastCount + 1) return most;
    }
    throw new Error("the slow ones are not cut");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #start(): Promise<void> {
    const ports = await this.#server.call("start", "uni_websocket");
    this.#port = ports.port;
    const common = { group: GROUP, transport: "uni_websocket", ...ports } as const;
    await this.#subscribers.call("open", { ...common, subscribers: this.#fastCount });
    await this.#server.call("prepare", { payloadBytes: HEADLINE.payloadBytes, burst: 1, joined: false });
    await this.#subscribers.call("reset", GROUP);
    await this.#server.call("publishOnce");
    this.#roundBytes = await this.#subscribers.call("receivedByEach", GROUP);
  }

  /** Publishes to the slow ones; resolves to what the server holds more than without them. */
  async #flood(flood: Omit<Flood, "clients">): Promise<number> {
    await this.#server.call("flood", { ...flood, clients: this.#slowCount });
    return (await this.#heldBytes()) - this.#emptyBytes;
  }

  async #heldBytes(): Promise<number> {
    await this.#server.call("collectGarbage");
    return (await this.#server.call("usage")).heldBytes;
  }
}
