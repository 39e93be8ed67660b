import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { APP, pusherConfig, sdkOf } from "../support/pusher-client.ts";
import { type RunningServer, runServer } from "../support/running-server.ts";
import { UpgradeRefused, WebSocketClient } from "../support/web-socket-client.ts";

/** Opens a connection to the app; its frames are to be read one by one. */
function open(server: RunningServer, path: string = APP.key): Promise<WebSocketClient> {
  return WebSocketClient.open(`ws://127.0.0.1:${server.port}/app/${path}`);
}

/** The same, with the welcome read. */
async function welcomed(server: RunningServer): Promise<WebSocketClient> {
  const client = await open(server);
  await client.nextText();
  return client;
}

function subscribe(client: WebSocketClient, channel: string): void {
  client.send({ event: "pusher:subscribe", data: { channel } });
}

const PONG = '{"event":"pusher:pong","data":"{}"}';

describe("pusher on the wire", () => {
  it("pusher 1, 2, 9: the first frame is the welcome, whatever the query has besides", async () => {
    await using server = await runServer(pusherConfig());
    using client = await open(
      server,
      `${APP.key}?protocol=7&client=js&version=8.6.0&flash=false&format=x&token=y`,
    );
    expect(await client.nextText()).toMatch(
      /^\{"event":"pusher:connection_established","data":"\{\\"socket_id\\":\\"\d+\.\d+\\",\\"activity_timeout\\":120\}"\}$/u,
    );
  });

  it.each([
    ["pusher 5: an unknown key", "unknown", {}, 4001],
    ["pusher 6: a disabled app", APP.key, { enabled: false }, 4003],
    ["pusher 8: an old protocol", `${APP.key}?protocol=3`, {}, 4007],
    ["pusher 8: a protocol that is no number", `${APP.key}?protocol=abc`, {}, 4006],
  ])("%s is told by the close code, and before version 6 in a frame, too", async (_, path, app, code) => {
    await using server = await runServer(pusherConfig(app));
    using client = await open(server, path);
    const frame = JSON.parse(await client.nextText()) as unknown;
    const end = await client.untilClosed();
    expect(frame).toEqual({ event: "pusher:error", data: { code, message: end.reason } });
    expect(end.code).toBe(code);
    if (path.includes("protocol")) return;
    using newer = await open(server, `${path}?protocol=7`);
    expect((await newer.untilClosed()).code).toBe(code);
    expect(newer.frames).toEqual([]);
  });

  it("pusher 7: those beyond the limit are told, and there is room again when one has left", async () => {
    await using server = await runServer(pusherConfig({ max_connections: 1 }));
    const first = await welcomed(server);
    using second = await open(server);
    expect((await second.untilClosed()).code).toBe(4004);
    first[Symbol.dispose]();
    await server.untilSessions(0);
    using third = await open(server);
    expect(await third.nextText()).toContain("pusher:connection_established");
  });

  it("pusher 10, 13, 14: goes on after whatever it cannot read, in text or binary", async () => {
    await using server = await runServer(pusherConfig());
    using client = await welcomed(server);
    for (const text of ["", "{", "null", '{"event":"pusher:subscribe"}']) {
      client.socket.send(text);
      expect(await client.nextText()).toContain('"event":"pusher:error"');
    }
    client.socket.send(Buffer.from([0xff, 0xfe]));
    expect(await client.nextText()).toContain('"event":"pusher:error"');
    client.socket.send(Buffer.from('{"event":"pusher:ping","data":{}}'));
    expect(await client.nextText()).toBe(PONG);
    client.socket.ping("x");
    const [data] = (await once(client.socket, "pong")) as [Buffer];
    expect(data.toString()).toBe("x");
  });

  it("pusher 17, 50: what is triggered comes byte by byte", async () => {
    await using server = await runServer(pusherConfig());
    using client = await welcomed(server);
    subscribe(client, "cache-a");
    expect(await client.nextText()).toBe(
      '{"event":"pusher_internal:subscription_succeeded","channel":"cache-a","data":"{}"}',
    );
    expect(await client.nextText()).toBe('{"event":"pusher:cache_miss","channel":"cache-a","data":"{}"}');
    for (const data of ['{ "a" : 1.0 }', "no JSON", "", '"5"', "12345678901234567890"]) {
      await sdkOf(server).trigger("cache-a", String.raw`App\Events\X`, data);
      const frame = { event: String.raw`App\Events\X`, channel: "cache-a", data };
      expect(await client.nextText()).toBe(JSON.stringify(frame));
    }
  });

  it("pusher 20: a name that is too long is refused, a message that is too long ends the connection", async () => {
    await using server = await runServer(pusherConfig());
    using client = await welcomed(server);
    subscribe(client, "x".repeat(201));
    expect(await client.nextText()).toContain('"event":"pusher:subscription_error"');
    client.socket.send("x".repeat(262_145));
    expect((await client.untilClosed()).code).toBe(1009);
  });

  it("a flood of one client does not keep others from being served", async () => {
    await using server = await runServer(pusherConfig());
    using flooding = await welcomed(server);
    using other = await welcomed(server);
    for (let at = 0; at < 10_000; at++)
      flooding.send({ event: "pusher:unsubscribe", data: { channel: `c${at}` } });
    for (let at = 0; at < 1000; at++) subscribe(flooding, `c${at}`);
    subscribe(flooding, "one-too-many");
    other.send({ event: "pusher:ping" });
    expect(await other.nextText()).toBe(PONG);
    const answers: string[] = [];
    while (answers.length <= 1000) answers.push(await flooding.nextText());
    expect(answers.findIndex((text) => text.includes("subscription_error"))).toBe(1000);
    expect(await server.counts()).toMatchObject({ clients: 2, subs: 1000 });
  });

  it("what is no path of an app is not found", async () => {
    await using server = await runServer(pusherConfig());
    const refused = await open(server, "").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UpgradeRefused);
    expect((refused as UpgradeRefused).response.statusCode).toBe(404);
    expect((await fetch(`${server.origin}/app/${APP.key}`)).status).toBe(400);
  });

  it("clients that vanish in the middle of anything leave nothing behind", async () => {
    await using server = await runServer(pusherConfig({ enable_subscription_count: true }));
    for (let round = 0; round < 20; round++) {
      const client = await open(server);
      for (let at = 0; at < round; at++) subscribe(client, `c${at}`);
      client[Symbol.dispose]();
    }
    await server.untilSessions(0);
    expect(await server.counts()).toEqual({ clients: 0, users: 0, channels: 0, subs: 0 });
  });
});
