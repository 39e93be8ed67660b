import { describe, expect, it } from "vitest";
import { Disconnect, disconnect } from "../../../../src/core/disconnect.ts";
import { ONE, type PusherClient, PusherTestNode, TWO } from "../../../support/pusher-node.ts";

const ACTIVITY_MS = 120_000;
const PONG_MS = 30_000;

/** Code of the error that a client of an old version hears last, and of its close frame. */
async function endOf(client: PusherClient): Promise<readonly [error: unknown, close: number | undefined]> {
  const [error] = (await client.heard()).slice(-1);
  if (error?.event !== "pusher:error") throw new Error(`no error but ${JSON.stringify(error)}`);
  return [(error.data as { readonly code: unknown }).code, client.closeCode];
}

describe("pusher connection", () => {
  it("pusher 1, 2: welcomes with a socket id and an activity timeout in a string", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.connect();
    const [welcome, ...others] = await client.heard();
    expect(others).toEqual([]);
    expect(Object.keys(welcome ?? {})).toEqual(["event", "data"]);
    expect(welcome?.event).toBe("pusher:connection_established");
    const data = JSON.parse(welcome?.data as string) as unknown;
    expect(data).toEqual({ socket_id: expect.stringMatching(/^\d+\.\d+$/u), activity_timeout: 120 });
  });

  it("pusher 2: tells the configured timeout in whole seconds", async () => {
    for (const [configured, told] of [
      ["30s", 30],
      ["1500ms", 2],
      ["1s", 1],
    ] as const) {
      const pusher = await PusherTestNode.start({ pusher: { activity_timeout: configured } });
      const [welcome] = await (await pusher.connect()).heard();
      expect(JSON.parse(welcome?.data as string)).toMatchObject({ activity_timeout: told });
    }
  });

  it("pusher 3: gives every connection a socket id of its own", async () => {
    const pusher = await PusherTestNode.start();
    const clients = await Promise.all(Array.from({ length: 100 }, () => pusher.welcomed()));
    expect(new Set(clients.map(({ socketId }) => socketId)).size).toBe(100);
  });

  it.each(["unknown", "", "%E0%A4%A", "__proto__", "key-1%2F"])(
    "pusher 5: ends unknown key %j with 4001",
    async (key) => {
      const pusher = await PusherTestNode.start();
      expect(await endOf(await pusher.connect({ key }))).toEqual([4001, 4001]);
    },
  );

  it("pusher 5: finds keys that are percent-encoded", async () => {
    const pusher = await PusherTestNode.start();
    expect(await (await pusher.connect({ key: "key%2D1" })).events()).toEqual([
      "pusher:connection_established",
    ]);
  });

  it("pusher 6: ends connections to a disabled app with 4003", async () => {
    const pusher = await PusherTestNode.start({ app: { enabled: false } });
    expect(await endOf(await pusher.connect())).toEqual([4003, 4003]);
  });

  it("pusher 7: ends those beyond the app's limit with 4004, and leaves the others alone", async () => {
    const pusher = await PusherTestNode.start({ app: { max_connections: 2 } });
    const first = await pusher.welcomed();
    const second = await pusher.welcomed();
    const third = await pusher.connect();
    expect(await endOf(third)).toEqual([4004, 4004]);
    await (await pusher.welcomed({ key: TWO.key })).leave();
    await second.leave();
    expect(await (await pusher.connect()).events()).toEqual(["pusher:connection_established"]);
    expect(await endOf(await pusher.connect())).toEqual([4004, 4004]);
    first.send({ event: "pusher:ping", data: {} });
    expect([await first.events(), first.closeCode]).toEqual([["pusher:pong"], undefined]);
  });

  it("pusher 7: has messages wait that come before there is known to be a place", async () => {
    const pusher = await PusherTestNode.start({ app: { max_connections: 1 } });
    const connecting = pusher.connect();
    const client = await connecting;
    client.send({ event: "pusher:subscribe", data: { channel: "a" } });
    expect(await client.events()).toEqual([
      "pusher:connection_established",
      "pusher_internal:subscription_succeeded",
    ]);
  });

  it.each([
    ["protocol=3", 4007],
    ["protocol=8", 4007],
    ["protocol=99999999999999999999999", 4007],
    ["protocol=abc", 4006],
    ["protocol=", 4006],
    ["protocol=-7", 4006],
    ["protocol=7.0", 4006],
  ])("pusher 8: ends %s with %i", async (query, code) => {
    const pusher = await PusherTestNode.start();
    expect((await pusher.connect({ query })).closeCode).toBe(code);
  });

  it.each([
    ["protocol=4", ["pusher:error"]],
    ["protocol=5", ["pusher:error"]],
    ["", ["pusher:error"]],
    ["protocol=6", []],
    ["protocol=7", []],
    ["protocol=8", []],
  ])("since version 6 the close frame alone says why a connection ends: %j", async (query, events) => {
    const pusher = await PusherTestNode.start({ app: { allowed_origins: ["https://example.com"] } });
    const refused = await pusher.connect({ query, origin: "https://example.org" });
    expect(await refused.events()).toEqual(events);
    expect(refused.closeCode).toBe(query === "protocol=8" ? 4007 : 4009);
    if (query === "protocol=8") return;
    const ended = await pusher.welcomed({ query });
    await pusher.test.node.stop(disconnect("shutdown"));
    expect([await ended.events(), ended.closeCode]).toEqual([events, 4200]);
  });

  it.each([
    "",
    "protocol=4",
    "protocol=7&client=js&version=8.6.0&flash=false",
    "token=a&format=x&__proto__=1",
  ])("pusher 8, 9: takes %j", async (query) => {
    const pusher = await PusherTestNode.start();
    expect(await (await pusher.connect({ query })).events()).toEqual(["pusher:connection_established"]);
  });

  it("takes pages of allowed origins only, and ends others with 4009", async () => {
    const pusher = await PusherTestNode.start({ app: { allowed_origins: ["https://*.example.com"] } });
    for (const origin of ["", "https://a.example.com"]) {
      expect((await pusher.welcomed({ origin })).closeCode).toBeUndefined();
    }
    expect(await endOf(await pusher.connect({ origin: "https://example.org" }))).toEqual([4009, 4009]);
  });
});

