import { describe, expect, it } from "vitest";
import { TimerWheel } from "../../../../../src/lib/timer-wheel.ts";
import { DelayLine } from "../../../../../src/protocols/pusher/webhooks/delay-line.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";

interface Setup {
  readonly clock: FakeClock;
  readonly wheel: TimerWheel;
  readonly line: DelayLine<number>;
  readonly released: string[];
}

function lineOf(maxWaiting = 100): Setup {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock, 50);
  const released: string[] = [];
  const release = (item: number, key: string): void => {
    released.push(`${key}${item} at ${clock.monotonicMs()}`);
  };
  return {
    clock,
    wheel,
    released,
    line: new DelayLine({ clock, wheel, delayMs: 1000, maxWaiting, release }),
  };
}

describe("DelayLine", () => {
  it("releases each item after the delay, in the order in which they came", () => {
    const { clock, line, released } = lineOf();
    line.add("a", 1);
    line.add("b", 1);
    clock.advance(500);
    line.add("c", 1);
    line.add("a", 2);
    clock.advance(2000);
    expect(released).toEqual(["b1 at 1000", "c1 at 1500", "a2 at 1500"]);
  });

  it("forgets what is taken back, and goes on with the rest", () => {
    const { clock, wheel, line, released } = lineOf();
    line.add("a", 1);
    clock.advance(500);
    line.add("b", 1);
    expect([line.takeBack("a"), line.takeBack("a")]).toEqual([true, false]);
    clock.advance(2000);
    expect(released).toEqual(["b1 at 1500"]);
    line.add("c", 1);
    line.takeBack("c");
    clock.advance(500);
    line.add("d", 1);
    clock.advance(2000);
    expect(released.slice(1)).toEqual(["d1 at 4000"]);
    expect(wheel.size).toBe(0);
  });

  it("releases the oldest early where too many wait", () => {
    const { clock, line, released } = lineOf(2);
    for (const key of ["a", "b", "c", "d"]) line.add(key, 1);
    expect(released).toEqual(["a1 at 0", "b1 at 0"]);
    clock.advance(1000);
    expect(released.slice(2)).toEqual(["c1 at 1000", "d1 at 1000"]);
  });
});
