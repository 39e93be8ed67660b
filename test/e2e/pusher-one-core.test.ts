import { EventSource } from "eventsource";
import { describe, expect, it, onTestFinished } from "vitest";
import { API_CONFIG, askApi } from "../support/api-client.ts";
import { APP, PusherJsClient, sdkOf } from "../support/pusher-client.ts";
import { type ConfigInput, endpointUrl, type RunningServer, runServer } from "../support/running-server.ts";
import { Signal } from "../support/signal.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const NEWS = `${APP.id}:news`;
const ROOM = `${APP.id}:presence-room`;
const CONFIG: ConfigInput = {
  pusher: { enabled: true, apps: [{ ...APP, enable_client_messages: true }] },
  http_api: API_CONFIG,
  client: { allow_anonymous_connect_without_token: true, token: { hmac_secret_key: "k" } },
  channel: {
    namespaces: [
      {
        name: APP.id,
        allow_subscribe_for_client: true,
        allow_subscribe_for_anonymous: true,
        join_leave: true,
        force_push_join_leave: true,
      },
    ],
  },
};

/** What a plain EventSource hears, push by push. */
class Listener {
  readonly #heard: string[] = [];
  readonly #signal = new Signal();

  /** Connects with a connect request, and closes with the test. */
  constructor(server: RunningServer, connect: object) {
    const source = new EventSource(endpointUrl(server.origin, "uni_sse", connect));
    onTestFinished(() => source.close());
    source.addEventListener("message", ({ data }: { readonly data: string }) => {
      this.#heard.push(data);
      this.#signal.notify();
    });
  }

  /** Resolves to the first push with the text, once there is one. */
  async until(text: string): Promise<string> {
    const find = (): string | undefined => this.#heard.find((push) => push.includes(text));
    await this.#signal.until(() => find() !== undefined, text);
    return find() ?? "";
  }

  get heard(): readonly string[] {
    return this.#heard;
  }
}

/** The connections that the API knows of, as far as they are compared here. */
async function connectionsOf(server: RunningServer, filter: object): Promise<readonly unknown[]> {
  const { result } = (await askApi(server, "connections", filter)) as {
    readonly result: { readonly connections: Readonly<Record<string, Record<string, unknown>>> };
  };
  return Object.values(result.connections).map(({ user, transport, labels, app_name: appName }) => ({
    user,
    transport,
    labels,
    appName,
  }));
}

describe("one core: publications", () => {
  it("what the Centrifugo API publishes reaches pusher-js, named by its tag", async () => {
    await using server = await runServer(CONFIG);
    using client = await PusherJsClient.connect(server);
    await client.subscribe("news");
    await askApi(server, "publish", { channel: NEWS, data: { n: 1 }, tags: { event: "headline" } });
    expect(await client.until("news headline")).toBe('news headline {"n":1}');
    await askApi(server, "publish", { channel: NEWS, data: "text" });
    expect(await client.until("news message")).toBe('news message "text"');
    await askApi(server, "broadcast", { channels: [NEWS], data: [1], tags: { event: "list" } });
    expect(await client.until("news list")).toBe("news list [1]");
  });

  it("what Pusher's HTTP API triggers reaches an EventSource", async () => {
    await using server = await runServer(CONFIG);
    const listener = new Listener(server, { subs: { [NEWS]: {} } });
    await listener.until("connect");
    await sdkOf(server).trigger("news", "headline", { n: 1 });
    expect(await listener.until('"pub"')).toBe(
      `{"channel":"${NEWS}","pub":{"data":{"n":1},"tags":{"event":"headline"}}}`,
    );
    await sdkOf(server).trigger("news", "text", "no JSON");
    expect(await listener.until("no JSON")).toContain('"data":"no JSON"');
  });

  it("one publication reaches both, and a private channel takes a token of Centrifugo's clients", async () => {
    await using server = await runServer(CONFIG);
    using client = await PusherJsClient.connect(server);
    await client.subscribe("private-a");
    const channel = `${APP.id}:private-a`;
    const granted = new Listener(server, { token: hmacToken({ sub: "7", channels: [channel] }) });
    const asking = new Listener(server, { subs: { [channel]: {}, [NEWS]: {} } });
    for (const listener of [granted, asking]) await listener.until("connect");
    await sdkOf(server).trigger("private-a", "e", 1);
    expect(await client.until("private-a e")).toBe("private-a e 1");
    expect(await granted.until('"pub"')).toContain(`"channel":"${channel}"`);
    await sdkOf(server).trigger("news", "e", 2);
    expect(await asking.until('"pub"')).toContain(`"channel":"${NEWS}"`);
    expect(asking.heard.filter((push) => push.includes("private-a"))).toEqual([]);
  });

  it("a client event reaches an EventSource too", async () => {
    await using server = await runServer(CONFIG);
    using client = await PusherJsClient.connect(server);
    const channel = await client.subscribe("private-a");
    const token = hmacToken({ sub: "7", channels: [`${APP.id}:private-a`] });
    const listener = new Listener(server, { token });
    await listener.until("connect");
    channel.trigger("client-e", { n: 1 });
    expect(await listener.until("client-e")).toContain('"data":{"n":1}');
  });

  it("the history of a cache channel is the latest event", async () => {
    await using server = await runServer(CONFIG);
    await sdkOf(server).trigger("cache-a", "e", 1);
    await sdkOf(server).trigger("cache-a", "e", 2);
    const history = await askApi(server, "history", { channel: `${APP.id}:cache-a`, limit: 10 });
    expect(history).toMatchObject({ result: { publications: [{ data: 2, tags: { event: "e" } }] } });
    await askApi(server, "publish", { channel: `${APP.id}:cache-a`, data: 3, tags: { event: "f" } });
    using client = await PusherJsClient.connect(server);
    await client.subscribe("cache-a");
    expect(await client.until("cache-a f")).toBe("cache-a f 3");
  });
});