describe("pusher liveness", () => {
  it("pusher 10: answers pings, whatever they carry", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    for (const data of [{}, "{}", null, 5, { a: [1] }]) client.send({ event: "pusher:ping", data });
    client.send({ event: "pusher:ping" });
    expect(await client.texts()).toEqual(Array(6).fill('{"event":"pusher:pong","data":"{}"}'));
  });

  it("pusher 11: pings a silent client, and ends it with 4201 when it stays silent", async () => {
    const pusher = await PusherTestNode.start();
    const { clock } = pusher.test;
    const client = await pusher.welcomed();
    clock.advance(ACTIVITY_MS - 1000);
    expect(await client.texts()).toEqual([]);
    clock.advance(2000);
    expect(await client.texts()).toEqual(['{"event":"pusher:ping","data":"{}"}']);
    clock.advance(PONG_MS - 2000);
    expect(await client.texts()).toEqual([]);
    clock.advance(3000);
    expect(await endOf(client)).toEqual([4201, 4201]);
    expect(pusher.test.node.sessions.count).toBe(0);
  });

  it("pusher 11: a pong keeps the connection, and the next ping comes after the next silence", async () => {
    const pusher = await PusherTestNode.start();
    const { clock } = pusher.test;
    const client = await pusher.welcomed();
    for (let round = 0; round < 3; round++) {
      clock.advance(ACTIVITY_MS + 2000);
      expect(await client.events()).toEqual(["pusher:ping"]);
      client.send({ event: "pusher:pong", data: {} });
    }
    clock.advance(ACTIVITY_MS - 2000);
    expect([await client.events(), client.closeCode]).toEqual([[], undefined]);
  });

  it("pusher 11: a silent client is sent a PING frame, and before version 5 nothing else", async () => {
    const pusher = await PusherTestNode.start();
    for (const [query, events] of [
      ["protocol=7", ["pusher:ping"]],
      ["protocol=5", ["pusher:ping"]],
      ["", ["pusher:ping"]],
      ["protocol=4", []],
    ] as const) {
      const client = await pusher.welcomed({ query });
      pusher.test.clock.advance(ACTIVITY_MS + 1000);
      expect([query, client.pings, await client.events()]).toEqual([query, 1, events]);
      await client.leave();
    }
  });

  it("pusher 11: a mobile client that answers with PONG frames only, or sends PING frames, is not ended", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed({ query: "protocol=5&client=java-client" });
    for (let round = 1; round <= 3; round++) {
      pusher.test.clock.advance(ACTIVITY_MS + 1000);
      expect(client.pings).toBe(round);
      pusher.test.clock.advance(PONG_MS - 2000);
      client.sendControlFrame();
    }
    for (let round = 0; round < 10; round++) {
      pusher.test.clock.advance(ACTIVITY_MS - 5000);
      client.sendControlFrame();
    }
    expect([client.pings, client.closeCode]).toEqual([3, undefined]);
  });

  it("pusher 12: any message keeps the connection", async () => {
    const pusher = await PusherTestNode.start({ app: { enable_client_messages: true } });
    const client = await pusher.welcomed();
    await client.join("private-a");
    for (let round = 0; round < 10; round++) {
      pusher.test.clock.advance(ACTIVITY_MS - 5000);
      client.send({ event: "client-a", channel: "private-a", data: {} });
    }
    expect([await client.events(), client.closeCode]).toEqual([[], undefined]);
  });

  it("leaves no timer behind", async () => {
    const pusher = await PusherTestNode.start();
    const clients = await Promise.all([pusher.welcomed(), pusher.welcomed(), pusher.welcomed()]);
    expect(pusher.test.wheel.size).toBeGreaterThan(0);
    for (const client of clients) await client.leave();
    expect(pusher.test.wheel.size).toBe(0);
  });
});

