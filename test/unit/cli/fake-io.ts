import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../../src/app/config.ts";
import type { ServerAddresses, ServerOptions } from "../../../src/app/server.ts";
import type { CliIo, ServerHandle, ServerSignal } from "../../../src/cli/cli-io.ts";
import { runCli } from "../../../src/cli/program.ts";
import type { Clock } from "../../../src/core/clock.ts";

/** What a command line did. */
export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const NOW_MS = 1_700_000_000_000;
const ADDRESSES: ServerAddresses = {
  http: { host: "", port: 8000 },
  internalHttp: undefined,
  uniGrpc: { host: "::", port: 11_000 },
  grpcApi: { host: "", port: 10_000 },
};

/** A directory of its own for the commands of one test, and a server that only says what it was given. */
export class CliBench implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "millrace-cli-"));
  readonly env: Record<string, string> = {};
  readonly exits: number[] = [];
  /** What the last server was made with. */
  served: ServerOptions | undefined;
  isTTY = false;
  isTerminalGone = false;
  /** Of the clock; anything may move it. */
  monotonicMs = 0;
  /** Where the server says it listens. */
  addresses: ServerAddresses = ADDRESSES;
  startFailure: Error | undefined;
  stopResult = true;
  /** Configurations that the last server was told to follow. */
  readonly reloaded: Config[] = [];
  /** What it said it could not follow. */
  ignoredChanges: readonly string[] = [];
  /** Sees what is printed as it is printed. */
  onOutput: (text: string) => void = () => undefined;
  /** Called while the server starts. */
  onStarting: () => void = () => undefined;
  /** Called once the server runs; by default it is asked to stop. */
  onServing: () => void = () => this.signal("SIGTERM");
  readonly #handlers = new Set<{ signal: ServerSignal; handler: () => void }>();

  write(file: string, text: string): string {
    writeFileSync(join(this.directory, file), text);
    return file;
  }

  read(file: string): string {
    return readFileSync(join(this.directory, file), "utf8");
  }

  modeOf(file: string): number {
    return statSync(join(this.directory, file)).mode & 0o777;
  }

  signal(signal: ServerSignal): void {
    for (const entry of this.#handlers) if (entry.signal === signal) entry.handler();
  }

  get signalHandlers(): number {
    return this.#handlers.size;
  }

  async run(...args: string[]): Promise<CliResult> {
    let stdout = "";
    let stderr = "";
    const clock: Clock = {
      wallMs: () => NOW_MS,
      monotonicMs: () => this.monotonicMs,
      every: () => ({ [Symbol.dispose]: () => undefined }),
    };
    const io: CliIo = {
      stdout: {
        write: (text) => {
          stdout += text;
          this.onOutput(text);
        },
        isTTY: this.isTTY,
      },
      stderr: { write: (text) => (stderr += text) },
      env: this.env,
      cwd: this.directory,
      clock,
      createServer: (options) => this.#createServer(options),
      onSignal: (signal, handler) => {
        const entry = { signal, handler };
        this.#handlers.add(entry);
        return { [Symbol.dispose]: () => void this.#handlers.delete(entry) };
      },
      isTerminalGone: () => this.isTerminalGone,
      exit: (status) => void this.exits.push(status),
    };
    const status = await runCli(args, io);
    return { status, stdout, stderr };
  }

  #createServer(options: ServerOptions): ServerHandle {
    this.served = options;
    return {
      start: async () => {
        this.onStarting();
        if (this.startFailure !== undefined) throw this.startFailure;
        queueMicrotask(() => setImmediate(this.onServing));
        return this.addresses;
      },
      stop: async () => this.stopResult,
      reload: async (config) => {
        this.reloaded.push(config);
        return this.ignoredChanges;
      },
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
