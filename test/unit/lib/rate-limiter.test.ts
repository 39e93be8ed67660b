import { describe, expect, it } from "vitest";
import { RateLimiter, RateWindow } from "../../../src/lib/rate-limiter.ts";
import { FakeClock } from "../../support/fake-clock.ts";

describe("RateWindow", () => {
  it("grants so many points until its window ends", () => {
    const window = new RateWindow();
    expect([0, 1, 2].map((now) => window.take(now, 2, 1000))).toEqual([true, true, false]);
    expect(window.take(999, 2, 1000)).toBe(false);
    expect([1000, 1001, 1002].map((now) => window.take(now, 2, 1000))).toEqual([true, true, false]);
  });

  it("takes nothing for what it refuses", () => {
    const window = new RateWindow();
    expect([2, 2, 1].map((points) => window.take(0, 3, 1000, points))).toEqual([true, false, true]);
  });

  it("has no limit at 0", () => {
    const window = new RateWindow();
    expect(window.take(0, 0, 1000, 1_000_000)).toBe(true);
  });
});

describe("RateLimiter", () => {
  function createLimiter(max: number, maxKeys = 100) {
    const clock = new FakeClock();
    const limiter = new RateLimiter({ clock, maxKeys, limit: () => ({ max, windowMs: 2500 }) });
    return { clock, limiter };
  }

  it("tells what is left, and when to come back", () => {
    const { clock, limiter } = createLimiter(3);
    expect(limiter.take("a")).toEqual({ allowed: true, max: 3, remaining: 2, retryAfterSec: 0 });
    clock.advance(1000);
    expect(limiter.take("a", 2)).toEqual({ allowed: true, max: 3, remaining: 0, retryAfterSec: 0 });
    expect(limiter.take("a")).toEqual({ allowed: false, max: 3, remaining: 0, retryAfterSec: 2 });
    clock.advance(1500);
    expect(limiter.take("a")).toEqual({ allowed: true, max: 3, remaining: 2, retryAfterSec: 0 });
  });

  it("counts each key by itself, by the limit of the key", () => {
    const limits: Readonly<Record<string, number>> = { a: 1, b: 2, c: 0 };
    const limit = (key: string) => ({ max: limits[key] ?? 0, windowMs: 1000 });
    const limiter = new RateLimiter({ clock: new FakeClock(), maxKeys: 10, limit });
    const allowed = ["a", "a", "b", "b", "b", "c", "c"].map((key) => limiter.take(key).allowed);
    expect(allowed).toEqual([true, false, true, true, false, true, true]);
  });

  it("forgets the key whose window opened first when there are too many", () => {
    const { limiter } = createLimiter(1, 2);
    for (const key of ["a", "b", "c"]) expect(limiter.take(key).allowed).toBe(true);
    expect(limiter.size).toBe(2);
    expect(limiter.take("c").allowed).toBe(false);
    expect(limiter.take("b").allowed).toBe(false);
    expect(limiter.take("a").allowed).toBe(true);
  });

  it("keeps no keys whose window has ended, once others come", () => {
    const { clock, limiter } = createLimiter(1);
    for (const key of ["a", "b", "c"]) limiter.take(key);
    clock.advance(2500);
    limiter.take("d");
    expect(limiter.size).toBe(1);
  });
});
