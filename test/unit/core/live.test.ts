import { expect, it } from "vitest";
import { derive, LiveValue, memberOf } from "../../../src/core/live.ts";

it("what is derived follows its source, and is made once for each value", () => {
  const source = new LiveValue({ limit: 1 });
  const made: number[] = [];
  const doubled = derive(source, ({ limit }) => {
    made.push(limit);
    return { limit: 2 * limit };
  });
  expect(made).toEqual([]);
  const first = doubled.get();
  expect([first.limit, doubled.get() === first]).toEqual([2, true]);
  source.set({ limit: 3 });
  expect([doubled.get().limit, doubled.get().limit]).toEqual([6, 6]);
  expect(made).toEqual([1, 3]);
});

it("what is derived of a member follows, too", () => {
  const source = new LiveValue({ inner: { limit: 1 } });
  const limit = derive(memberOf(source, "inner"), (inner) => inner.limit);
  expect(limit.get()).toBe(1);
  source.set({ inner: { limit: 5 } });
  expect(limit.get()).toBe(5);
});
