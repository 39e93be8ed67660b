import { describe, expect, it } from "vitest";
import type { PusherApp } from "../../../../../src/protocols/pusher/app.ts";
import { sign } from "../../../../../src/protocols/pusher/signature.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { appWith, appWithWebhook, eventsIn, TestDelivery, TICK_MS } from "./delivery.ts";

/** The default of `batch_delay`, and the tick that a timer may be late. */
const BATCH_MS = 50 + TICK_MS;

function occupy({ webhooks }: TestDelivery, app: PusherApp, ...channels: readonly string[]): void {
  for (const channel of channels) webhooks.emit(app, { name: "channel_occupied", channel });
}

function sendData({ webhooks }: TestDelivery, app: PusherApp, channel: string, length: number): void {
  const data = "x".repeat(length);
  webhooks.emit(app, { name: "client_event", channel, event: "client-a", data, socket_id: "1.1" });
}

/** Key and URL of each request, in no order. */
function addressees({ posts }: TestDelivery): string[] {
  return posts.map(({ request }) => `${request.headers["x-pusher-key"]} at ${request.url}`).toSorted();
}

describe("webhooks", () => {
  it("pusher 86: a request is JSON with the time and the events, signed with the app's secret", async () => {
    const delivery = new TestDelivery();
    occupy(delivery, appWithWebhook({ headers: { "X-Team": "7", "Content-Type": "text/plain" } }), "a");
    await delivery.advance(BATCH_MS);
    const [post] = delivery.posts;
    const timeMs = FakeClock.START_WALL_MS + delivery.clock.monotonicMs();
    const text = `{"time_ms":${timeMs},"events":[{"name":"channel_occupied","channel":"a"}]}`;
    expect(Buffer.from(post?.request.body ?? []).toString()).toBe(text);
    expect(post?.request.headers).toEqual({
      "content-type": "application/json",
      "x-pusher-key": "shop-key",
      "x-pusher-signature": sign("shop-secret", text),
      "x-team": "7",
    });
  });

  it("go along with those that follow within the delay", async () => {
    const delivery = new TestDelivery({ batch_delay: 1000 });
    const app = appWithWebhook();
    occupy(delivery, app, "a");
    await delivery.advance(900);
    occupy(delivery, app, "b");
    expect(delivery.posts).toEqual([]);
    await delivery.advance(100 + TICK_MS);
    expect(delivery.told).toEqual([["a", "b"]]);
  });

  it("do not wait once a batch is full", async () => {
    const delivery = new TestDelivery({ batch_size: 2 });
    occupy(delivery, appWithWebhook(), "a", "b", "c");
    await delivery.advance(0);
    expect(delivery.told).toEqual([["a", "b"]]);
  });

  it("do not go along with more data than a MiB", async () => {
    const delivery = new TestDelivery();
    const app = appWithWebhook();
    for (const [channel, kib] of [
      ["a", 600],
      ["b", 600],
      ["c", 424],
      ["d", 2000],
    ] as const) {
      sendData(delivery, app, channel, kib * 1024);
    }
    await delivery.advance(BATCH_MS);
    await delivery.answer(200);
    await delivery.answer(200);
    expect(delivery.told).toEqual([["a"], ["b", "c"], ["d"]]);
  });

  it("keep their order: an endpoint has one request at a time, and what comes meanwhile is batched", async () => {
    const delivery = new TestDelivery({ batch_size: 3 });
    const app = appWithWebhook();
    occupy(delivery, app, "a");
    await delivery.advance(BATCH_MS);
    occupy(delivery, app, "b", "c", "d", "e");
    await delivery.advance(10_000);
    expect(delivery.told).toEqual([["a"]]);
    await delivery.answer(200);
    expect(delivery.told).toEqual([["a"], ["b", "c", "d"]]);
    await delivery.answer(204);
    expect(delivery.told.at(-1)).toEqual(["e"]);
    await delivery.answer(200);
    expect(delivery.posts).toHaveLength(3);
    expect(delivery.wheel.size).toBe(0);
  });

  it("of one endpoint do not wait for another", async () => {
    const delivery = new TestDelivery();
    const app = appWith({ webhooks: [{ url: "http://a.example" }, { url: "http://b.example" }] });
    const other = appWith({ id: "other", key: "o", webhooks: [{ url: "http://a.example" }] });
    occupy(delivery, app, "a");
    occupy(delivery, other, "b");
    await delivery.advance(BATCH_MS);
    expect(addressees(delivery)).toEqual([
      "o at http://a.example",
      "shop-key at http://a.example",
      "shop-key at http://b.example",
    ]);
  });

  it("pusher 91: a filtered endpoint gets what it asked for, signed as it is sent", async () => {
    const delivery = new TestDelivery();
    const app = appWithWebhook({
      event_types: ["channel_occupied", "cache_miss"],
      filter: { channel_prefix: "cache-", channel_suffix: "-x" },
    });
    const { webhooks } = delivery;
    occupy(delivery, app, "cache-1-x", "cache-1-y", "public-x");
    webhooks.emit(app, { name: "channel_vacated", channel: "cache-1-x" });
    webhooks.emit(app, { name: "cache_miss", channel: "cache-2-x" });
    await delivery.advance(BATCH_MS);
    const [post] = delivery.posts;
    if (post === undefined) throw new Error("nothing was posted");
    expect(eventsIn(post.request)).toEqual([
      { name: "channel_occupied", channel: "cache-1-x" },
      { name: "cache_miss", channel: "cache-2-x" },
    ]);
    expect(post.request.headers["x-pusher-signature"]).toBe(sign("shop-secret", post.request.body));
  });

  it("cost an app without endpoints nothing", () => {
    const delivery = new TestDelivery();
    occupy(delivery, appWith(), "a");
    occupy(delivery, appWithWebhook({ event_types: ["cache_miss"] }), "a");
    expect(delivery.wheel.size).toBe(0);
  });

  it("are sent as their app was configured when they were emitted", async () => {
    const delivery = new TestDelivery();
    occupy(delivery, appWithWebhook(), "before");
    occupy(delivery, appWith({ key: "new-key", webhooks: [{ url: "http://new.example" }] }), "after");
    await delivery.advance(BATCH_MS);
    expect(addressees(delivery)).toEqual([
      "new-key at http://new.example",
      "shop-key at http://hooks.example/a",
    ]);
  });
});

