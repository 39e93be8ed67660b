import { createHmac } from "node:crypto";
import Pusher from "pusher";
import { describe, expect, it } from "vitest";
import { type ConfigInput, type RunningServer, runServer } from "../support/running-server.ts";
import { WebSocketClient } from "../support/web-socket-client.ts";

const KEY = "278d425bdf160c739803";
const SECRET = "7ad3773142a6692b25b8";
const APP = { id: "3", key: KEY, secret: SECRET };
const OTHER_APP = { id: "4", key: "other-key", secret: "other-secret" };

function pusherConfig(pusher: NonNullable<ConfigInput["pusher"]> = {}): ConfigInput {
  return { pusher: { enabled: true, apps: [APP, OTHER_APP], ...pusher } };
}

/** Pusher's SDK for an app. */
function sdkOf({ port }: RunningServer, { id: appId, key, secret } = APP): Pusher {
  return new Pusher({ appId, key, secret, host: "127.0.0.1", port: String(port), useTLS: false });
}

/** The JSON of an answer, whose status is 200. */
async function answerOf(response: Pusher.Response): Promise<unknown> {
  expect(response.status).toBe(200);
  return response.json() as Promise<unknown>;
}

/** Posts an event past the checks of the SDK. */
function post(sdk: Pusher, event: object): Promise<Pusher.Response> {
  // Its types ask for a text, but it is the one who makes JSON of the body.
  return sdk.post({ path: "/events", body: event as unknown as string });
}

interface Frame {
  readonly event: string;
  readonly channel?: string;
  readonly data?: unknown;
}

/** A connection that is read frame by frame, to see `data` as it is on the wire. */
class RawClient implements Disposable {
  readonly #socket: WebSocketClient;
  readonly #app: typeof APP;
  readonly socketId: string;

  private constructor(socket: WebSocketClient, app: typeof APP, socketId: string) {
    this.#socket = socket;
    this.#app = app;
    this.socketId = socketId;
  }

  static async connect({ origin }: RunningServer, app: typeof APP = APP): Promise<RawClient> {
    const socket = await WebSocketClient.open(`${origin.replace("http", "ws")}/app/${app.key}?protocol=7`);
    const { data } = JSON.parse(await socket.nextText()) as { data: string };
    const { socket_id: socketId } = JSON.parse(data) as { socket_id: string };
    return new RawClient(socket, app, socketId);
  }

  async next(): Promise<Frame> {
    return JSON.parse(await this.#socket.nextText()) as Frame;
  }

  /** Subscribes, as the user where one is given; resolves when the server has said so. */
  async subscribe(channel: string, user?: string): Promise<void> {
    const channelData = user === undefined ? undefined : JSON.stringify({ user_id: user });
    const signed = [this.socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(":");
    this.#socket.send({
      event: "pusher:subscribe",
      data: { channel, auth: this.#authOf(signed), channel_data: channelData },
    });
    await this.#untilNext("pusher_internal:subscription_succeeded");
  }

  async signIn(user: string): Promise<void> {
    const userData = JSON.stringify({ id: user });
    const auth = this.#authOf(`${this.socketId}::user::${userData}`);
    this.#socket.send({ event: "pusher:signin", data: { auth, user_data: userData } });
    await this.#untilNext("pusher:signin_success");
  }

  /** Resolves when the server has answered; rejects where it has sent anything before that. */
  async ping(): Promise<void> {
    this.#socket.send({ event: "pusher:ping", data: {} });
    await this.#untilNext("pusher:pong");
  }

  untilClosed(): Promise<{ readonly code: number }> {
    return this.#socket.untilClosed();
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  async #untilNext(event: string): Promise<void> {
    const frame = await this.next();
    if (frame.event !== event) throw new Error(`${JSON.stringify(frame)} instead of ${event}`);
  }

  #authOf(text: string): string {
    return `${this.#app.key}:${createHmac("sha256", this.#app.secret).update(text).digest("hex")}`;
  }
}

