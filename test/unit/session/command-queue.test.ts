import { describe, expect, it } from "vitest";
import { CommandQueue, type CommandWorker } from "../../../src/session/command-queue.ts";
import { endOfTurn } from "../../support/fake-transport.ts";

interface Command {
  readonly name: string;
  readonly byteLength: number;
}

const command = (name: string, byteLength = 0): Command => ({ name, byteLength });

/** A client whose commands take until they are told that they are done; those in capitals are done at once. */
class Worker implements CommandWorker<Command> {
  readonly session = { isClosed: false };
  readonly begun: string[] = [];
  readonly failures: unknown[] = [];
  overflows = 0;
  readonly queue: CommandQueue<Command>;
  readonly #running: PromiseWithResolvers<void>[] = [];

  constructor(maxBytes = 1000) {
    this.queue = new CommandQueue(this.session, this, maxBytes);
  }

  push(...names: readonly string[]): void {
    for (const name of names) this.queue.push(command(name));
  }

  work({ name }: Command): Promise<void> | undefined {
    this.begun.push(name);
    if (name === "THROWS") throw new Error("thrown");
    if (name === name.toUpperCase()) return undefined;
    const running = Promise.withResolvers<void>();
    this.#running.push(running);
    return running.promise;
  }

  onCommandFailed(error: unknown): void {
    this.failures.push(error);
  }

  onCommandOverflow(): void {
    this.overflows += 1;
    this.session.isClosed = true;
  }

  /** Ends the command that is being worked on. */
  async finish(error?: Error): Promise<void> {
    const running = this.#running.shift();
    if (error === undefined) running?.resolve();
    else running?.reject(error);
    await endOfTurn();
  }
}

describe("CommandQueue", () => {
  it("works on a command at once while there is no other", () => {
    const worker = new Worker();
    worker.push("A", "B", "c");
    expect(worker.begun).toEqual(["A", "B", "c"]);
  });

  it("has the others wait, and keeps their order", async () => {
    const worker = new Worker();
    worker.push("a", "B", "c", "D");
    expect(worker.begun).toEqual(["a"]);
    await worker.finish();
    expect(worker.begun).toEqual(["a", "B", "c"]);
    worker.push("E");
    await worker.finish();
    expect(worker.begun).toEqual(["a", "B", "c", "D", "E"]);
    worker.push("F");
    expect(worker.begun.at(-1)).toBe("F");
  });

  it("has commands wait for work that is none", async () => {
    const worker = new Worker();
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.queue.waitFor(promise);
    worker.push("A");
    expect(worker.begun).toEqual([]);
    resolve();
    await endOfTurn();
    expect(worker.begun).toEqual(["A"]);
  });

  it("goes on behind a command that fails, be it at once", async () => {
    const worker = new Worker();
    worker.push("THROWS", "a", "THROWS", "B");
    expect(worker.begun).toEqual(["THROWS", "a"]);
    await worker.finish(new Error("rejected"));
    expect(worker.begun).toEqual(["THROWS", "a", "THROWS", "B"]);
    expect(worker.failures.map(String)).toEqual(["Error: thrown", "Error: rejected", "Error: thrown"]);
  });

  it("works on nothing once the session has ended, and what fails then has not failed", async () => {
    const worker = new Worker();
    worker.push("a", "B");
    worker.session.isClosed = true;
    worker.push("C");
    await worker.finish(new Error("gone"));
    expect([worker.begun, worker.failures]).toEqual([["a"], []]);
  });

  it.each([
    ["bytes", [100, 100, 100], [1, 1]],
    ["commands", Array.from({ length: 7 }, () => 0), [1]],
  ])("lets only so many %s wait", async (_what, fitting, tooMany) => {
    // Each counts 64 bytes more than it has.
    const worker = new Worker(500);
    worker.push("a");
    for (const byteLength of fitting) worker.queue.push(command("B", byteLength));
    expect(worker.overflows).toBe(0);
    for (const byteLength of tooMany) worker.queue.push(command("B", byteLength));
    expect(worker.overflows).toBe(1);
    await worker.finish();
    expect(worker.begun).toEqual(["a"]);
  });

  it("has room again for what has been worked on", async () => {
    const worker = new Worker(500);
    for (let round = 0; round < 3; round++) {
      worker.push("a", "B", "B", "B", "B", "B", "B", "B");
      await worker.finish();
    }
    expect([worker.begun.length, worker.overflows]).toEqual([24, 0]);
  });
});
