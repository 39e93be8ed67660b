import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { StallGuard } from "../../../src/lib/stall-guard.ts";
import { TimerWheel } from "../../../src/lib/timer-wheel.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A sink that takes a chunk only when told to. */
class Gate extends Writable {
  #pending: (() => void) | undefined;

  override _write(_chunk: unknown, _encoding: string, callback: () => void): void {
    this.#pending = callback;
  }

  takeOne(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.();
  }
}

function setUp(timeoutMs = 1000) {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const sink = new Gate();
  let stalls = 0;
  const guard = new StallGuard(sink, wheel, timeoutMs, () => (stalls += 1));
  const write = (bytes: number): void => {
    sink.write(Buffer.alloc(bytes));
    guard.wrote(bytes);
  };
  return { clock, wheel, sink, guard, write, stalls: () => stalls };
}

describe("StallGuard", () => {
  it("tells of a peer that takes nothing for the whole interval", () => {
    const { clock, write, stalls } = setUp();
    write(100);
    clock.advance(900);
    expect(stalls()).toBe(0);
    clock.advance(300);
    expect(stalls()).toBe(1);
  });

  it("leaves a slow peer alone that takes something in each interval, however much is written", () => {
    const { clock, sink, write, stalls } = setUp();
    write(100);
    for (let second = 0; second < 20; second += 1) {
      write(100);
      sink.takeOne();
      clock.advance(900);
    }
    expect(stalls()).toBe(0);
  });

  it("is not fooled by more being written while nothing is taken", () => {
    const { clock, write, stalls } = setUp();
    for (let index = 0; index < 12; index += 1) {
      write(100);
      clock.advance(100);
    }
    expect(stalls()).toBe(1);
  });

  it("costs nothing while the peer keeps up, and nothing once stopped", () => {
    const { wheel, sink, guard, write } = setUp();
    sink.write("x");
    sink.takeOne();
    guard.wrote(1);
    expect(wheel.size).toBe(0);
    write(100);
    expect(wheel.size).toBe(1);
    guard.stop();
    expect(wheel.size).toBe(0);
  });

  it("never stalls with a timeout of 0", () => {
    const { wheel, write } = setUp(0);
    write(100);
    expect(wheel.size).toBe(0);
  });
});
