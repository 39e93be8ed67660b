import { describe, expect, it } from "vitest";
import { hmac, ONE, PusherTestNode, TWO } from "../../../support/pusher-node.ts";

describe("pusher: a new configuration", () => {
  it("holds for connections that are there: keys, secrets and limits", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.join("private-a");
    pusher.reload({ key: "new-key", secret: "new", enable_client_messages: true });
    const [error] = await client.join("private-b");
    expect(error).toMatchObject({ data: { status: 401 } });
    const auth = `new-key:${hmac(`${client.socketId}:private-b`, "new")}`;
    expect(await client.subscribe("private-b", { auth })).toMatchObject([{ data: "{}" }]);
    client.send({ event: "client-e", channel: "private-a", data: 1 });
    expect(await client.texts()).toEqual([]);
    expect(pusher.told("client_event")).toHaveLength(1);
    expect(await (await pusher.connect({ key: ONE.key })).events()).toEqual(["pusher:error"]);
  });

  it("connections of an app that is gone go on as they were", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed({ key: TWO.key });
    pusher.reload({});
    const auth = `${TWO.key}:${hmac(`${client.socketId}:private-a`, TWO.secret)}`;
    expect(await client.subscribe("private-a", { auth })).toMatchObject([{ data: "{}" }]);
  });

  it("connections of an app with another namespace stay in theirs", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.subscribe("a");
    pusher.reload({ namespace: "moved" });
    client.send({ event: "pusher:unsubscribe", data: { channel: "a" } });
    await client.texts();
    expect((await pusher.test.counts())[3]).toBe(0);
    expect(await client.subscribe("b")).toMatchObject([{ channel: "b", data: "{}" }]);
  });

  it("a limit of connections counts those that were there before", async () => {
    const pusher = await PusherTestNode.start({ app: { max_connections: 2 } });
    for (const _ of [1, 2]) await pusher.welcomed();
    pusher.reload({});
    expect((await pusher.connect()).closeCode).toBe(4004);
  });
});
