import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { waitForLeave } from "../../../src/lib/leave-timeout.ts";

const NEVER = new Promise(() => undefined);
const NO_DEADLINE = new AbortController().signal;

describe("waitForLeave", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => vi.useRealTimers());

  it.each([
    ["the last client leaves", { gone: Promise.resolve(), deadline: NO_DEADLINE }],
    ["the deadline has passed", { gone: NEVER, deadline: AbortSignal.abort() }],
  ])("is over at once where %s, whatever is worked on", async (_name, options) => {
    await waitForLeave({ ...options, isWorking: () => true });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is over at the deadline", async () => {
    const deadline = new AbortController();
    const waiting = waitForLeave({ gone: NEVER, deadline: deadline.signal, isWorking: () => true });
    deadline.abort();
    await waiting;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives clients five seconds, and more as long as something is worked on for them", async () => {
    let isWorking = true;
    let isOver = false;
    const waiting = waitForLeave({ gone: NEVER, deadline: NO_DEADLINE, isWorking: () => isWorking }).then(
      () => (isOver = true),
    );
    await vi.advanceTimersByTimeAsync(60_000);
    expect(isOver).toBe(false);
    isWorking = false;
    await vi.advanceTimersByTimeAsync(4999);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
  });
});
