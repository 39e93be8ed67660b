import { describe, expect, it } from "vitest";
import { StreamStore } from "../../../../src/brokers/memory/stream-store.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const HISTORY = { size: 3, ttlMs: 5000, metaTtlMs: 20_000 };

function createStore(maxUnpublished = 1000): { readonly clock: FakeClock; readonly store: StreamStore } {
  const clock = new FakeClock();
  return { clock, store: new StreamStore(clock, Math.random, maxUnpublished) };
}

describe("StreamStore", () => {
  it("drops the window at the millisecond at which it ends, without a sweep", () => {
    const { clock, store } = createStore();
    store.append("a", "1", HISTORY);
    clock.advance(4999);
    expect(store.find("a")?.count).toBe(1);
    clock.advance(1);
    expect(store.find("a")?.count).toBe(0);
  });

  it("forgets the stream at the millisecond at which its position ends, without a sweep", () => {
    const { clock, store } = createStore();
    store.append("a", "1", HISTORY);
    clock.advance(19_999);
    expect(store.find("a")?.position.offset).toBe(1);
    clock.advance(1);
    expect(store.find("a")).toBeUndefined();
    expect(store.size).toBe(0);
  });

  it("frees windows and streams that nobody asks for", () => {
    const { clock, store } = createStore();
    const stream = store.append("a", "1", HISTORY);
    const sweepFor = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 250) {
        clock.advance(250);
        store.sweep(1000);
      }
    };
    sweepFor(7000);
    expect(stream.count).toBe(0);
    expect(store.size).toBe(1);
    sweepFor(15_000);
    expect(store.size).toBe(0);
  });

  it("frees a window although its channel was only known to be read before", () => {
    const { clock, store } = createStore();
    const stream = store.touch("a", 30 * 86_400_000);
    store.append("a", "1", { ...HISTORY, metaTtlMs: 30 * 86_400_000 });
    clock.advance(7000);
    for (let time = 0; time < 5; time++) store.sweep(1000);
    expect(stream.count).toBe(0);
  });

  it("frees any number of streams, a bounded number at a time", () => {
    const { clock, store } = createStore();
    for (let number = 0; number < 5000; number++) store.append(`channel ${number}`, "1", HISTORY);
    clock.advance(30_000);
    store.sweep(1000);
    expect(store.size).toBe(4000);
    for (let time = 0; time < 4; time++) store.sweep(1000);
    expect(store.size).toBe(0);
  });

  it("keeps a bounded number of streams that strangers begin by reading, and all that were published to", () => {
    const { clock, store } = createStore(100);
    for (let number = 0; number < 100; number++) store.append(`published ${number}`, "1", HISTORY);
    const listened = store.touch("listened to", 20_000);
    for (let number = 0; number < 1000; number++) {
      clock.advance(1);
      store.touch(`made up ${number}`, 20_000);
      expect(store.touch("listened to", 20_000)).toBe(listened);
    }
    expect(store.size).toBe(200);
    expect(store.find("published 0")?.position.offset).toBe(1);
    expect(store.find("made up 901")).toBeDefined();
    expect(store.find("made up 900")).toBeUndefined();
  });

  it("counts a stream no more once it is published to, or forgotten", () => {
    const { clock, store } = createStore(2);
    for (let number = 0; number < 10; number++) {
      store.touch(`read ${number}`, 1000);
      store.append(`read ${number}`, "1", HISTORY);
    }
    expect(store.size).toBe(10);
    store.touch("a", 1000);
    store.touch("b", 1000);
    clock.advance(2000);
    for (let time = 0; time < 5; time++) store.sweep(1000);
    store.touch("c", 10_000);
    store.touch("d", 10_000);
    expect([store.find("c"), store.find("d")]).not.toContain(undefined);
    store.touch("e", 10_000);
    expect(store.find("c")).toBeUndefined();
    store.clear();
    for (const channel of ["a", "b", "c", "d"]) store.touch(channel, 1000);
    expect(store.size).toBe(2);
  });

  it("is empty after clear, and begins anew", () => {
    const { store } = createStore();
    const { epoch } = store.append("a", "1", HISTORY);
    store.clear();
    expect(store.size).toBe(0);
    expect(store.touch("a", 1000).epoch).not.toBe(epoch);
  });
});
