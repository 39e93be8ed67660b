import { describe, expect, it } from "vitest";
import { LiveValue } from "../../../src/core/live.ts";
import { ConnectionGate } from "../../../src/http/connection-gate.ts";
import { FakeClock } from "../../support/fake-clock.ts";

describe("ConnectionGate", () => {
  it("uni 56: refuses while there are as many connections as the limit", () => {
    let count = 0;
    const options = {
      limits: new LiveValue({ connectionLimit: 2, connectionRateLimit: 0 }),
      connectionCount: () => count,
      clock: new FakeClock(),
    };
    const gate = new ConnectionGate(options);
    expect(gate.admits()).toBe(true);
    count = 2;
    expect(gate.admits()).toBe(false);
    count = 1;
    expect(gate.admits()).toBe(true);
  });

  it("uni 57: admits as many a second as the rate, and as many at once", () => {
    const clock = new FakeClock();
    const gate = new ConnectionGate({
      limits: new LiveValue({ connectionLimit: 0, connectionRateLimit: 2 }),
      connectionCount: () => 0,
      clock,
    });
    expect([gate.admits(), gate.admits(), gate.admits()]).toEqual([true, true, false]);
    clock.advance(500);
    expect([gate.admits(), gate.admits()]).toEqual([true, false]);
    clock.advance(60_000);
    expect([gate.admits(), gate.admits(), gate.admits()]).toEqual([true, true, false]);
  });

  it("a rate that a reload sets holds at once, and one that it raises is filled up", () => {
    const clock = new FakeClock();
    const limits = new LiveValue({ connectionLimit: 0, connectionRateLimit: 0 });
    const gate = new ConnectionGate({ limits, connectionCount: () => 0, clock });
    expect([gate.admits(), gate.admits(), gate.admits()]).toEqual([true, true, true]);
    limits.set({ connectionLimit: 0, connectionRateLimit: 1 });
    expect([gate.admits(), gate.admits()]).toEqual([true, false]);
    limits.set({ connectionLimit: 0, connectionRateLimit: 4 });
    clock.advance(1000);
    expect(Array.from({ length: 5 }, () => gate.admits())).toEqual([true, true, true, true, false]);
  });
});
