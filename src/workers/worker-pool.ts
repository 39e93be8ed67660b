import type { ChildProcess } from "node:child_process";
import cluster, { type Worker } from "node:cluster";
import { Duplex } from "node:stream";
import { systemClock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { LinkClosed } from "../lib/link/message-link.ts";
import { type SharedPorts, WorkerPeer } from "./worker-peer.ts";

/** What the pool works with. */
export interface WorkerPoolOptions {
  readonly count: number;
  /** Uid of the primary's own node, and of the whole to the server API. */
  readonly machine: string;
  /** Path of the program that workers run. */
  readonly program: string;
  /** The configuration that workers begin with. */
  readonly config: unknown;
  readonly isDev: boolean;
  readonly logger: Logger;
  readonly ports: SharedPorts;
}

interface RunningWorker {
  readonly process: Worker;
  readonly peer: WorkerPeer;
  isReady: boolean;
}

/** File descriptor of the link in a worker, behind the standard streams and Node's own channel. */
export const LINK_FD = 4;
/** A young generation that may not grow far leaves the memory to connections. */
const NODE_FLAGS = ["--max-semi-space-size=16"];
/** A worker that ends sooner is started again after a while only. */
const MIN_LIFE_MS = 5000;
const RESTART_DELAY_MS = 1000;

/** Starts the workers, and starts others in place of those that end unasked. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<RunningWorker>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #config: unknown;
  #lastNumber = 0;
  #isStopping = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /** Resolves to where the workers listen once all do; rejects, with some perhaps running, where one cannot. */
  async start(): Promise<unknown> {
    // Where free ports are wanted, node:cluster gives all of them the same ones.
    const [first] = await Promise.all(Array.from({ length: this.#options.count }, () => this.#startWorker()));
    if (first === undefined) throw new Error("no workers");
    return first;
  }

  /** Has the workers follow a configuration; rejects, changing nothing, where they refuse it. */
  async reload(config: unknown): Promise<void> {
    const before = this.#config;
    // Workers that are started meanwhile begin with it.
    this.#config = config;
    try {
      await Promise.all([...this.#workers].map(({ peer }) => peer.reload(config).catch(unlessGone)));
    } catch (error) {
      this.#config = before;
      throw error;
    }
  }

  /** Ends all workers, at the deadline by force; resolves to whether none had to cut connections. */
  async stop(deadline: AbortSignal): Promise<boolean> {
    this.#isStopping = true;
    for (const restart of this.#restarts) clearTimeout(restart);
    const workers = [...this.#workers];
    const kill = (): void => {
      for (const { process } of workers) process.process.kill("SIGKILL");
    };
    deadline.addEventListener("abort", kill, { once: true });
    if (deadline.aborted) kill();
    const isClean = await Promise.all(workers.map(stopWorker));
    for (const { process } of workers) if (process.isConnected()) process.process.disconnect();
    await Promise.all(workers.map(({ peer }) => peer.left));
    deadline.removeEventListener("abort", kill);
    return isClean.every(Boolean) && !deadline.aborted;
  }

  #startWorker(): Promise<unknown> {
    const { ports, logger, isDev, machine, program } = this.#options;
    // Workers take connections themselves, which costs a third of having them handed out (docs/workers.md).
    const isHandedOut = process.env["NODE_CLUSTER_SCHED_POLICY"] === "rr";
    cluster.schedulingPolicy = isHandedOut ? cluster.SCHED_RR : cluster.SCHED_NONE;
    cluster.setupPrimary({
      exec: program,
      execArgv: NODE_FLAGS,
      args: [],
      stdio: ["inherit", "inherit", "inherit", "ipc", "pipe"],
    });
    const worker = cluster.fork();
    this.#lastNumber += 1;
    // In the order of their age, whatever they are sorted with.
    const nodeUid = `${machine}-${String(this.#lastNumber).padStart(6, "0")}`;
    const startedAtMs = performance.now();
    const { promise: addresses, resolve, reject } = Promise.withResolvers<unknown>();
    const peer = new WorkerPeer(ports, {
      stream: linkOf(worker.process),
      clock: systemClock,
      start: { config: this.#config, isDev, nodeUid, machine, isReliable: ports.broker.isReliable },
      onReady: resolve,
      onFailed: reject,
    });
    const running = { process: worker, peer, isReady: false };
    this.#workers.add(running);
    // Nothing is left of a worker that does not read what it is sent; it must not go on with its connections.
    void peer.left.then(() => worker.process.kill("SIGKILL"));
    worker.once("exit", (code, signal) => {
      this.#workers.delete(running);
      reject(new Error("a worker has ended before it was ready"));
      if (this.#isStopping) return;
      logger.error({ worker: nodeUid, code, signal }, "worker ended");
      this.#restartAfter(performance.now() - startedAtMs < MIN_LIFE_MS ? RESTART_DELAY_MS : 0);
    });
    return addresses.then((where) => {
      running.isReady = true;
      return where;
    });
  }

  #restartAfter(delayMs: number): void {
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      this.#startWorker().catch((err: unknown) => {
        if (!this.#isStopping) this.#options.logger.error({ err }, "worker not started");
      });
    }, delayMs);
    this.#restarts.add(restart);
  }
}

/** Resolves to whether no connections had to be cut. A worker that has none yet ends at once. */
async function stopWorker({ process, peer, isReady }: RunningWorker): Promise<boolean> {
  if (isReady) return peer.stop().catch(() => false);
  process.process.kill("SIGKILL");
  await peer.left;
  return true;
}

/** Whoever comes in place of a worker that is gone follows the configuration from the start. */
function unlessGone(error: unknown): void {
  if (!(error instanceof LinkClosed)) throw error;
}

function linkOf({ stdio }: ChildProcess): Duplex {
  const link = stdio[LINK_FD];
  if (!(link instanceof Duplex)) throw new Error("the worker has no link");
  return link;
}
