import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ProcessMethods, RemoteMethods, Reply } from "./rpc.ts";

/** As `millrace serve` runs; the same for everything that is compared. */
export const NODE_FLAGS: readonly string[] = ["--max-semi-space-size=16"];
const CALL_TIMEOUT_MS = 90_000;
const EXIT_TIMEOUT_MS = 5000;
const COMPLAINTS_MAX_CHARACTERS = 10_000;

interface PendingCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  // Not SIGKILL: some have processes of their own to end.
  for (const child of running) child.kill("SIGTERM");
});

/** How to start a child process. */
export interface ChildOptions {
  /** Its main module, relative to the benchmark's folder. */
  readonly module: string;
  /** Shown in errors. */
  readonly name: string;
  /** What it finds in `process.argv` after its own name. */
  readonly args?: readonly string[];
  /** Where it leaves a CPU profile when it ends; undefined for none. */
  readonly profileFolder?: string | undefined;
}

/** A process of the benchmark, seen from the driver: the methods that it offers, called over IPC. */
export class Child<M extends RemoteMethods<M>> implements AsyncDisposable {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, PendingCall>();
  #nextId = 1;
  #complaints = "";

  constructor(options: ChildOptions) {
    this.name = options.name;
    const folder = options.profileFolder;
    this.#process = fork(fileURLToPath(new URL(`../${options.module}`, import.meta.url)), options.args, {
      serialization: "advanced",
      execArgv: [
        ...NODE_FLAGS,
        "--expose-gc",
        ...(folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`]),
      ],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    running.add(this.#process);
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-COMPLAINTS_MAX_CHARACTERS);
    });
    this.#process.on("message", (reply: Reply) => this.#settle(reply));
    this.#process.once("error", (error) => this.#fail(error));
    this.#process.once("exit", () => running.delete(this.#process));
    // Later than "exit": by now all of its standard error has been read.
    this.#process.once("close", (code, signal) => {
      const why = /^\S*Error.*$/m.exec(this.#complaints)?.[0] ?? this.#complaints;
      this.#fail(new Error(`${this.name} ended (${signal ?? `code ${code}`}): ${why}`));
    });
  }

  /** Calls a method in the child. Rejects with the child's error, or when no answer comes in time. */
  async call<K extends keyof (M & ProcessMethods) & string>(
    method: K,
    ...[argument]: Parameters<(M & ProcessMethods)[K]>
  ): Promise<Awaited<ReturnType<(M & ProcessMethods)[K]>>> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timeout = setTimeout(() => {
      reject(new Error(`${this.name} did not answer ${method} within ${CALL_TIMEOUT_MS / 1000} s`));
    }, CALL_TIMEOUT_MS);
    this.#pending.set(id, { resolve, reject });
    try {
      if (!this.#process.connected) throw new Error(`${this.name} is gone`);
      this.#process.send({ id, method, argument });
      // The child implements the same interface.
      return (await promise) as Awaited<ReturnType<(M & ProcessMethods)[K]>>;
    } finally {
      clearTimeout(timeout);
      this.#pending.delete(id);
    }
  }

  /** Ends the process and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    const kill = setTimeout(() => this.#process.kill("SIGKILL"), EXIT_TIMEOUT_MS);
    if (this.#process.connected) this.#process.disconnect();
    await exited;
    clearTimeout(kill);
  }

  #settle(reply: Reply): void {
    const call = this.#pending.get(reply.id);
    if (reply.type === "result") call?.resolve(reply.result);
    else call?.reject(new Error(`${this.name}: ${reply.message}`));
  }

  #fail(error: Error): void {
    for (const call of this.#pending.values()) call.reject(error);
  }
}
