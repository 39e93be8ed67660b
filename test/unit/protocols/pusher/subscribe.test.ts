import { describe, expect, it } from "vitest";
import { sign } from "../../../../src/protocols/pusher/signature.ts";
import { hmac, ONE, PusherTestNode, TWO } from "../../../support/pusher-node.ts";
import { listens, refused, succeeded } from "./subscribing.ts";

describe("pusher subscribe", () => {
  it("pusher 17: a public channel succeeds, and its events come", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    client.send({ event: "pusher:subscribe", data: { auth: "", channel: "news" } });
    expect(await client.texts()).toEqual([succeeded("news")]);
    expect(await listens(pusher, client, "news")).toBe(true);
  });

  it("pusher 18: a repeated subscription succeeds again, without a second webhook or delivery", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.subscribe("a");
    await client.subscribe("a");
    client.send({ event: "pusher:subscribe", data: { channel: "a" } });
    expect(await client.texts()).toEqual([succeeded("a")]);
    expect(pusher.told("channel_occupied")).toEqual([{ name: "channel_occupied", channel: "a" }]);
    expect(await listens(pusher, client, "a")).toBe(true);
  });

  it.each(["a b", "x!", "ü", "a:b", "a/b", "a#b", "\ud800", "a\n", "#", "#!a", "a\u0000"])(
    "pusher 19: refuses channel %j, and goes on",
    async (channel) => {
      const pusher = await PusherTestNode.start();
      const client = await pusher.welcomed();
      expect(await client.subscribe(channel)).toEqual([refused(channel, 4009)]);
      expect(client.closeCode).toBeUndefined();
      expect(pusher.test.node.sessions.count).toBe(1);
      expect((await pusher.test.counts())[3]).toBe(0);
    },
  );

  it.each(["__proto__", "constructor", "-_=@,.;", "0", "toString"])(
    "subscribes to channel %j",
    async (channel) => {
      const pusher = await PusherTestNode.start();
      const client = await pusher.welcomed();
      await client.subscribe(channel);
      expect(await listens(pusher, client, channel)).toBe(true);
    },
  );

  it("pusher 20: refuses a name of 201 characters, takes one of 200", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    expect(await client.subscribe("x".repeat(201))).toEqual([refused("x".repeat(201), 4009)]);
    expect(await client.subscribe("x".repeat(200))).toMatchObject([{ channel: "x".repeat(200), data: "{}" }]);
  });

  it("pusher 21: takes a private channel with a valid signature", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    client.send({
      event: "pusher:subscribe",
      data: { channel: "private-a", ...client.authFor("private-a") },
    });
    expect(await client.texts()).toEqual([succeeded("private-a")]);
    expect(await listens(pusher, client, "private-a")).toBe(true);
  });

  it("pusher 22, 23, 24, 25: refuses wrong, missing and foreign signatures with 401", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const other = await pusher.welcomed();
    const own = `${client.socketId}:private-a`;
    const { auth } = client.authFor("private-a");
    const auths = {
      wrong: `${ONE.key}:${hmac(`${client.socketId}:private-b`)}`,
      upperCase: `${ONE.key}:${hmac(own).toUpperCase()}`,
      cut: auth.slice(0, -1),
      longer: `${auth}0`,
      keyOnly: ONE.key,
      noKey: hmac(own),
      emptyKey: `:${hmac(own)}`,
      otherApp: `${TWO.key}:${hmac(own, TWO.secret)}`,
      otherKey: `${TWO.key}:${hmac(own)}`,
      otherSecret: `${ONE.key}:${hmac(own, TWO.secret)}`,
      otherSocket: other.authFor("private-a").auth,
      missing: undefined,
      empty: "",
      null: null,
      number: 5,
      array: [auth],
      object: { auth },
    };
    for (const [what, wrong] of Object.entries(auths)) {
      expect([what, ...(await client.subscribe("private-a", { auth: wrong }))]).toEqual([
        what,
        refused("private-a", 401),
      ]);
    }
    expect(await listens(pusher, client, "private-a")).toBe(false);
    expect(client.closeCode).toBeUndefined();
    expect(await client.subscribe("private-a", { auth })).toMatchObject([{ data: "{}" }]);
  });

  it("pusher 24: tells nothing that helps to sign", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    client.send({ event: "pusher:subscribe", data: { channel: "private-a", auth: `${ONE.key}:0` } });
    expect((await client.texts()).join()).not.toContain(hmac(`${client.socketId}:private-a`));
  });

  it("pusher 26: takes a private channel with channel_data signed in", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    expect(await client.join("private-a", '{"user_id": 1 }')).toMatchObject([{ data: "{}" }]);
    const { auth } = client.authFor("private-b");
    const answer = await client.subscribe("private-b", { auth, channel_data: "{}" });
    expect(answer).toEqual([refused("private-b", 401)]);
  });

  it("pusher 27: takes channel_data of null for none", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const { auth } = client.authFor("private-a");
    expect(await client.subscribe("private-a", { auth, channel_data: null })).toMatchObject([{ data: "{}" }]);
  });

  it("pusher 28: only beginnings of names mean something", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    for (const channel of [
      "my-private-x",
      "x-cache-y",
      "xpresence-a",
      "private",
      "Private-a",
      "presence_a",
    ]) {
      client.send({ event: "pusher:subscribe", data: { channel } });
      expect(await client.texts()).toEqual([succeeded(channel)]);
    }
    await pusher.trigger("x-cache-y", "e", "1");
    expect((await (await pusher.welcomed()).subscribe("x-cache-y")).length).toBe(1);
  });

  it.each([
    "private-",
    "private-cache-a",
    "private-encrypted-a",
    "private-encrypted-cache-a",
    "presence-a",
    "presence-cache-a",
    "presence-",
  ])("pusher 29: %s takes a signature", async (channel) => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const channelData = '{"user_id":"1"}';
    for (const auth of ["", "x", `${ONE.key}:${hmac("x")}`]) {
      expect(await client.subscribe(channel, { auth, channel_data: channelData })).toEqual([
        refused(channel, 401),
      ]);
    }
    const [answer] = await client.join(channel, channelData);
    expect(answer?.event).toBe("pusher_internal:subscription_succeeded");
  });

  it("pusher 30: relays an encrypted payload as it is", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.join("private-encrypted-a");
    const payload = '{"nonce":"LhbwDL0qp+8=", "ciphertext":"q/w9\\/s="}';
    await pusher.trigger("private-encrypted-a", "e", payload);
    expect(await client.heard()).toEqual([{ event: "e", channel: "private-encrypted-a", data: payload }]);
  });

  it("pusher 31: refuses channels of other users", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    for (const channel of ["#server-to-user-", "#server-to-user-1", "#server-to-user-!1"]) {
      expect(await client.subscribe(channel)).toEqual([refused(channel, 403)]);
    }
    await client.signIn('{"id":"1"}');
    for (const channel of ["#server-to-user-", "#server-to-user-2", "#server-to-user-1,2"]) {
      expect(await client.subscribe(channel)).toEqual([refused(channel, 403)]);
    }
    expect(await client.subscribe("#server-to-user-1")).toMatchObject([{ data: "{}" }]);
  });

  it("pusher 32: takes data as a string that holds JSON", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    client.send({ event: "pusher:subscribe", data: JSON.stringify({ channel: "a" }) });
    expect(await client.texts()).toEqual([succeeded("a")]);
    client.send({ event: "pusher:unsubscribe", data: JSON.stringify({ channel: "a" }) });
    expect(await listens(pusher, client, "a")).toBe(false);
  });

  it.each([{ channel: "a" }, "a"])("pusher 33: unsubscribes with data %j, silently", async (data) => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.subscribe("a");
    for (let round = 0; round < 3; round++) client.send({ event: "pusher:unsubscribe", data });
    expect(await client.texts()).toEqual([]);
    expect(await listens(pusher, client, "a")).toBe(false);
    await client.subscribe("a");
    expect(await listens(pusher, client, "a")).toBe(true);
  });

  it("pusher 33: ignores an unsubscribe that names nothing", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.subscribe("a");
    for (const data of [
      undefined,
      null,
      5,
      [],
      {},
      { channel: 5 },
      { channel: null },
      "b",
      "#!a",
      "#server-to-user-",
    ]) {
      client.send({ event: "pusher:unsubscribe", data });
    }
    expect(await client.texts()).toEqual([]);
    expect(await listens(pusher, client, "a")).toBe(true);
  });

  it("pusher 34: events from before it succeeded do not come, those from then on do", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const { gate } = pusher.test;
    gate.hold("subscribe");
    await pusher.trigger("a", "before", "1");
    client.send({ event: "pusher:subscribe", data: { channel: "a" } });
    await pusher.trigger("a", "while", "2");
    expect(await client.texts()).toEqual([]);
    gate.open();
    expect(await client.texts()).toEqual([succeeded("a")]);
    await pusher.trigger("a", "after", "3");
    expect(await client.events()).toEqual(["after"]);
  });

  it("pusher 34: what comes while it is subscribed comes after it succeeded", async () => {
    const pusher = await PusherTestNode.start();
    const [client, other] = [await pusher.welcomed(), await pusher.welcomed()];
    await other.enter("presence-a", "other");
    pusher.test.gate.hold("presence add");
    const entering = client.enter("presence-a", "1");
    await pusher.trigger("presence-a", "while", "2");
    expect(await entering).toEqual([]);
    pusher.test.gate.open();
    expect(await client.events()).toEqual(["pusher_internal:subscription_succeeded", "while"]);
  });

  it.each([
    ["1234.1234:private-foobar", "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"],
    ['1234.1234::user::{"id":"12345"}', "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"],
  ])("signs %s as documented", (text, signature) => {
    expect(sign("7ad3773142a6692b25b8", text)).toBe(signature);
  });
});
