import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimerWheel, WheelTimer } from "../../../src/lib/timer-wheel.ts";
import { FakeClock } from "../../support/fake-clock.ts";

class Probe extends WheelTimer {
  readonly firedAtMs: number[] = [];
  readonly #clock: FakeClock;
  readonly #then: (() => void) | undefined;

  constructor(clock: FakeClock, then?: () => void) {
    super();
    this.#clock = clock;
    this.#then = then;
  }

  override onDue(): void {
    this.firedAtMs.push(this.#clock.monotonicMs());
    this.#then?.();
  }
}

describe("TimerWheel", () => {
  it("fires never early and at most a tick and a half late", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 50 }),
        (delays) => {
          const clock = new FakeClock();
          const wheel = new TimerWheel(clock, 50);
          const probes = delays.map((delayMs) => {
            const probe = new Probe(clock);
            wheel.schedule(probe, delayMs);
            return probe;
          });
          clock.advance(1_000_200);
          for (const [index, probe] of probes.entries()) {
            const delay = delays[index] ?? 0;
            expect(probe.firedAtMs).toHaveLength(1);
            expect(probe.firedAtMs[0]).toBeGreaterThanOrEqual(delay);
            expect(probe.firedAtMs[0]).toBeLessThanOrEqual(delay + 100);
          }
          expect(wheel.size).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("keeps only the latest time of a timer that is scheduled again", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock, 50);
    const probe = new Probe(clock);
    wheel.schedule(probe, 100);
    wheel.schedule(probe, 1000);
    clock.advance(900);
    expect(probe.firedAtMs).toEqual([]);
    clock.advance(200);
    expect(probe.firedAtMs).toHaveLength(1);
  });

  it("does not fire what was cancelled, even by a timer of the same slot", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock, 50);
    const victims = [new Probe(clock), new Probe(clock)];
    const killer = new Probe(clock, () => victims.forEach((victim) => wheel.cancel(victim)));
    for (const victim of victims) wheel.schedule(victim, 200);
    wheel.schedule(killer, 200);
    clock.advance(1000);
    expect(killer.firedAtMs).toHaveLength(1);
    expect(victims.flatMap((victim) => victim.firedAtMs)).toEqual([]);
  });

  it("lets a timer schedule itself again", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock, 50);
    const probe: Probe = new Probe(clock, () => wheel.schedule(probe, 1000));
    wheel.schedule(probe, 1000);
    clock.advance(10_500);
    expect(probe.firedAtMs.length).toBeGreaterThanOrEqual(9);
  });

  it("catches up after a pause longer than a turn of the wheel", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock, 1);
    const soon = new Probe(clock);
    const far = new Probe(clock);
    wheel.schedule(soon, 10);
    wheel.schedule(far, 60_000);
    clock.advance(30_000);
    expect([soon.firedAtMs.length, far.firedAtMs.length]).toEqual([1, 0]);
    clock.advance(31_000);
    expect(far.firedAtMs).toHaveLength(1);
  });

  it("ticks only while something is scheduled", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock, 50);
    expect(clock.isTicking).toBe(false);
    wheel.schedule(new Probe(clock), 100);
    expect(clock.isTicking).toBe(true);
    clock.advance(500);
    expect(clock.isTicking).toBe(false);
  });
});
