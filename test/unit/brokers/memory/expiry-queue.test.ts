import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Expiring, ExpiryQueue } from "../../../../src/brokers/memory/expiry-queue.ts";

const TICK_MS = 1000;

class Probe implements Expiring<Probe> {
  previous: Probe | undefined = undefined;
  next: Probe | undefined = undefined;
  list = -1;
  dueTick = 0;
  untilMs: number;
  looks = 0;
  endedAtMs = -1;

  constructor(untilMs: number) {
    this.untilMs = untilMs;
  }

  /** What a store does: whose time has not come is looked at again. */
  onDue(nowMs: number): number | undefined {
    this.looks += 1;
    if (nowMs < this.untilMs) return this.untilMs;
    this.endedAtMs = nowMs;
    return undefined;
  }
}

function createQueue(): ExpiryQueue<Probe> {
  return new ExpiryQueue<Probe>((probe, nowMs) => probe.onDue(nowMs));
}

const DAY_MS = 86_400_000;

describe("ExpiryQueue", () => {
  it("notices every deadline within two ticks, and never early", () => {
    const delays = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(delays, fc.nat(5000), (delaysMs, startMs) => {
        const queue = createQueue();
        const probes = delaysMs.map((delayMs) => new Probe(startMs + delayMs));
        for (const probe of probes) queue.schedule(probe, probe.untilMs, startMs);
        for (let nowMs = startMs; nowMs <= startMs + 103_000; nowMs += 250) queue.sweep(nowMs, 1000);
        for (const { endedAtMs, untilMs } of probes) {
          expect(endedAtMs).toBeGreaterThanOrEqual(untilMs);
          expect(endedAtMs).toBeLessThanOrEqual(untilMs + 2 * TICK_MS);
        }
        expect(queue.size).toBe(0);
      }),
    );
  });

  it("looks at a deadline of weeks a few times only", () => {
    const queue = createQueue();
    const untilMs = 90 * DAY_MS;
    const probe = new Probe(untilMs);
    queue.schedule(probe, untilMs, 0);
    for (let nowMs = 0; nowMs <= untilMs + 2 * TICK_MS; nowMs += TICK_MS) queue.sweep(nowMs, 1000);
    expect(probe.endedAtMs).toBeGreaterThanOrEqual(untilMs);
    expect(probe.looks).toBeLessThan(30);
  });

  it("needs no rescheduling for deadlines that move away", () => {
    const queue = createQueue();
    const probe = new Probe(8000);
    queue.schedule(probe, probe.untilMs, 0);
    for (let nowMs = 0; nowMs < 60_000; nowMs += 250) {
      probe.untilMs = nowMs + 8000;
      queue.schedule(probe, probe.untilMs, nowMs);
      queue.sweep(nowMs, 1000);
    }
    expect(probe.endedAtMs).toBe(-1);
    expect(probe.looks).toBeLessThan(12);
  });

  it("takes a deadline that moves closer", () => {
    const queue = createQueue();
    const probe = new Probe(30 * DAY_MS);
    queue.schedule(probe, probe.untilMs, 0);
    probe.untilMs = 5000;
    queue.schedule(probe, probe.untilMs, 1000);
    for (let nowMs = 1000; nowMs <= 7000; nowMs += 250) queue.sweep(nowMs, 1000);
    expect(probe.endedAtMs).toBeGreaterThanOrEqual(5000);
    expect(queue.size).toBe(0);
  });

  it("does a bounded amount of work at a time, and all of it in the end", () => {
    const queue = createQueue();
    const probes = Array.from({ length: 1000 }, () => new Probe(1000));
    for (const probe of probes) queue.schedule(probe, probe.untilMs, 0);
    queue.sweep(5000, 300);
    expect(queue.size).toBe(700);
    for (let time = 0; time < 3; time++) queue.sweep(5000, 300);
    expect(queue.size).toBe(0);
    expect(probes.every(({ endedAtMs }) => endedAtMs === 5000)).toBe(true);
  });

  it("forgets what was cancelled, wherever in its list it stood", () => {
    const subset = fc.array(fc.boolean(), { maxLength: 20 });
    fc.assert(
      fc.property(subset, (cancelled) => {
        const queue = createQueue();
        const probes = cancelled.map(() => new Probe(1000));
        for (const probe of probes) queue.schedule(probe, probe.untilMs, 0);
        for (const [index, probe] of probes.entries()) if (cancelled[index] === true) queue.cancel(probe);
        for (const [index, probe] of probes.entries()) if (cancelled[index] === true) queue.cancel(probe);
        queue.sweep(5000, 1000);
        expect(probes.map(({ endedAtMs }) => endedAtMs === -1)).toEqual(cancelled);
        expect(queue.size).toBe(0);
      }),
    );
  });

  it("forgets everything when cleared", () => {
    const queue = createQueue();
    const probe = new Probe(0);
    queue.schedule(probe, 0, 0);
    queue.clear();
    queue.sweep(5000, 1000);
    expect(probe.looks).toBe(0);
    expect(queue.size).toBe(0);
  });
});
