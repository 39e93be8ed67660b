import { describe, expect, it } from "vitest";
import { IdempotencyCache } from "../../../../src/brokers/memory/idempotency-cache.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const FIRST = { offset: 1, epoch: "e" };
const SECOND = { offset: 2, epoch: "e" };

function createCache(maxEntries = 100): { readonly clock: FakeClock; readonly cache: IdempotencyCache } {
  const clock = new FakeClock();
  return { clock, cache: new IdempotencyCache(clock, 1000, maxEntries) };
}

describe("IdempotencyCache", () => {
  it("finds a key until its time is over", () => {
    const { clock, cache } = createCache();
    cache.remember("a", "k", FIRST);
    clock.advance(999);
    expect(cache.find("a", "k")).toEqual(FIRST);
    clock.advance(1);
    expect(cache.find("a", "k")).toBeUndefined();
  });

  it("forgets the oldest keys when there are too many", () => {
    const { cache } = createCache(3);
    for (const key of ["1", "2", "3", "4", "5"]) cache.remember("a", key, FIRST);
    expect(cache.size).toBe(3);
    expect(["1", "2", "3", "4", "5"].map((key) => cache.find("a", key) !== undefined)).toEqual([
      ...[false, false],
      ...[true, true, true],
    ]);
  });

  it("frees what has expired, a bounded number at a time", () => {
    const { clock, cache } = createCache();
    for (let number = 0; number < 50; number++) cache.remember("a", `${number}`, FIRST);
    cache.sweep(100);
    expect(cache.size).toBe(50);
    clock.advance(500);
    cache.remember("a", "later", FIRST);
    clock.advance(500);
    cache.sweep(20);
    expect(cache.size).toBe(31);
    cache.sweep(100);
    expect(cache.size).toBe(1);
    expect(cache.find("a", "later")).toEqual(FIRST);
  });

  it("keeps a key that was used again before its first use was swept", () => {
    const { clock, cache } = createCache();
    cache.remember("a", "k", FIRST);
    clock.advance(1000);
    cache.remember("a", "k", SECOND);
    cache.sweep(100);
    expect(cache.find("a", "k")).toEqual(SECOND);
    clock.advance(1000);
    cache.sweep(100);
    expect(cache.size).toBe(0);
  });

  it("is empty after clear", () => {
    const { cache } = createCache();
    cache.remember("a", "k", FIRST);
    cache.clear();
    expect(cache.find("a", "k")).toBeUndefined();
    cache.remember("a", "l", SECOND);
    expect(cache.find("a", "l")).toEqual(SECOND);
  });
});
