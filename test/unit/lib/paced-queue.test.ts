import { describe, expect, it } from "vitest";
import { PacedQueue } from "../../../src/lib/paced-queue.ts";

function setUp(maxPerTurn: number) {
  const done: number[] = [];
  const queue = new PacedQueue(maxPerTurn);
  const run = (...names: readonly number[]): void => {
    for (const name of names) queue.run(() => done.push(name));
  };
  return { queue, done, run };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe("PacedQueue", () => {
  it("does some at once, and the rest in the turns to come, in order", async () => {
    const { queue, done, run } = setUp(2);
    run(1, 2, 3, 4, 5);
    expect([done, queue.size]).toEqual([[1, 2], 3]);
    await nextTurn();
    expect(done).toEqual([1, 2, 3, 4]);
    run(6, 7);
    await nextTurn();
    expect(done).toEqual([1, 2, 3, 4, 5, 6]);
    await nextTurn();
    expect([done, queue.size]).toEqual([[1, 2, 3, 4, 5, 6, 7], 0]);
  });

  it("begins anew with each turn", async () => {
    const { done, run } = setUp(2);
    run(1, 2);
    await nextTurn();
    run(3, 4, 5);
    expect(done).toEqual([1, 2, 3, 4]);
    await nextTurn();
    await nextTurn();
    run(6, 7);
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("takes what its own work adds", async () => {
    const { queue, done, run } = setUp(1);
    queue.run(() => run(1, 2));
    expect(done).toEqual([]);
    await nextTurn();
    await nextTurn();
    expect(done).toEqual([1, 2]);
  });
});
