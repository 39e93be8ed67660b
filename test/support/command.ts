import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PATIENCE_MS, Signal } from "./signal.ts";

/** The repository. */
export const ROOT: string = resolve(import.meta.dirname, "../..");

const NODE_OF_PROJECT = resolve(ROOT, "node_modules/.bin/node");

/** The Node.js that npm scripts run on, whatever runs the tests. */
export const NODE: string = existsSync(NODE_OF_PROJECT) ? NODE_OF_PROJECT : process.execPath;

/** Where development servers of the tests keep their keys: not among those of who runs the tests. */
const STATE_HOME = mkdtempSync(join(tmpdir(), "millrace-state-"));
process.once("exit", () => rmSync(STATE_HOME, { recursive: true, force: true }));

/** Where and with what a command runs. */
export interface CommandOptions {
  /** Default: the repository. */
  readonly cwd?: string;
  /** Environment beside PATH, HOME and XDG_STATE_HOME; nothing else of the tests' own gets through. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a command ended: by itself with a status, or by a signal. */
export interface CommandEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command in a process group of its own. Disposing kills whatever is left of the group. */
export class Command implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #title: string;
  readonly #signal = new Signal();
  readonly #kill = (): void => this.#killGroup();
  #stdout = "";
  #stderr = "";
  #end: CommandEnd | undefined;
  #failure: Error | undefined;

  constructor(file: string, args: readonly string[], { cwd = ROOT, env = {} }: CommandOptions = {}) {
    this.#title = [file, ...args].join(" ");
    this.#child = spawn(file, args, {
      cwd,
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], XDG_STATE_HOME: STATE_HOME, ...env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#signal.notify();
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      this.#signal.notify();
    });
    // What a command that has ended does not read is no concern of the test.
    this.#child.stdin?.on("error", () => undefined);
    this.#child.once("error", (error) => {
      this.#failure = error;
      this.#over({ status: null, signal: null });
    });
    this.#child.once("close", (status, signal) => this.#over({ status, signal }));
    process.once("exit", this.#kill);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Types into the command. */
  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Sends a signal to the command itself. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends SIGINT to all processes of the command, as Ctrl+C in a terminal does. */
  interrupt(): void {
    if (this.pid !== undefined) process.kill(-this.pid, "SIGINT");
  }

  /** Resolves once the condition holds; rejects with all output when the command ends before, or takes too long. */
  async until(isMet: () => boolean, what: string, limitMs: number = PATIENCE_MS): Promise<void> {
    try {
      await this.#signal.until(() => isMet() || this.hasEnded, what, limitMs);
      if (!isMet()) throw new Error(`ended before ${what}`, { cause: this.#failure });
    } catch (cause) {
      throw new Error(this.#describe(), { cause });
    }
  }

  /** Resolves once the command has printed the text. */
  async untilPrinted(text: string): Promise<void> {
    await this.until(() => this.#stdout.includes(text), JSON.stringify(text));
  }

  /** Resolves once the command has ended and all of its output has come. */
  async untilEnd(): Promise<CommandEnd> {
    await this.until(() => this.hasEnded, "end");
    if (this.#failure !== undefined) throw this.#failure;
    return this.#end ?? { status: null, signal: null };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#killGroup();
    process.off("exit", this.#kill);
    await this.#signal.until(() => this.hasEnded, `end of the killed command: ${this.#title}`);
  }

  #over(end: CommandEnd): void {
    this.#end ??= end;
    this.#signal.notify();
  }

  #killGroup(): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // Nothing is left of the group.
    }
  }

  #describe(): string {
    return `${this.#title}\nstdout: ${this.#stdout}\nstderr: ${this.#stderr}`;
  }
}

/** What a command printed and how it ended. */
export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  await using command = new Command(file, args, options);
  const { status } = await command.untilEnd();
  return { status, stdout: command.stdout, stderr: command.stderr };
}
