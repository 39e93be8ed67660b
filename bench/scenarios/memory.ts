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

/**
 * Measures what idle connections add to the server's resident memory: more and more of them in a process, which is a
 * fresh one for every repetition.
 */
export async function* measureMemory({ transport, sampling }: MemoryOptions): AsyncGenerator<Figure> {
  const { connections, repetitions } = sampling;
  const figures = connections.map((count) => ({
    count,
    figure: new FigureBuilder({ scenario: "memory", transport, connections: count }),
  }));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const [contender, module] of modules) {
      await using stage = await MemoryStage.open(module, transport);
      for (const { count, figure } of figures) {
        figure.add("rssBytesPerConnection", contender, await stage.bytesPerConnection(count));
      }
    }
  }
  for (const { figure } of figures) yield* figure.build();
}

/** A server that gets more and more connections. */
class MemoryStage implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #server: Child<FanOutMethods>;
  readonly #clients: Child<SubscriberMethods>;
  readonly #transport: TransportName;
  #ports: Awaited<ReturnType<FanOutMethods["start"]>> = { port: 0, creditPort: 0 };
  #connections = 0;
  #emptyBytes = 0;

  private constructor(module: string, transport: TransportName) {
    this.#transport = transport;
    this.#server = this.#stack.use(new Child<FanOutMethods>({ module, name: module }));
    this.#clients = this.#stack.use(
      new Child<SubscriberMethods>({ module: "clients/subscribers.ts", name: "subscribers" }),
    );
  }

  static async open(module: string, transport: TransportName): Promise<MemoryStage> {
    await using stack = new AsyncDisposableStack();
    const stage = stack.use(new MemoryStage(module, transport));
    stage.#ports = await stage.#server.call("start", transport);
    await stage.#connect("warm-up", WARM_UP_CONNECTIONS);
    await stage.#clients.call("close", "warm-up");
    stage.#emptyBytes = await stage.#settledRss();
    stack.move();
    return stage;
  }

  /** Connects until there are so many; resolves to what each of them has added. */
  async bytesPerConnection(count: number): Promise<number> {
    await this.#connect(`until ${count}`, count - this.#connections);
    this.#connections = count;
    return ((await this.#settledRss()) - this.#emptyBytes) / count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #connect(group: string, subscribers: number): Promise<void> {
    await this.#clients.call("open", { group, transport: this.#transport, subscribers, ...this.#ports });
  }

  async #settledRss(): Promise<number> {
    await sleep(SETTLE_MS);
    await this.#server.call("collectGarbage");
    await sleep(SETTLE_MS);
    await this.#server.call("collectGarbage");
    return (await this.#server.call("usage")).rssBytes;
  }
}