describe("pusher messages", () => {
  it.each(["", "{", "null", "[]", '"a"', "5", "{}", '{"event":5}', '{"event":null,"data":{}}', "\uFEFF{}"])(
    "pusher 13: tells what is wrong with %j, and goes on",
    async (text) => {
      const pusher = await PusherTestNode.start();
      const client = await pusher.welcomed();
      client.send(text);
      const [error, ...others] = await client.heard();
      expect(others).toEqual([]);
      expect(error).toEqual({ event: "pusher:error", data: { code: null, message: expect.any(String) } });
      client.send({ event: "pusher:ping" });
      expect([await client.events(), client.closeCode]).toEqual([["pusher:pong"], undefined]);
    },
  );

  it("pusher 13: takes bytes that are not UTF-8 for a malformed message", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    client.sendBytes(Buffer.from('{"event":"pusher:ping","data":"\xff"}', "latin1"));
    expect([await client.events(), client.closeCode]).toEqual([["pusher:error"], undefined]);
  });

  it.each([
    undefined,
    null,
    5,
    "",
    "{",
    "[]",
    [[]],
    {},
    { channel: 5 },
    { channel: null },
    { channel: "" },
    { channel: ["a"] },
  ])("pusher 14: refuses to subscribe with data %j, and goes on", async (data) => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    client.send({ event: "pusher:subscribe", data });
    expect([await client.events(), client.closeCode]).toEqual([["pusher:error"], undefined]);
    expect(pusher.errors).toEqual([]);
  });

  it.each(["pusher:foo", "pusher_internal:subscription_succeeded", "hello", "", "__proto__", "pusher:error"])(
    "pusher 16: ignores event %j",
    async (event) => {
      const pusher = await PusherTestNode.start();
      const client = await pusher.welcomed();
      client.send({ event, data: { channel: "a" }, channel: "a" });
      expect([await client.events(), client.closeCode]).toEqual([[], undefined]);
    },
  );
});

describe("pusher end", () => {
  it("pusher 15: closes with 4200 when the server goes down", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.subscribe("a");
    await pusher.test.node.stop(disconnect("shutdown"));
    expect(await endOf(client)).toEqual([4200, 4200]);
    expect(await endOf(await pusher.connect())).toEqual([4200, 4200]);
  });

  it.each([
    [3001, 4200],
    [3004, 4100],
    [3005, 4009],
    [3008, 4100],
    [3010, 4200],
    [3503, 4009],
    [3504, 4004],
    [3507, 4009],
    [4000, 4200],
    [4009, 4009],
    [4100, 4100],
    [4501, 4009],
    [5000, 4200],
  ])("tells the core's %i as %i", async (code, told) => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await pusher.test.node.sessions.disconnect(
      { user: "", client: "", session: "" },
      new Disconnect(code, "why"),
      [],
    );
    const [error] = await client.heard();
    expect(error).toEqual({ event: "pusher:error", data: { code: told, message: "why" } });
    expect(client.closeCode).toBe(told);
  });

  it("is known by app, name and version of its library", async () => {
    const pusher = await PusherTestNode.start();
    await pusher.welcomed({ query: "protocol=7&client=js&version=8.6.0" });
    const [session] = pusher.test.node.sessions.ofUser("");
    expect(session?.identity).toMatchObject({ user: "", appName: "js", appVersion: "8.6.0" });
    expect([...(session?.identity.labels ?? [])]).toEqual([["app", ONE.id]]);
  });
});