describe("one core: presence", () => {
  it("a Centrifugo user is a Pusher member, and the reverse", async () => {
    await using server = await runServer(CONFIG);
    using client = await PusherJsClient.connect(server, { user: { id: "1" } });
    await client.subscribe("presence-room");
    const claims = { sub: "7", info: { name: "seven" }, channels: [ROOM] };
    const listener = new Listener(server, { token: hmacToken(claims) });
    expect(await client.until("presence-room pusher:member_added")).toBe(
      'presence-room pusher:member_added {"id":"7","info":{"name":"seven"}}',
    );
    using other = await PusherJsClient.connect(server, { user: { id: "7" } });
    expect(await subscriptionOf(other)).toMatchObject({ count: 2, members: { 1: { name: "user 1" } } });
    await listener.until("connect");
    const presence = await askApi(server, "presence_stats", { channel: ROOM });
    expect(presence).toEqual({ result: { num_clients: 3, num_users: 2 } });
    const all = (await askApi(server, "presence", { channel: ROOM })) as {
      readonly result: { readonly presence: Readonly<Record<string, { readonly user: string }>> };
    };
    expect(
      Object.values(all.result.presence)
        .map(({ user }) => user)
        .toSorted(),
    ).toEqual(["1", "7", "7"]);
  });

  it("Centrifugo's clients are told of Pusher's joining and leaving, where the namespace says so", async () => {
    await using server = await runServer(CONFIG);
    const listener = new Listener(server, { token: hmacToken({ sub: "7", channels: [ROOM] }) });
    await listener.until("connect");
    using client = await PusherJsClient.connect(server, { user: { id: "1" } });
    await client.subscribe("presence-room");
    expect(await listener.until('"user":"1"')).toContain('"join":{"info":{"user":"1"');
    client.pusher.unsubscribe("presence-room");
    expect(await listener.until('"leave"')).toContain('"leave":{"info":{"user":"1"');
  });

  it("a member who leaves leaves for everybody", async () => {
    await using server = await runServer(CONFIG);
    using client = await PusherJsClient.connect(server, { user: { id: "1" } });
    await client.subscribe("presence-room");
    const token = hmacToken({ sub: "7", channels: [ROOM] });
    const listener = new Listener(server, { token });
    await listener.until("connect");
    await client.until("presence-room pusher:member_added");
    await askApi(server, "disconnect", { user: "7", disconnect: { code: 4501, reason: "bye" } });
    expect(await client.until("presence-room pusher:member_removed")).toContain('"id":"7"');
  });
});

describe("one core: connections", () => {
  it("Pusher's connections are known by user and app", async () => {
    await using server = await runServer(CONFIG);
    using client = await PusherJsClient.connect(server, { user: { id: "1" } });
    using _ = await PusherJsClient.connect(server);
    client.pusher.signin();
    await client.pusher.user.signinDonePromise;
    const expected = { transport: "pusher", labels: { app: APP.id }, appName: "js" };
    expect(await connectionsOf(server, { user: "1" })).toEqual([{ ...expected, user: "1" }]);
    const labelFilter = { key: "app", cmp: "eq", val: APP.id };
    expect(await connectionsOf(server, { label_filter: labelFilter })).toHaveLength(2);
  });

  it("the API disconnects them, and they stay away", async () => {
    await using server = await runServer(CONFIG);
    using client = await PusherJsClient.connect(server, { user: { id: "1" } });
    client.pusher.signin();
    await client.pusher.user.signinDonePromise;
    await askApi(server, "disconnect", { user: "1" });
    await client.until("state disconnected");
    expect(client.heard.at(-2)).toContain('"code":4009');
  });

  it("a blocked user is put out, and cannot sign in again", async () => {
    await using server = await runServer(CONFIG);
    using client = await PusherJsClient.connect(server, { user: { id: "1" } });
    client.pusher.signin();
    await client.pusher.user.signinDonePromise;
    await askApi(server, "block_user", { user: "1" });
    await client.until("state disconnected");
    using again = await PusherJsClient.connect(server, { user: { id: "1" } });
    again.pusher.signin();
    await again.until("state disconnected");
    expect(again.heard.at(-2)).toContain('"code":4009');
    await server.untilSessions(0);
  });
});

/** The members that a client finds in the room. */
async function subscriptionOf(client: PusherJsClient): Promise<unknown> {
  await client.subscribe("presence-room");
  const text = await client.until("presence-room pusher:subscription_succeeded");
  return JSON.parse(text.slice("presence-room pusher:subscription_succeeded ".length)) as unknown;
}
