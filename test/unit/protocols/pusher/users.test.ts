import { describe, expect, it } from "vitest";
import { terminateConnections } from "../../../../src/protocols/pusher/http-api/users.ts";
import { hmac, ONE, type PusherClient, PusherTestNode, TWO } from "../../../support/pusher-node.ts";

const WATCHING = { enable_watchlist_events: true };
const PATIENCE_MS = 30_000;

/** A client that has signed in, and what it has heard of it. */
async function signedIn(pusher: PusherTestNode, user: object): Promise<PusherClient> {
  const client = await pusher.welcomed();
  const [success] = await client.signIn(JSON.stringify(user));
  expect(success?.event).toBe("pusher:signin_success");
  return client;
}

async function codesOf(client: PusherClient): Promise<unknown[]> {
  return (await client.heard()).map(({ event, data }) => {
    expect(event).toBe("pusher:error");
    return (data as { readonly code: unknown }).code;
  });
}

/** Data of the watchlist events that a client hears; there is nothing else. */
async function watched(client: PusherClient): Promise<unknown[]> {
  return (await client.heard()).map(({ event, channel, data }) => {
    expect([event, channel]).toEqual(["pusher_internal:watchlist_events", undefined]);
    return (JSON.parse(data as string) as { readonly events: unknown }).events;
  });
}

const online = (...ids: readonly string[]): object => ({ name: "online", user_ids: ids });
const offline = (...ids: readonly string[]): object => ({ name: "offline", user_ids: ids });

describe("pusher sign-in", () => {
  it("pusher 63: answers with the very same user data", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const userData = '{ "id":"1", "user_info":{"name":"Ü\\u00fc", "n":12345678901234567890} }';
    client.send({
      event: "pusher:signin",
      data: { auth: `${ONE.key}:${hmac(`${client.socketId}::user::${userData}`)}`, user_data: userData },
    });
    expect(await client.texts()).toEqual([
      `{"event":"pusher:signin_success","data":{"user_data":${JSON.stringify(userData)}}}`,
    ]);
    expect(pusher.test.node.sessions.ofUser("1").size).toBe(1);
    expect(pusher.test.node.sessions.ofUser("").size).toBe(0);
  });

  it("pusher 63: takes data as a string, and a second sign-in as the same user", async () => {
    const pusher = await PusherTestNode.start();
    const client = await signedIn(pusher, { id: "1" });
    expect(await client.signIn('{"id":"1","user_info":{}}')).toMatchObject([
      { event: "pusher:signin_success" },
    ]);
    const userData = '{"id":"1"}';
    const auth = `${ONE.key}:${hmac(`${client.socketId}::user::${userData}`)}`;
    client.send({ event: "pusher:signin", data: JSON.stringify({ auth, user_data: userData }) });
    expect(await client.events()).toEqual(["pusher:signin_success"]);
  });

  it.each([
    ["a numeric id", '{"id":7}', "id is a string, and has the number 7"],
    ["an id that is missing", "{}", "id is a string"],
    ["no JSON", "x", "must be a JSON object"],
    ["a bad id", '{"id":"a b"}', "has characters that it may not have"],
  ])("tells the client that %s is what is wrong, not the signature", async (_, userData, reason) => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const [error] = await client.signIn(userData);
    const message = expect.stringContaining(reason) as string;
    expect(error).toEqual({ event: "pusher:error", data: { code: 4009, message } });
    client.send({ event: "pusher:signin", data: { auth: `${ONE.key}:${hmac("x")}`, user_data: userData } });
    expect(await client.heard()).toMatchObject([{ data: { message: "The signature is wrong" } }]);
    client.send({ event: "pusher:signin", data: { user_data: userData } });
    expect(await client.heard()).toMatchObject([
      { data: { message: "auth and user_data must both be there, as text" } },
    ]);
  });

  it("pusher 64: refuses wrong signatures with 4009, and goes on", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const userData = '{"id":"1"}';
    const signed = `${client.socketId}::user::${userData}`;
    const good = `${ONE.key}:${hmac(signed)}`;
    const wrong = [
      { auth: `${ONE.key}:${hmac("x")}`, user_data: userData },
      { auth: `${TWO.key}:${hmac(signed, TWO.secret)}`, user_data: userData },
      { auth: `${ONE.key}:${hmac(`${client.socketId}:${userData}`)}`, user_data: userData },
      { auth: good, user_data: '{"id":"2"}' },
      { auth: good, user_data: { id: "1" } },
      { auth: good },
      { user_data: userData },
      { auth: null, user_data: null },
      {},
      null,
      "x",
      5,
    ];
    for (const data of wrong) client.send({ event: "pusher:signin", data });
    expect(await codesOf(client)).toEqual(Array(wrong.length).fill(4009));
    expect([client.closeCode, pusher.test.node.sessions.ofUser("1").size]).toEqual([undefined, 0]);
    expect((await client.signIn(userData)).length).toBe(1);
  });

  it.each([
    "{}",
    "",
    "x",
    "null",
    '["1"]',
    '{"id":1}',
    '{"id":""}',
    '{"id":null}',
    '{"id":"a b"}',
    '{"id":"a#b"}',
    '{"id":"!a"}',
    '{"id":"ü"}',
    `{"id":"${"x".repeat(129)}"}`,
  ])("pusher 64: refuses user data %s with 4009", async (userData) => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.texts();
    const [error] = await client.signIn(userData);
    expect(error).toMatchObject({ event: "pusher:error", data: { code: 4009 } });
    expect(client.closeCode).toBeUndefined();
  });

  it("pusher 64: refuses to become another user", async () => {
    const pusher = await PusherTestNode.start();
    const client = await signedIn(pusher, { id: "1" });
    const [error] = await client.signIn('{"id":"2"}');
    expect(error).toMatchObject({ event: "pusher:error", data: { code: 4009 } });
    expect(pusher.test.node.sessions.ofUser("1").size).toBe(1);
  });

  it.each(["__proto__", "constructor", "0", "x".repeat(128)])("takes user %s like all others", async (id) => {
    const pusher = await PusherTestNode.start({ app: WATCHING });
    const client = await signedIn(pusher, { id, watchlist: ["__proto__", "x"] });
    expect(await client.subscribe(`#server-to-user-${id}`)).toMatchObject([{ data: "{}" }]);
    await pusher.trigger(`#server-to-user-${id}`, "e", "1");
    expect(await client.heard()).toEqual([{ event: "e", channel: `#server-to-user-${id}`, data: "1" }]);
  });

  it("pusher 66: a member of a presence channel gets no messages of the user with its id", async () => {
    const pusher = await PusherTestNode.start();
    const member = await pusher.welcomed();
    await member.enter("presence-a", "1");
    const [error] = await member.subscribe("#server-to-user-1");
    expect(error).toMatchObject({ event: "pusher:subscription_error", data: { status: 403 } });
    await pusher.trigger("#server-to-user-1", "e", "1");
    expect(await member.texts()).toEqual([]);
    expect(pusher.test.node.sessions.ofUser("1").size).toBe(0);
  });

  it("pusher 69: terminates all connections of a user, and no others", async () => {
    const pusher = await PusherTestNode.start();
    const [first, second] = [await signedIn(pusher, { id: "1" }), await signedIn(pusher, { id: "1" })];
    const other = await signedIn(pusher, { id: "2" });
    const member = await pusher.welcomed();
    await member.enter("presence-a", "1");
    const app = pusher.apps.get().withId(ONE.id);
    if (app === undefined) throw new Error("no app");
    const call = { node: pusher.test.node, app, subject: "1", spend: () => undefined };
    await terminateConnections.run(call as unknown as Parameters<typeof terminateConnections.run>[0]);
    for (const client of [first, second])
      expect([await codesOf(client), client.closeCode]).toEqual([[4009], 4009]);
    for (const client of [other, member])
      expect([await client.texts(), client.closeCode]).toEqual([[], undefined]);
  });
});

