import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryLimits } from "../../../src/brokers/memory/memory-limits.ts";
import { LimitsHub, type LimitsMember } from "../../../src/workers/limits-hub.ts";

const DEAF = { takenElsewhere: () => undefined, sessionsElsewhere: () => undefined };

/** Whether a process has caught up by now, if time does not pass. */
async function hasIn(turns: number, caughtUp: Promise<void>): Promise<boolean> {
  let has = false;
  void caughtUp.then(() => (has = true));
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
  return has;
}

describe("processes that catch up", () => {
  let one: LimitsMember;
  let two: LimitsMember;

  beforeEach(() => {
    const hub = new LimitsHub(new MemoryLimits());
    [one, two] = [hub.join(DEAF), hub.join(DEAF)];
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => vi.useRealTimers());

  it("wait for the one whose turn it is", async () => {
    await one.catchUp();
    const waiting = two.catchUp();
    expect(await hasIn(20, waiting)).toBe(false);
    one.endTurn();
    expect(await hasIn(20, waiting)).toBe(true);
  });

  it("do not wait for one that dies", async () => {
    await one.catchUp();
    const waiting = two.catchUp();
    one.leave();
    expect(await hasIn(20, waiting)).toBe(true);
  });

  it("do not wait long for one that hangs, whose turns still end in order", async () => {
    await one.catchUp();
    const waiting = two.catchUp();
    await vi.advanceTimersByTimeAsync(1000);
    expect(await hasIn(20, waiting)).toBe(true);
    const again = one.catchUp();
    // Of the turn that it has lost.
    one.endTurn();
    expect(await hasIn(20, again)).toBe(false);
    two.endTurn();
    expect(await hasIn(20, again)).toBe(true);
    const last = two.catchUp();
    expect(await hasIn(20, last)).toBe(false);
    one.endTurn();
    expect(await hasIn(20, last)).toBe(true);
  });
});
