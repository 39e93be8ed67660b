import { setTimeout as sleep } from "node:timers/promises";
import { nowMicros, serveCalls } from "../process/host.ts";
import type { Door } from "../wire/publish-request.ts";
import { GrpcLoadConnection } from "./grpc-load.ts";
import { HttpLoadConnection } from "./http-load.ts";
import type { LoadConnection, LoadObserver, LoadTarget } from "./load-connection.ts";

/** A target, through which door, over how many connections. */
export interface LoadOptions {
  readonly name: string;
  readonly door: Door;
  readonly target: LoadTarget;
  readonly connections: number;
}

/** What a server has done in a run. */
export interface LoadResult {
  readonly requests: number;
  readonly wallMicros: number;
}

/** The driver's view of the process that makes requests. */
export interface LoadMethods {
  open(options: LoadOptions): Promise<void>;
  /** Keeps all slots busy for so long, and waits for the last answers. */
  run(options: { readonly name: string; readonly durationMs: number }): Promise<LoadResult>;
}

/** All connections read into the same memory, one after the other. */
const readBuffer = Buffer.alloc(64 * 1024);

class Load implements LoadObserver {
  readonly #connections: readonly LoadConnection[];
  #requests = 0;
  #underWay = 0;
  #stopping = false;
  #done = Promise.withResolvers<void>();

  constructor({ door, target, connections }: LoadOptions) {
    const Connection = door === "grpc" ? GrpcLoadConnection : HttpLoadConnection;
    this.#connections = Array.from({ length: connections }, () => new Connection(target, readBuffer, this));
    this.#done.promise.catch(() => undefined);
  }

  async run(durationMs: number): Promise<LoadResult> {
    const startedAt = nowMicros();
    this.#requests = 0;
    this.#stopping = false;
    for (const connection of this.#connections) this.#send(connection, connection.slots);
    await Promise.race([sleep(durationMs), this.#done.promise]);
    this.#stopping = true;
    await this.#done.promise;
    this.#done = Promise.withResolvers();
    return { requests: this.#requests, wallMicros: nowMicros() - startedAt };
  }

  onAnswers(connection: LoadConnection, count: number): void {
    this.#requests += count;
    this.#underWay -= count;
    if (!this.#stopping) this.#send(connection, count);
    else if (this.#underWay === 0) this.#done.resolve();
  }

  onFailure(error: Error): void {
    this.#done.reject(error);
  }

  #send(connection: LoadConnection, count: number): void {
    this.#underWay += count;
    connection.send(count);
  }
}

const loads = new Map<string, Load>();

serveCalls<LoadMethods>({
  open: async (options) => {
    loads.set(options.name, new Load(options));
  },
  run: async ({ name, durationMs }) => {
    const load = loads.get(name);
    if (load === undefined) throw new Error(`no load named ${name}`);
    return load.run(durationMs);
  },
});