describe("failing webhooks", () => {
  it("pusher 90: HTTP 500 then 200: the same request is made again, and then no more", async () => {
    const delivery = new TestDelivery();
    occupy(delivery, appWithWebhook(), "a");
    await delivery.advance(BATCH_MS);
    await delivery.answer(500);
    expect(delivery.posts).toHaveLength(1);
    await delivery.advance(1000 + TICK_MS);
    expect(delivery.posts[1]?.request).toEqual(delivery.posts[0]?.request);
    await delivery.answer(200);
    await delivery.advance(400_000);
    expect(delivery.posts).toHaveLength(2);
    expect(delivery.log).toEqual(["webhook endpoint fails", "webhook endpoint answers again"]);
  });

  it.each([199, 301, 304, 307, 400, 404, 410, 500, 503])("are repeated after status %i", async (status) => {
    const delivery = new TestDelivery();
    occupy(delivery, appWithWebhook(), "a");
    await delivery.advance(BATCH_MS);
    await delivery.answer(status);
    await delivery.advance(1000 + TICK_MS);
    expect(delivery.told).toEqual([["a"], ["a"]]);
  });

  it("are repeated after 1 s, 2 s, 4 s, up to the longest delay, and given up in the end", async () => {
    const delivery = new TestDelivery({ retry_max_delay: 5000, retry_timeout: 20_000 });
    const app = appWithWebhook();
    occupy(delivery, app, "a");
    await delivery.advance(BATCH_MS);
    occupy(delivery, app, "b");
    for (const delayMs of [1000, 2000, 4000, 5000, 5000]) {
      await delivery.fail();
      const count = delivery.posts.length;
      await delivery.advance(delayMs - 1);
      expect(delivery.posts).toHaveLength(count);
      await delivery.advance(1 + TICK_MS);
      expect(delivery.posts).toHaveLength(count + 1);
    }
    await delivery.fail();
    // The next has its own time, and begins at once.
    expect(delivery.told).toEqual([["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["b"]]);
    await delivery.answer(200);
    expect(delivery.log).toEqual([
      "webhook endpoint fails",
      "webhook given up: 1",
      "webhook endpoint answers again",
    ]);
  });

  it("are dropped where too many wait, which is logged once, and how many in the end", async () => {
    const delivery = new TestDelivery({ queue_max_events: 2 });
    const app = appWithWebhook();
    occupy(delivery, app, "a");
    await delivery.advance(BATCH_MS);
    occupy(delivery, app, "b", "c", "d", "e", "f");
    expect(delivery.log).toEqual(["webhook queue is full, events are dropped"]);
    await delivery.answer(200);
    await delivery.answer(200);
    expect(delivery.told).toEqual([["a"], ["b", "c"]]);
    expect(delivery.log.slice(1)).toEqual(["webhook events dropped: 3"]);
  });

  it("are dropped where their data would take too much memory", async () => {
    const delivery = new TestDelivery();
    const app = appWithWebhook();
    for (let count = 0; count < 10; count++) sendData(delivery, app, `${count}`, 8 << 20);
    await delivery.webhooks.close(AbortSignal.abort());
    expect(delivery.log).toEqual([
      "webhook queue is full, events are dropped",
      "webhook given up: 8",
      "webhook events dropped: 2",
    ]);
  });

  it("are logged without what they say, and without secrets of the address", async () => {
    const delivery = new TestDelivery();
    const app = appWithWebhook({ url: "http://user:pw@hooks.example/a?token=t" });
    occupy(delivery, app, "a");
    await delivery.advance(BATCH_MS);
    await delivery.fail();
    expect(delivery.logFields).toEqual([
      { app: "shop", endpoint: "http://hooks.example/a", err: new Error("connect ECONNREFUSED") },
    ]);
    expect(delivery.posts[0]?.request).toMatchObject({
      url: "http://hooks.example/a?token=t",
      headers: { authorization: `Basic ${btoa("user:pw")}` },
    });
  });
});

describe("closing webhooks", () => {
  it("delivers what waits, and takes no more", async () => {
    const delivery = new TestDelivery({ batch_size: 2 });
    const app = appWithWebhook();
    occupy(delivery, app, "a", "b", "c");
    await delivery.advance(0);
    const closed = delivery.webhooks.close(new AbortController().signal);
    occupy(delivery, app, "late");
    await delivery.answer(200);
    await delivery.answer(200);
    await closed;
    expect(delivery.told).toEqual([["a", "b"], ["c"]]);
    expect(delivery.log).toEqual([]);
  });

  it("does not wait for a batch to fill up", async () => {
    const delivery = new TestDelivery({ batch_delay: 60_000 });
    occupy(delivery, appWithWebhook(), "a");
    const closed = delivery.webhooks.close(new AbortController().signal);
    await delivery.advance(0);
    await delivery.answer(200);
    await closed;
    expect(delivery.told).toEqual([["a"]]);
    expect(delivery.wheel.size).toBe(0);
  });

  it("tries once more what waits for another attempt, and gives up the rest where that fails", async () => {
    const delivery = new TestDelivery({ batch_size: 1 });
    occupy(delivery, appWithWebhook(), "a", "b", "c");
    await delivery.advance(0);
    await delivery.fail();
    const closed = delivery.webhooks.close(new AbortController().signal);
    await delivery.advance(0);
    await delivery.fail();
    await closed;
    expect(delivery.told).toEqual([["a"], ["a"]]);
    expect(delivery.log).toEqual(["webhook endpoint fails", "webhook given up: 3"]);
  });

  it("ends at the deadline, whatever the endpoint does", async () => {
    const delivery = new TestDelivery();
    const deadline = new AbortController();
    occupy(delivery, appWithWebhook(), "a");
    await delivery.advance(BATCH_MS);
    const closed = delivery.webhooks.close(deadline.signal);
    deadline.abort(new Error("too late"));
    await closed;
    await delivery.webhooks.close(deadline.signal);
    expect(delivery.log).toEqual(["webhook given up: 1"]);
  });

  it("posts nothing where the deadline is over", async () => {
    const delivery = new TestDelivery();
    occupy(delivery, appWithWebhook(), "a");
    await delivery.webhooks.close(AbortSignal.abort());
    expect(delivery.posts).toEqual([]);
  });
});