describe("pusher's SDK", () => {
  it.each([
    ["text that is JSON", '{ "b" : 1.0 }', '{ "b" : 1.0 }'],
    ["text that is none", 'he said "hi"\u2028', 'he said "hi"\u2028'],
    ["nothing", "", ""],
    ["a quoted text", '"5"', '"5"'],
    ["an object", { a: [1, null] }, '{"a":[1,null]}'],
  ])("pusher 75: %s reaches subscribers character by character", async (_, posted, received) => {
    await using server = await runServer(pusherConfig());
    using client = await RawClient.connect(server);
    await client.subscribe("news");
    expect(await answerOf(await sdkOf(server).trigger("news", "greeting", posted))).toEqual({});
    expect(await client.next()).toEqual({ event: "greeting", channel: "news", data: received });
  });

  it("pusher 75: a batch answers {} and arrives in order", async () => {
    await using server = await runServer(pusherConfig());
    using client = await RawClient.connect(server);
    await client.subscribe("news");
    const batch = Array.from({ length: 10 }, (_, at) => ({ channel: "news", name: `e${at}`, data: at }));
    expect(await answerOf(await sdkOf(server).triggerBatch(batch))).toEqual({});
    const events: string[] = [];
    for (let at = 0; at < 10; at++) events.push((await client.next()).event);
    expect(events).toEqual(batch.map(({ name }) => name));
  });

  it("pusher 76: 100 channels are delivered; 101 are refused", async () => {
    await using server = await runServer(pusherConfig());
    using client = await RawClient.connect(server);
    const channels = Array.from({ length: 100 }, (_, at) => `c${at}`);
    for (const channel of channels) await client.subscribe(channel);
    await sdkOf(server).trigger(channels, "e", "x");
    const delivered: unknown[] = [];
    for (let at = 0; at < 100; at++) delivered.push((await client.next()).channel);
    expect(delivered).toEqual(channels);
    const body = { name: "e", data: "x", channels: [...channels, "c100"] };
    await expect(post(sdkOf(server), body)).rejects.toMatchObject({ status: 400 });
  });

  it("pusher 77: data above the limit is refused with 413, a batch of 11 with 400", async () => {
    await using server = await runServer(pusherConfig());
    const sdk = sdkOf(server);
    await expect(sdk.trigger("news", "e", "x".repeat(100 * 1024 + 1))).rejects.toMatchObject({ status: 413 });
    const batch = Array.from({ length: 11 }, () => ({ channel: "news", name: "e", data: "x" }));
    await expect(sdk.triggerBatch(batch)).rejects.toMatchObject({ status: 400 });
  });

  it("pusher 79: the excluded socket gets nothing, others do", async () => {
    await using server = await runServer(pusherConfig());
    using sender = await RawClient.connect(server);
    using other = await RawClient.connect(server);
    await sender.subscribe("news");
    await other.subscribe("news");
    await sdkOf(server).trigger("news", "e", "x", { socket_id: sender.socketId });
    expect(await other.next()).toMatchObject({ event: "e", data: "x" });
    await sender.ping();
  });

  it("pusher 80: info tells of the channels that an event went to", async () => {
    await using server = await runServer(pusherConfig());
    const sdk = sdkOf(server);
    using first = await RawClient.connect(server);
    using second = await RawClient.connect(server);
    await first.subscribe("presence-room", "1");
    await second.subscribe("presence-room", "1");
    await second.subscribe("news");
    const info = "user_count,subscription_count";
    const triggered = await sdk.trigger(["presence-room", "news"], "e", "x", { info });
    expect(await answerOf(triggered)).toEqual({
      channels: {
        "presence-room": { user_count: 1, subscription_count: 2 },
        news: { subscription_count: 1 },
      },
    });
    const batch = [
      { channel: "news", name: "e", data: "x" },
      { channel: "presence-room", name: "e", data: "x", info },
    ];
    expect(await answerOf(await sdk.triggerBatch(batch))).toEqual({
      batch: [{}, { user_count: 1, subscription_count: 2 }],
    });
  });

  it("pusher 81, 82, 83: what the app is doing", async () => {
    await using server = await runServer(pusherConfig());
    const sdk = sdkOf(server);
    using client = await RawClient.connect(server);
    await client.signIn("7");
    await client.subscribe("news");
    await client.subscribe("presence-a=b@c", "42");
    await client.subscribe("#server-to-user-7");
    const get = async (path: string, params = {}) => answerOf(await sdk.get({ path, params }));
    expect(await get("/channels")).toEqual({ channels: { news: {}, "presence-a=b@c": {} } });
    expect(await get("/channels", { filter_by_prefix: "presence-a=", info: "user_count" })).toEqual({
      channels: { "presence-a=b@c": { user_count: 1 } },
    });
    await expect(get("/channels", { info: "user_count" })).rejects.toMatchObject({ status: 400 });
    expect(await get("/channels/news", { info: "subscription_count" })).toEqual({
      occupied: true,
      subscription_count: 1,
    });
    expect(await get("/channels/other")).toEqual({ occupied: false });
    expect(await get("/channels/presence-a=b@c/users")).toEqual({ users: [{ id: "42" }] });
    await expect(get("/channels/news/users")).rejects.toMatchObject({ status: 400 });
  });

  it("pusher 82: the latest event of a cache channel", async () => {
    await using server = await runServer(pusherConfig({ cache_ttl: "10m" }));
    const sdk = sdkOf(server);
    const params = { info: "cache" };
    const get = async () => answerOf(await sdk.get({ path: "/channels/cache-x", params }));
    expect(await get()).toEqual({ occupied: false, cache: null });
    await sdk.trigger("cache-x", "e", "plain text");
    expect(await get()).toEqual({ occupied: false, cache: { data: "plain text", ttl: 600 } });
    await sdk.trigger("cache-x", "e", { a: 1 });
    expect(await get()).toEqual({ occupied: false, cache: { data: '{"a":1}', ttl: 600 } });
  });

  it.each(["App\\Events\\Sent", "Grüße 👋"])("pusher 84: the event name %s survives", async (name) => {
    await using server = await runServer(pusherConfig());
    using client = await RawClient.connect(server);
    await client.subscribe("news");
    await sdkOf(server).trigger("news", name, "x");
    expect(await client.next()).toMatchObject({ event: name, data: "x" });
  });

  it("pusher 85: apps do not see each other", async () => {
    await using server = await runServer(pusherConfig());
    using ours = await RawClient.connect(server);
    using theirs = await RawClient.connect(server, OTHER_APP);
    for (const client of [ours, theirs]) {
      await client.signIn("7");
      await client.subscribe("news");
      await client.subscribe("#server-to-user-7");
    }
    const sdk = sdkOf(server);
    await sdk.trigger("news", "e", "ours");
    await sdk.sendToUser("7", "e", "ours");
    expect(await ours.next()).toMatchObject({ channel: "news", data: "ours" });
    expect(await ours.next()).toMatchObject({ channel: "#server-to-user-7", data: "ours" });
    await sdkOf(server, OTHER_APP).trigger("news", "e", "theirs");
    expect(await theirs.next()).toMatchObject({ channel: "news", data: "theirs" });
    await sdk.terminateUserConnections("7");
    await theirs.ping();
    await expect(
      sdkOf(server, { ...OTHER_APP, id: APP.id }).get({ path: "/channels" }),
    ).rejects.toMatchObject({ status: 401 });
  });

  it("pusher 69: terminating a user's connections ends all of them with 4009, and no others", async () => {
    await using server = await runServer(pusherConfig());
    using first = await RawClient.connect(server);
    using second = await RawClient.connect(server);
    using member = await RawClient.connect(server);
    await first.signIn("7");
    await second.signIn("7");
    await member.subscribe("presence-room", "7");
    expect(await answerOf(await sdkOf(server).terminateUserConnections("7"))).toEqual({});
    for (const client of [first, second]) {
      expect(await client.untilClosed()).toMatchObject({ code: 4009 });
    }
    await member.ping();
  });

  it("connections are counted by app, and those of a user made anew with 4200", async () => {
    await using server = await runServer(pusherConfig());
    using user = await RawClient.connect(server);
    using other = await RawClient.connect(server);
    using theirs = await RawClient.connect(server, OTHER_APP);
    await user.signIn("7");
    const count = async (): Promise<unknown> => answerOf(await sdkOf(server).get({ path: "/connections" }));
    expect(await count()).toEqual({ connections: 2 });
    await sdkOf(server).post({ path: "/users/7/force_reconnect", body: "{}" });
    expect(await user.untilClosed()).toMatchObject({ code: 4200 });
    for (const client of [other, theirs]) await client.ping();
    await server.untilSessions(2);
    expect(await count()).toEqual({ connections: 1 });
    expect(await (await fetch(`${server.origin}/up`)).json()).toEqual({ health: "OK" });
  });

  it("an idempotency key has an event delivered once", async () => {
    await using server = await runServer(pusherConfig());
    using client = await RawClient.connect(server);
    await client.subscribe("news");
    const body = { name: "e", channel: "news", data: "x", idempotency_key: "k" };
    for (let at = 0; at < 2; at++) await post(sdkOf(server), body);
    expect(await client.next()).toMatchObject({ event: "e" });
    await client.ping();
  });

  it("all of it works below a path prefix", async () => {
    await using server = await runServer(pusherConfig({ path_prefix: "/push" }));
    const path = "/push/apps/3/events";
    const body = JSON.stringify({ name: "e", channel: "news", data: "x" });
    const query = sdkOf(server).createSignedQueryString({ method: "POST", path, body });
    const response = await fetch(`${server.origin}${path}?${query}`, { method: "POST", body });
    expect([response.status, await response.text()]).toEqual([200, "{}"]);
  });
});
