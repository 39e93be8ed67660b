import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ObservedApp } from "./observed-app.ts";

const NEWS = "shop:news";

function countingApp(): ObservedApp {
  return new ObservedApp({ enable_subscription_count: true });
}

describe("subscription counts", () => {
  it("pusher 54: channel and backend are told of each change", async () => {
    const app = countingApp();
    await app.subscribe(NEWS, 1);
    await app.subscribe(NEWS, 2);
    await app.subscribe(NEWS, 1);
    expect(app.notices).toEqual(["shop:news 1", "shop:news 2", "shop:news 1"]);
    expect(app.told).toEqual([
      "subscription_count news 1",
      "subscription_count news 2",
      "subscription_count news 1",
    ]);
  });

  it("pusher 54: never in presence channels, nor where it is not enabled, nor in channels of nobody's", async () => {
    const app = countingApp();
    for (const channel of ["shop:presence-a", "shop:presence-cache-a", "shop:#42", "shop:#!42", "news"]) {
      await app.subscribe(channel, 1);
    }
    app.configure({ enable_subscription_count: false });
    await app.subscribe(NEWS, 1);
    expect(app.notices).toEqual([]);
    expect(app.told).toEqual([]);
  });

  it("are told once for all changes of a turn", async () => {
    const app = countingApp();
    app.events.onSubscribersChanged(NEWS);
    app.events.onSubscribersChanged("shop:other");
    app.subscribers.set("shop:other", 7);
    await app.subscribe(NEWS, 50);
    expect(app.notices).toEqual(["shop:news 50", "shop:other 7"]);
  });

  it("nobody is left to be told of the last one's leaving but the backend", async () => {
    const app = countingApp();
    await app.subscribe(NEWS, 0);
    expect(app.notices).toEqual([]);
    expect(app.told).toEqual(["subscription_count news 0"]);
  });

  it("of more than a hundred are told at most once in five seconds, the last one always", async () => {
    const app = countingApp();
    await app.subscribe(NEWS, 100);
    await app.subscribe(NEWS, 101);
    await app.subscribe(NEWS, 102);
    await app.subscribe(NEWS, 103);
    await app.subscribe("shop:small", 3);
    expect(app.notices).toEqual(["shop:news 100", "shop:news 101", "shop:small 3"]);
    await app.advance(4900);
    expect(app.notices).toHaveLength(3);
    await app.advance(200);
    expect(app.notices.slice(3)).toEqual(["shop:news 103"]);
    await app.subscribe(NEWS, 40);
    await app.advance(5100);
    expect(app.notices.slice(4)).toEqual(["shop:news 40"]);
    await app.subscribe(NEWS, 41);
    expect(app.notices.slice(5)).toEqual(["shop:news 41"]);
    expect(app.wheel.size).toBe(0);
  });

  it("are forgotten when a large channel has come to rest", async () => {
    const app = countingApp();
    await app.subscribe(NEWS, 1000);
    await app.advance(60_000);
    expect(app.notices).toEqual(["shop:news 1000"]);
    expect(app.wheel.size).toBe(0);
  });

  it("of one channel are told one after the other, and those of slow ones together", async () => {
    const app = countingApp();
    const slow = Promise.withResolvers<void>();
    app.sending = slow.promise;
    await app.subscribe(NEWS, 1);
    await app.subscribe(NEWS, 2);
    await app.subscribe(NEWS, 3);
    expect(app.notices).toEqual(["shop:news 1"]);
    slow.resolve();
    await setImmediate();
    expect(app.notices).toEqual(["shop:news 1", "shop:news 3"]);
  });

  it("go on after one that could not be told", async () => {
    const app = countingApp();
    app.events.onSubscribersChanged(NEWS);
    await setImmediate();
    await app.subscribe(NEWS, 2);
    expect(app.notices).toEqual(["shop:news 2"]);
  });
});
