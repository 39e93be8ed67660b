import { describe, expect, it } from "vitest";
import { PusherTestNode } from "../../../support/pusher-node.ts";
import { listens, refused } from "./subscribing.ts";

describe("pusher subscribe: order and limits", () => {
  it("takes messages one after the other, in their order", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const { gate } = pusher.test;
    gate.hold("subscribe");
    client.send({ event: "pusher:subscribe", data: { channel: "a" } });
    client.send({ event: "pusher:unsubscribe", data: { channel: "a" } });
    client.send({ event: "pusher:subscribe", data: { channel: "b" } });
    client.send({ event: "pusher:subscribe", data: { channel: "a" } });
    client.send({ event: "pusher:unsubscribe", data: { channel: "b" } });
    client.send({ event: "pusher:ping" });
    gate.open();
    expect((await client.heard()).map(({ event, channel }) => channel ?? event)).toEqual([
      "a",
      "b",
      "a",
      "pusher:pong",
    ]);
    expect(await listens(pusher, client, "a")).toBe(true);
    expect(await listens(pusher, client, "b")).toBe(false);
  });

  it("a client that leaves while it is subscribed leaves nothing behind", async () => {
    for (const call of ["subscribe", "presence add", "memberAdded"]) {
      const pusher = await PusherTestNode.start();
      const client = await pusher.welcomed();
      pusher.test.gate.hold(call);
      await client.enter("presence-a", "1");
      client.send({ event: "pusher:subscribe", data: { channel: "b" } });
      await client.leave();
      pusher.test.gate.open();
      expect(await client.texts()).toEqual([]);
      expect(await pusher.test.counts()).toEqual([0, 0, 0, 0]);
      expect([call, (await pusher.test.presence.get("one:presence-a")).size]).toEqual([call, 0]);
      expect(pusher.test.subscribed.size).toBe(0);
      expect(pusher.errors).toEqual([]);
    }
  });

  it("a broker that fails refuses the channel, and a later attempt succeeds", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const { gate } = pusher.test;
    gate.hold("subscribe");
    const answering = client.subscribe("a");
    await Promise.resolve();
    gate.fail("subscribe");
    gate.open();
    expect(await answering).toEqual([refused("a", 500)]);
    expect(pusher.errors).toHaveLength(1);
    expect((await pusher.test.counts())[3]).toBe(0);
    await client.subscribe("a");
    expect(await listens(pusher, client, "a")).toBe(true);
  });

  it("takes so many channels, and again those that it has", async () => {
    const pusher = await PusherTestNode.start({ pusher: { max_channels_per_connection: 2 } });
    const client = await pusher.welcomed();
    await client.subscribe("a");
    await client.subscribe("b");
    expect(await client.subscribe("c")).toEqual([refused("c", 4100)]);
    expect(await client.subscribe("a")).toMatchObject([{ data: "{}" }]);
    client.send({ event: "pusher:unsubscribe", data: { channel: "a" } });
    expect(await client.subscribe("c")).toMatchObject([{ data: "{}" }]);
  });

  it("takes 1000 subscriptions at once", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    for (let at = 0; at < 1000; at++)
      client.send({ event: "pusher:subscribe", data: { auth: "", channel: `c${at}` } });
    const answers = await client.heard();
    expect(answers.map(({ channel }) => channel)).toEqual(Array.from({ length: 1000 }, (_, at) => `c${at}`));
    expect((await pusher.test.counts())[3]).toBe(1000);
  });

  it("a small limit of messages does not keep a client from asking for many channels at once", async () => {
    const pusher = await PusherTestNode.start({ pusher: { message_size_limit: 1000 } });
    const client = await pusher.welcomed();
    for (let round = 0; round < 20; round++) {
      for (let at = 0; at < 1000; at++)
        client.send({ event: "pusher:subscribe", data: { channel: `c${at}` } });
      expect(await client.texts()).toHaveLength(1000);
    }
    expect(client.closeCode).toBeUndefined();
  });

  it("cuts off a client whose messages come faster than they can be worked on", async () => {
    const pusher = await PusherTestNode.start({ pusher: { message_size_limit: 1000 } });
    const client = await pusher.welcomed();
    pusher.test.gate.hold("subscribe");
    for (let at = 0; at < 10_000; at++)
      client.send({ event: "pusher:subscribe", data: { channel: `c${at}` } });
    expect([(await client.events()).at(-1), client.closeCode]).toEqual(["pusher:error", 4100]);
    pusher.test.gate.open();
    expect(await client.texts()).toEqual([]);
    expect(await pusher.test.counts()).toEqual([0, 0, 0, 0]);
  });
});
