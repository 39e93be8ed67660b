import type { Session } from "./session.ts";

/** What a command that waits counts besides its own bytes, so that many small ones count too. */
const WAITING_COMMAND_BYTES = 64;

/** Party that works on the commands of one client. */
export interface CommandWorker<Command> {
  /** Resolves when the command has been worked on; undefined where it has been already. */
  work(command: Command): Promise<void> | undefined;
  /** A command has failed. Those behind it are worked on all the same, unless this ends the session. */
  onCommandFailed(error: unknown): void;
  /** More waits than may. Is to end the session; what waits is forgotten. */
  onCommandOverflow(): void;
}

/**
 * Queue of what one client asks for: worked on one after the other, in the order in which it came, until the session
 * ends.
 *
 * A command that comes while nothing else is worked on is worked on at once, and costs nothing more than that.
 */
export class CommandQueue<Command extends { readonly byteLength: number }> {
  readonly #session: Pick<Session, "isClosed">;
  readonly #worker: CommandWorker<Command>;
  readonly #maxBytes: number;
  /** Commands behind the one that is being worked on; undefined while there is none. */
  #waiting: Command[] | undefined;
  #waitingBytes = 0;

  /** `maxBytes` is for all that waits together, each of which counts 64 bytes more than it has. */
  constructor(session: Pick<Session, "isClosed">, worker: CommandWorker<Command>, maxBytes: number) {
    this.#session = session;
    this.#worker = worker;
    this.#maxBytes = maxBytes;
  }

  /** Works on a command, once those before it have been worked on. Never throws. */
  push(command: Command): void {
    if (this.#session.isClosed) return;
    if (this.#waiting === undefined) {
      const work = this.#work(command);
      if (work !== undefined) this.waitFor(work);
      return;
    }
    this.#waiting.push(command);
    this.#waitingBytes += sizeOf(command);
    if (this.#waitingBytes <= this.#maxBytes) return;
    this.#forgetWaiting();
    this.#worker.onCommandOverflow();
  }

  /** Has all commands wait that come before some work is done, which begins while there is no other. */
  waitFor(work: Promise<void>): void {
    this.#waiting = [];
    void this.#drain(work);
  }

  async #drain(first: Promise<void>): Promise<void> {
    let work: Promise<void> | undefined = first;
    for (;;) {
      try {
        await work;
      } catch (error) {
        this.#fail(error);
      }
      const next = this.#waiting?.shift();
      if (next === undefined || this.#session.isClosed) break;
      this.#waitingBytes -= sizeOf(next);
      work = this.#work(next);
    }
    this.#waiting = undefined;
    this.#waitingBytes = 0;
  }

  #work(command: Command): Promise<void> | undefined {
    try {
      return this.#worker.work(command);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** What fails because the client has left meanwhile is no failure. */
  #fail(error: unknown): void {
    if (!this.#session.isClosed) this.#worker.onCommandFailed(error);
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

function sizeOf({ byteLength }: { readonly byteLength: number }): number {
  return WAITING_COMMAND_BYTES + byteLength;
}