describe("pusher watchlist", () => {
  it("pusher 67: tells who is online, then who comes and goes", async () => {
    const pusher = await PusherTestNode.start({ app: WATCHING });
    await signedIn(pusher, { id: "1" });
    const client = await pusher.welcomed();
    const [, snapshot] = await client.signIn('{"id":"w","watchlist":["1","2","1","w"]}');
    expect(snapshot).toEqual({
      event: "pusher_internal:watchlist_events",
      data: '{"events":[{"name":"online","user_ids":["1","w"]},{"name":"offline","user_ids":["2"]}]}',
    });
    const [first, second] = [await signedIn(pusher, { id: "2" }), await signedIn(pusher, { id: "2" })];
    expect(await watched(client)).toEqual([[online("2")]]);
    await first.leave();
    expect(await watched(client)).toEqual([]);
    await second.leave();
    expect(await watched(client)).toEqual([[offline("2")]]);
  });

  it("pusher 67: is for apps that switch it on, and for those who watch somebody", async () => {
    const without = await PusherTestNode.start();
    await signedIn(without, { id: "1" });
    const client = await without.welcomed();
    expect(await client.signIn('{"id":"w","watchlist":["1"]}')).toHaveLength(1);
    const pusher = await PusherTestNode.start({ app: WATCHING });
    for (const watchlist of [undefined, null, [], "1", { 1: 1 }, [1, null, "", "a b", ["1"]]]) {
      const watcher = await signedIn(pusher, { id: "w", watchlist });
      expect(await watcher.texts()).toEqual([]);
    }
  });

  it("pusher 68: watches the first 100 of 101 users, and says so", async () => {
    const pusher = await PusherTestNode.start({ app: WATCHING, pusher: { max_channels_per_connection: 1 } });
    const client = await pusher.welcomed();
    const watchlist = Array.from({ length: 101 }, (_, at) => `u${at}`);
    const [success, snapshot, error] = await client.signIn(JSON.stringify({ id: "w", watchlist }));
    expect(success?.event).toBe("pusher:signin_success");
    expect(JSON.parse(snapshot?.data as string)).toEqual({ events: [offline(...watchlist.slice(0, 100))] });
    expect(error).toMatchObject({ event: "pusher:error", data: { code: 4302 } });
    await signedIn(pusher, { id: "u99" });
    await signedIn(pusher, { id: "u100" });
    expect(await watched(client)).toEqual([[online("u99")]]);
    expect(await client.subscribe("a")).toMatchObject([{ data: "{}" }]);
  });

  it("pusher 67: tells the changes of one app only, and nothing of who is not signed in", async () => {
    const pusher = await PusherTestNode.start({ app: WATCHING });
    const client = await pusher.welcomed();
    await client.signIn('{"id":"w","watchlist":["1"]}');
    await (await pusher.welcomed()).enter("presence-a", "1");
    const other = await pusher.welcomed({ key: TWO.key });
    const userData = '{"id":"1"}';
    const auth = `${TWO.key}:${hmac(`${other.socketId}::user::${userData}`, TWO.secret)}`;
    other.send({ event: "pusher:signin", data: { auth, user_data: userData } });
    expect(await other.events()).toEqual(["pusher:signin_success"]);
    expect(await watched(client)).toEqual([]);
  });

  it("asks nothing of a stream, whatever the namespace has for others", async () => {
    const channel = {
      namespaces: [
        { name: ONE.id, join_leave: true, force_recovery: true, history_size: 9, history_ttl: "60s" },
      ],
    };
    const pusher = await PusherTestNode.start({ app: WATCHING, channel });
    pusher.test.gate.hold("history", "join", "leave");
    const client = await pusher.welcomed();
    expect(await client.signIn('{"id":"w","watchlist":["1"]}')).toHaveLength(2);
    await client.subscribe("#server-to-user-w");
    expect(pusher.test.gate.waiting).toEqual(["join"]);
  });

  it("who comes while the list is read is told once", async () => {
    for (const isBefore of [true, false]) {
      const pusher = await PusherTestNode.start({ app: WATCHING });
      const client = await pusher.welcomed();
      pusher.test.gate.hold("subscribe");
      const signingIn = client.signIn('{"id":"w","watchlist":["1"]}');
      await signingIn;
      if (isBefore) await signedIn(pusher, { id: "1" }).catch(() => undefined);
      pusher.test.gate.open();
      const told = await watched(client);
      if (!isBefore) await signedIn(pusher, { id: "1" });
      const changes = [...told, ...(await watched(client))].flat() as { name: string; user_ids: string[] }[];
      const states = changes.flatMap(({ name, user_ids: ids }) => ids.map((id) => `${name} ${id}`));
      expect(states.at(-1)).toBe("online 1");
      expect(new Set(states).size).toBe(states.length);
    }
  });

  it("a client that leaves while it signs in leaves nothing behind, and is no error", async () => {
    for (const call of ["subscribe", "presence add"]) {
      const pusher = await PusherTestNode.start({ app: WATCHING });
      const client = await pusher.welcomed();
      pusher.test.gate.hold(call);
      await client.signIn('{"id":"w","watchlist":["1","2"]}');
      await client.leave();
      pusher.test.gate.open();
      await client.texts();
      expect(pusher.errors).toEqual([]);
      expect(await pusher.test.counts()).toEqual([0, 0, 0, 0]);
      expect(pusher.test.subscribed.size).toBe(0);
      expect((await pusher.test.presence.get("one:#!w")).size).toBe(0);
    }
  });

  it("a broker that fails ends the connection so that it comes back later", async () => {
    const pusher = await PusherTestNode.start({ app: WATCHING });
    const client = await pusher.welcomed();
    pusher.test.gate.hold("subscribe");
    await client.signIn('{"id":"w","watchlist":["1"]}');
    pusher.test.gate.fail("subscribe");
    expect([await codesOf(client), client.closeCode]).toEqual([[4100], 4100]);
    expect(pusher.errors).toHaveLength(1);
  });
});

