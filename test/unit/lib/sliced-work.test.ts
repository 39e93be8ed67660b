import { expect, it } from "vitest";
import { SlicedWork } from "../../../src/lib/sliced-work.ts";

/** Work of which each item takes a millisecond, in slices of `sliceMs`. */
function setUp(sliceMs: number): { work: SlicedWork; takeOneMs: () => void } {
  let nowMs = 0;
  return {
    work: new SlicedWork({ nowMs: () => nowMs, sliceMs }),
    takeOneMs: () => {
      nowMs += 1;
    },
  };
}

function range(length: number): number[] {
  return Array.from({ length }, (_, at) => at);
}

it("everything else has its turn between slices", async () => {
  const { work, takeOneMs } = setUp(5);
  const visited: number[] = [];
  const seenBetween: number[] = [];
  let isOver = false;
  const look = (): void => {
    seenBetween.push(visited.length);
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await work.visit(range(20), (item) => {
    visited.push(item);
    takeOneMs();
    return true;
  });
  isOver = true;
  expect(visited).toEqual(range(20));
  expect(seenBetween).toEqual(expect.arrayContaining([5, 10, 15]));
});

it("several loops share the turns: one slice in each", async () => {
  const { work, takeOneMs } = setUp(2);
  let inThisTurn = new Set<string>();
  const turns: number[] = [];
  let isOver = false;
  const look = (): void => {
    turns.push(inThisTurn.size);
    inThisTurn = new Set();
    if (!isOver) setImmediate(look);
  };
  const loop = (name: string): Promise<void> =>
    work.visit(range(10), () => {
      inThisTurn.add(name);
      takeOneMs();
      return true;
    });
  const loops = ["a", "b", "c"].map(loop);
  setImmediate(look);
  await Promise.all(loops);
  isOver = true;
  expect(Math.max(...turns)).toBe(1);
});

it("ends when the visitor says so, and when the signal aborts", async () => {
  const { work, takeOneMs } = setUp(2);
  const visited: number[] = [];
  await work.visit(range(10), (item) => {
    visited.push(item);
    return item < 3;
  });
  expect(visited).toEqual([0, 1, 2, 3]);
  const controller = new AbortController();
  const reason = new Error("enough");
  const visiting = work.visit(
    range(10),
    (item) => {
      takeOneMs();
      if (item === 1) controller.abort(reason);
      return item < 9;
    },
    controller.signal,
  );
  await expect(visiting).rejects.toBe(reason);
});

it("sees what leaves the source meanwhile", async () => {
  const { work, takeOneMs } = setUp(1);
  const source = new Map(range(6).map((item) => [item, item]));
  const visited: number[] = [];
  await work.visit(source.values(), (item) => {
    visited.push(item);
    takeOneMs();
    source.delete(item + 1);
    return true;
  });
  expect(visited).toEqual([0, 2, 4]);
});
