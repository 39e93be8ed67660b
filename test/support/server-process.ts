import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigInput } from "../../src/index.ts";
import { type Endpoint, endpointUrl } from "./running-server.ts";
import { HAS_WORKERS, WORKERS } from "./workers.ts";
import { Command, type CommandEnd, type CommandResult, NODE, ROOT, runCommand } from "./command.ts";

const MAIN = join(ROOT, "src/main.ts");
/** What commands have in their environment unless a test says otherwise. The cache halves what a start costs. */
const ENVIRONMENT = {
  NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/node-compile"),
  ...(HAS_WORKERS ? { MILLRACE_NODE_WORKERS: WORKERS } : {}),
};

/** A directory of its own, where `millrace` stands for the command line. Disposing removes it. */
export class Workplace implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "millrace-e2e-"));

  write(file: string, content: string | ConfigInput): string {
    writeFileSync(
      join(this.directory, file),
      typeof content === "string" ? content : JSON.stringify(content),
    );
    return file;
  }

  read(file: string): string {
    return readFileSync(join(this.directory, file), "utf8");
  }

  modeOf(file: string): number {
    return statSync(join(this.directory, file)).mode & 0o777;
  }

  /** Runs a command of ours to its end. */
  millrace(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    return runCommand(NODE, [MAIN, ...args], {
      cwd: this.directory,
      env: { ...ENVIRONMENT, ...env },
    });
  }

  /** Starts a command of ours that goes on. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
    return new Command(NODE, [MAIN, ...args], {
      cwd: this.directory,
      env: { ...ENVIRONMENT, ...env },
    });
  }

  /** Pastes a line into a shell that finds `millrace`, and the tools of the project. */
  shell(line: string, env: Readonly<Record<string, string>> = {}): Command {
    const bin = join(this.directory, ".bin");
    if (!existsSync(bin)) {
      mkdirSync(bin);
      symlinkSync(join(ROOT, "bin/millrace.mjs"), join(bin, "millrace"));
    }
    const path = [bin, join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(":");
    return new Command("bash", ["-c", line], {
      cwd: this.directory,
      env: { ...ENVIRONMENT, ...env, PATH: path },
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What a server process is started with. */
export interface ServerProcessOptions {
  /** Written to `config.json`: text as it is, anything else as JSON. Default: no file. */
  readonly config?: string | ConfigInput;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: `serve`. */
  readonly args?: readonly string[];
  /** Where it runs; by default a directory that goes with the process. */
  readonly workplace?: Workplace;
}

/** Ports of a server process by listener; undefined for what is switched off. */
export interface ServerPorts {
  readonly http: number | undefined;
  readonly uniGrpc: number | undefined;
  readonly grpcApi: number | undefined;
}

/** A server as users run it: a process of its own, from the command line. Disposing kills it. */
export class ServerProcess implements AsyncDisposable {
  readonly ports: ServerPorts;
  readonly #command: Command;
  readonly #resources: AsyncDisposableStack;

  private constructor(command: Command, resources: AsyncDisposableStack) {
    this.#command = command;
    this.#resources = resources;
    this.ports = portsOf(findRecord(command.stderr, "server started") ?? {});
  }

  /** Resolves once the log says that the server has started. The log must go to stderr, where it goes by default. */
  static async start(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    await using resources = new AsyncDisposableStack();
    const workplace = options.workplace ?? resources.use(new Workplace());
    if (options.config !== undefined) workplace.write("config.json", options.config);
    const command = resources.use(workplace.start(options.args ?? ["serve"], options.env));
    const isUp = (): boolean => findRecord(command.stderr, "server started") !== undefined;
    await command.until(isUp, "start of the server");
    return new ServerProcess(command, resources.move());
  }

  get pid(): number | undefined {
    return this.#command.pid;
  }

  get stdout(): string {
    return this.#command.stdout;
  }

  /** The log, where it goes by default. */
  get stderr(): string {
    return this.#command.stderr;
  }

  /** Address of the HTTP port, with scheme. */
  get origin(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  /** Address of an endpoint, with a connect request in the query if one is given. */
  url(endpoint: Endpoint, connect?: unknown): string {
    return endpointUrl(this.origin, endpoint, connect);
  }

  kill(signal: NodeJS.Signals): void {
    this.#command.kill(signal);
  }

  /** Resolves once the log has a record with the message. */
  async untilLogged(message: string): Promise<void> {
    await this.#command.until(() => findRecord(this.stderr, message) !== undefined, `log of ${message}`);
  }

  untilEnd(): Promise<CommandEnd> {
    return this.#command.untilEnd();
  }

  /** Sends a signal; resolves with how the process ended. */
  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<CommandEnd> {
    this.kill(signal);
    return this.untilEnd();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

type LogRecord = Readonly<Record<string, unknown>>;

/** The records of a log: its lines that are JSON objects. */
export function parseLog(text: string): readonly LogRecord[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as LogRecord);
}

function findRecord(log: string, message: string): LogRecord | undefined {
  return parseLog(log).find((record) => record["message"] === message);
}

function portsOf(record: LogRecord): ServerPorts {
  const portOf = (name: string): number | undefined => {
    const address = record[name];
    return typeof address === "string" ? Number(address.slice(address.lastIndexOf(":") + 1)) : undefined;
  };
  return { http: portOf("http"), uniGrpc: portOf("uniGrpc"), grpcApi: portOf("grpcApi") };
}
