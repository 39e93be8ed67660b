import { describe, expect, it } from "vitest";
import { type PusherClient, PusherTestNode } from "../../../support/pusher-node.ts";

const HOUR_MS = 3_600_000;

/** Names and data of what a client hears. */
async function heardBy(client: PusherClient): Promise<readonly unknown[]> {
  return (await client.heard()).map(({ event, data }) => [event, data]);
}

const SUCCEEDED = ["pusher_internal:subscription_succeeded", "{}"];
const MISS = ["pusher:cache_miss", "{}"];

describe("pusher cache channels", () => {
  it("pusher 49: an empty cache is told to the client and to webhooks", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    client.send({ event: "pusher:subscribe", data: { channel: "cache-a" } });
    expect(await client.texts()).toEqual([
      '{"event":"pusher_internal:subscription_succeeded","channel":"cache-a","data":"{}"}',
      '{"event":"pusher:cache_miss","channel":"cache-a","data":"{}"}',
    ]);
    expect(pusher.told("cache_miss")).toEqual([{ name: "cache_miss", channel: "cache-a" }]);
  });

  it.each(["cache-a", "private-cache-a", "private-encrypted-cache-a"])(
    "pusher 50: new subscribers of %s get the latest event only",
    async (channel) => {
      const pusher = await PusherTestNode.start();
      await pusher.trigger(channel, "old", "1");
      await pusher.trigger(channel, "new", "not JSON");
      const client = await pusher.welcomed();
      const [first, second, ...others] = await client.join(channel);
      expect(first).toMatchObject({ event: SUCCEEDED[0], data: "{}" });
      expect([second, others]).toEqual([{ event: "new", channel, data: "not JSON" }, []]);
      await pusher.trigger(channel, "newer", "3");
      expect(await heardBy(client)).toEqual([["newer", "3"]]);
      expect(pusher.told("cache_miss")).toEqual([]);
    },
  );

  it("pusher 51: a client event does not change the cache", async () => {
    const pusher = await PusherTestNode.start({ app: { enable_client_messages: true } });
    const [sender, client] = [await pusher.welcomed(), await pusher.welcomed()];
    await pusher.trigger("private-cache-a", "e", "1");
    await sender.join("private-cache-a");
    sender.send({ event: "client-e", channel: "private-cache-a", data: "2" });
    client.send({
      event: "pusher:subscribe",
      data: { channel: "private-cache-a", ...client.authFor("private-cache-a") },
    });
    expect(await heardBy(client)).toEqual([SUCCEEDED, ["e", "1"]]);
    sender.send({ event: "client-e", channel: "private-cache-a", data: "3" });
    expect(await heardBy(client)).toEqual([["client-e", "3"]]);
  });

  it("pusher 52: the cache expires", async () => {
    const pusher = await PusherTestNode.start();
    await pusher.trigger("cache-a", "e", "1");
    pusher.test.clock.advance(HOUR_MS - 1000);
    const [early, late] = [await pusher.welcomed(), await pusher.welcomed()];
    early.send({ event: "pusher:subscribe", data: { channel: "cache-a" } });
    expect(await heardBy(early)).toEqual([SUCCEEDED, ["e", "1"]]);
    pusher.test.clock.advance(2000);
    late.send({ event: "pusher:subscribe", data: { channel: "cache-a" } });
    expect(await heardBy(late)).toEqual([SUCCEEDED, MISS]);
  });

  it("pusher 52: the cache lives as long as configured", async () => {
    const pusher = await PusherTestNode.start({ pusher: { cache_ttl: "5s" } });
    await pusher.trigger("cache-a", "e", "1");
    pusher.test.clock.advance(6000);
    const client = await pusher.welcomed();
    client.send({ event: "pusher:subscribe", data: { channel: "cache-a" } });
    expect(await heardBy(client)).toEqual([SUCCEEDED, MISS]);
  });

  it("pusher 53: a presence channel tells of members first, then of the latest event", async () => {
    const pusher = await PusherTestNode.start();
    await pusher.trigger("presence-cache-a", "e", "1");
    const client = await pusher.welcomed();
    const [first, second] = await client.enter("presence-cache-a", "1");
    expect(JSON.parse(first?.data as string)).toEqual({
      presence: { ids: ["1"], hash: { 1: {} }, count: 1 },
    });
    expect(second).toEqual({ event: "e", channel: "presence-cache-a", data: "1" });
  });

  it("what is triggered while the cache is read comes once", async () => {
    for (const isHeldBefore of [true, false]) {
      const pusher = await PusherTestNode.start();
      const { gate } = pusher.test;
      await pusher.trigger("cache-a", "old", "1");
      const client = await pusher.welcomed();
      gate.hold("history");
      client.send({ event: "pusher:subscribe", data: { channel: "cache-a" } });
      expect(await client.texts()).toEqual([]);
      if (!isHeldBefore) gate.run("history");
      await pusher.trigger("cache-a", "new", "2");
      gate.open();
      const events = (await client.events()).slice(1);
      expect(events).toEqual(isHeldBefore ? ["new"] : ["old", "new"]);
    }
  });

  it("a repeated subscription does not get the latest event again", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await pusher.trigger("cache-a", "e", "1");
    await client.subscribe("cache-a");
    client.send({ event: "pusher:subscribe", data: { channel: "cache-a" } });
    expect(await heardBy(client)).toEqual([SUCCEEDED]);
  });
});

describe("pusher subscription counts", () => {
  it("pusher 54: subscribers are told how many they are, when they come and go", async () => {
    const pusher = await PusherTestNode.start({ app: { enable_subscription_count: true } });
    const [ann, bob] = [await pusher.welcomed(), await pusher.welcomed()];
    await ann.subscribe("a");
    await bob.subscribe("a");
    await ann.texts();
    await bob.leave();
    expect(await ann.texts()).toEqual([
      String.raw`{"event":"pusher_internal:subscription_count","channel":"a","data":"{\"subscription_count\":1}"}`,
    ]);
    const told = pusher.told("subscription_count");
    expect(told.at(-1)).toEqual({ name: "subscription_count", channel: "a", subscription_count: 1 });
  });

  it("pusher 54: a new subscriber is told too, after its success", async () => {
    const pusher = await PusherTestNode.start({ app: { enable_subscription_count: true } });
    const [ann, bob] = [await pusher.welcomed(), await pusher.welcomed()];
    const count = (number: number): readonly string[] => [
      "pusher_internal:subscription_count",
      `{"subscription_count":${number}}`,
    ];
    ann.send({ event: "pusher:subscribe", data: { channel: "a" } });
    expect(await heardBy(ann)).toEqual([SUCCEEDED, count(1)]);
    bob.send({ event: "pusher:subscribe", data: { channel: "a" } });
    expect(await heardBy(bob)).toEqual([SUCCEEDED, count(2)]);
    expect(await heardBy(ann)).toEqual([count(2)]);
  });

  it("pusher 54: presence channels are not counted, nor those of apps without counts", async () => {
    const counting = await PusherTestNode.start({ app: { enable_subscription_count: true } });
    const client = await counting.welcomed();
    expect((await client.enter("presence-a", "1")).length).toBe(1);
    expect(await (await counting.welcomed()).enter("presence-a", "2")).toHaveLength(1);
    expect(await client.events()).toEqual(["pusher_internal:member_added"]);
    const silent = await PusherTestNode.start();
    expect(await (await silent.welcomed()).subscribe("a")).toHaveLength(1);
    expect([...counting.told("subscription_count"), ...silent.told("subscription_count")]).toEqual([]);
  });
});