describe("pusher authorized connections", () => {
  const app = { enable_user_authentication: true };

  it("pusher 70: ends a connection that stays anonymous with 4009", async () => {
    const pusher = await PusherTestNode.start({ app });
    const client = await pusher.welcomed();
    await client.subscribe("a");
    await client.subscribe("private-a");
    await client.texts();
    pusher.test.clock.advance(PATIENCE_MS - 1000);
    expect(await client.texts()).toEqual([]);
    pusher.test.clock.advance(2000);
    expect([await codesOf(client), client.closeCode]).toEqual([[4009], 4009]);
  });

  it("pusher 70: a private channel, a presence channel or a sign-in is enough", async () => {
    const pusher = await PusherTestNode.start({ app });
    const clients = [await pusher.welcomed(), await pusher.welcomed(), await signedIn(pusher, { id: "1" })];
    await clients[0]?.join("private-a");
    await clients[1]?.enter("presence-a", "1");
    pusher.test.clock.advance(PATIENCE_MS * 2);
    for (const client of clients) expect([await client.texts(), client.closeCode]).toEqual([[], undefined]);
  });

  it("pusher 70: apps without it let clients stay anonymous", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    pusher.test.clock.advance(PATIENCE_MS * 2);
    expect([await client.texts(), client.closeCode]).toEqual([[], undefined]);
  });
});
