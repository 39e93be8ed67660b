import nacl from "tweetnacl";
import { describe, expect, it } from "vitest";
import { disconnect } from "../../src/core/disconnect.ts";
import { APP, pusherConfig, PusherJsClient, sdkOf } from "../support/pusher-client.ts";
import { runServer } from "../support/running-server.ts";
import { SeverableProxy } from "../support/severable-proxy.ts";
import { WebSocketClient } from "../support/web-socket-client.ts";

function statesIn(heard: readonly string[]): readonly string[] {
  return heard.filter((text) => text.startsWith("state "));
}

describe("pusher-js: connection", () => {
  it("pusher 1, 2, 3: connects, each client with a socket id of its own", async () => {
    await using server = await runServer(pusherConfig());
    using first = await PusherJsClient.connect(server);
    using second = await PusherJsClient.connect(server);
    expect(first.socketId).toMatch(/^\d+\.\d+$/u);
    expect(first.socketId).not.toBe(second.socketId);
    expect(first.heard).toEqual(["state connected"]);
  });

  it("pusher 4: connects below a path prefix", async () => {
    const { pusher } = pusherConfig();
    await using server = await runServer({ pusher: { ...pusher, path_prefix: "/a/b" } });
    using client = await PusherJsClient.connect(server, { wsPath: "/a/b" });
    expect(client.pusher.connection.state).toBe("connected");
  });

  it.each([
    ["pusher 5: an unknown key", {}, { key: "unknown" }, 4001],
    ["pusher 6: a disabled app", { enabled: false }, {}, 4003],
  ])("%s ends in disconnected, for good", async (_, app, options, code) => {
    await using server = await runServer(pusherConfig(app));
    using client = new PusherJsClient(server, options);
    await client.until("state disconnected");
    expect(client.heard).toEqual([
      expect.stringMatching(new RegExp(`^error .*"code":${code}`, "u")),
      "state disconnected",
    ]);
    expect(client.pusher.connection.retryTimer ?? undefined).toBeUndefined();
  });

  it("pusher 7: one too many is told, and the others stay", async () => {
    await using server = await runServer(pusherConfig({ max_connections: 1 }));
    using first = await PusherJsClient.connect(server);
    using second = new PusherJsClient(server);
    expect(await second.until("error")).toContain('"code":4004');
    await second.until("state disconnected");
    await first.subscribe("a");
  });

  it("pusher 15: a shutdown closes with 4200, and clients go to the next server at once", async () => {
    const server = await runServer(pusherConfig());
    await using next = await runServer(pusherConfig());
    await using proxy = await SeverableProxy.open(server.port);
    using raw = await WebSocketClient.open(`ws://127.0.0.1:${server.port}/app/${APP.key}`);
    using client = await PusherJsClient.connect(server, { wsPort: proxy.port });
    await client.subscribe("a");
    const before = client.heard.length;
    proxy.targetPort = next.port;
    await server[Symbol.asyncDispose]();
    expect((await raw.untilClosed()).code).toBe(4200);
    await client.untilAfter(before, "a pusher:subscription_succeeded");
    expect(statesIn(client.heard.slice(before))).toEqual(["state connecting", "state connected"]);
    await sdkOf(next).trigger("a", "e", { n: 1 });
    expect(await client.until("a e")).toBe('a e {"n":1}');
    expect(proxy.connections).toBe(2);
  });

  it("pusher 15: reconnects at once where somebody answers", async () => {
    await using server = await runServer(pusherConfig());
    using client = await PusherJsClient.connect(server);
    const { socketId } = client;
    const before = client.heard.length;
    await server.node.sessions.disconnect({ user: "", client: "", session: "" }, disconnect("shutdown"), []);
    await client.untilAfter(before, "state connected");
    expect(statesIn(client.heard.slice(before))).toEqual(["state connecting", "state connected"]);
    expect(client.socketId).not.toBe(socketId);
  });
});

describe("pusher-js: channels", () => {
  it("pusher 17, 33: hears what a backend triggers, until it unsubscribes", async () => {
    await using server = await runServer(pusherConfig());
    const sdk = sdkOf(server);
    using client = await PusherJsClient.connect(server);
    await client.subscribe("a");
    await client.subscribe("b");
    await sdk.trigger(["a", "b"], "e", { text: "ü", list: [1, null] });
    await client.until("b e");
    client.pusher.unsubscribe("a");
    // The connection answers in order.
    await client.subscribe("c");
    await sdk.trigger(["a", "b"], "later", "x");
    await client.until("b later");
    const [succeeded, ...events] = client.eventsOf("a");
    expect(succeeded).toBe("pusher:subscription_succeeded {}");
    expect(events).toEqual(['e {"text":"ü","list":[1,null]}']);
    expect(client.eventsOf("b").slice(1)).toEqual(['e {"text":"ü","list":[1,null]}', 'later "x"']);
  });

  it("a client does not hear the event that it had its backend trigger", async () => {
    await using server = await runServer(pusherConfig());
    using one = await PusherJsClient.connect(server);
    using two = await PusherJsClient.connect(server);
    for (const client of [one, two]) await client.subscribe("a");
    await sdkOf(server).trigger("a", "own", 1, { socket_id: one.socketId });
    await sdkOf(server).trigger("a", "all", 2);
    for (const client of [one, two]) await client.until("a all");
    expect([one.eventsOf("a").slice(1), two.eventsOf("a").slice(1)]).toEqual([["all 2"], ["own 1", "all 2"]]);
  });

  it("pusher 21, 26, 55: private channels and their client events", async () => {
    await using server = await runServer(pusherConfig({ enable_client_messages: true }));
    using one = await PusherJsClient.connect(server);
    using two = await PusherJsClient.connect(server);
    const channel = await one.subscribe("private-a");
    await two.subscribe("private-a");
    channel.trigger("client-e", { typing: true });
    expect(await two.until("private-a client-e")).toBe('private-a client-e {"typing":true}');
    await sdkOf(server).trigger("private-a", "last", 1);
    await one.until("private-a last");
    expect(one.eventsOf("private-a").slice(1)).toEqual(["last 1"]);
  });

  it("pusher 22: a wrong signature fires subscription_error", async () => {
    await using server = await runServer(pusherConfig());
    using client = await PusherJsClient.connect(server, {
      channelAuthorization: {
        endpoint: "",
        transport: "ajax",
        customHandler: (_, callback) => callback(null, { auth: `${APP.key}:0` }),
      },
    });
    client.listen("private-a");
    const error = await client.until("private-a pusher:subscription_error");
    expect(error).toContain('"type":"AuthError"');
    expect(error).toContain('"status":401');
    expect(client.pusher.connection.state).toBe("connected");
  });

  it("pusher 30: encrypted channels, end to end", async () => {
    await using server = await runServer(pusherConfig());
    using client = await PusherJsClient.connect(server, { nacl });
    await client.subscribe("private-encrypted-a");
    await sdkOf(server).trigger("private-encrypted-a", "e", { secret: "ü" });
    expect(await client.until("private-encrypted-a e")).toBe('private-encrypted-a e {"secret":"ü"}');
  });

  it("pusher 35, 36, 38, 39: presence channels, each user once", async () => {
    await using server = await runServer(pusherConfig());
    using ann = await PusherJsClient.connect(server, { user: { id: "1" } });
    await ann.subscribe("presence-a");
    const bob = await PusherJsClient.connect(server, { user: { id: "2" } });
    using bobsOther = await PusherJsClient.connect(server, { user: { id: "2" } });
    await bob.subscribe("presence-a");
    await bobsOther.subscribe("presence-a");
    expect(await bobsOther.until("presence-a pusher:subscription_succeeded")).toContain('"count":2');
    bob[Symbol.dispose]();
    await server.untilSessions(2);
    bobsOther.pusher.unsubscribe("presence-a");
    await ann.until("presence-a pusher:member_removed");
    expect(ann.eventsOf("presence-a").slice(1)).toEqual([
      'pusher:member_added {"id":"2","info":{"name":"user 2"}}',
      'pusher:member_removed {"id":"2","info":{"name":"user 2"}}',
    ]);
  });

  it("pusher 49, 50: cache channels", async () => {
    await using server = await runServer(pusherConfig());
    using one = await PusherJsClient.connect(server);
    await one.subscribe("cache-a");
    await one.until("cache-a pusher:cache_miss");
    await sdkOf(server).trigger("cache-a", "e", { n: 1 });
    using two = await PusherJsClient.connect(server);
    await two.subscribe("cache-a");
    expect(await two.until("cache-a e")).toBe('cache-a e {"n":1}');
  });

  it("pusher 54: subscription counts", async () => {
    await using server = await runServer(pusherConfig({ enable_subscription_count: true }));
    using one = await PusherJsClient.connect(server);
    const channel = await one.subscribe("a");
    using two = await PusherJsClient.connect(server);
    await two.subscribe("a");
    await one.until('a pusher:subscription_count {"subscription_count":2}');
    expect(channel.subscriptionCount).toBe(2);
  });
});

describe("pusher-js: users", () => {
  it("pusher 63, 65, 66: signs in, and gets what a backend sends to the user", async () => {
    await using server = await runServer(pusherConfig());
    using client = await PusherJsClient.connect(server, { user: { id: "42" } });
    using member = await PusherJsClient.connect(server, { user: { id: "42" } });
    await member.subscribe("presence-a");
    const { user } = client.pusher;
    user.bind_global((event: string, data: unknown) => client.note(`user ${event} ${JSON.stringify(data)}`));
    client.pusher.signin();
    await user.signinDonePromise;
    user.serverToUserChannel.bind("pusher:subscription_succeeded", () => client.note("user subscribed"));
    await client.until("user subscribed");
    await sdkOf(server).sendToUser("42", "hello", { n: 1 });
    expect(await client.until("user hello")).toBe('user hello {"n":1}');
    expect(member.heard.filter((text) => text.includes("hello"))).toEqual([]);
  });

  it("pusher 67: tells who of a watchlist comes and goes", async () => {
    await using server = await runServer(pusherConfig({ enable_watchlist_events: true }));
    using watcher = await PusherJsClient.connect(server, { user: { id: "w", watchlist: ["1", "2"] } });
    for (const name of ["online", "offline"]) {
      watcher.pusher.user.watchlist.bind(name, ({ user_ids: ids }: { readonly user_ids: string[] }) =>
        watcher.note(`${name} ${ids.join()}`),
      );
    }
    watcher.pusher.signin();
    await watcher.until("offline 1,2");
    const watched = await PusherJsClient.connect(server, { user: { id: "2" } });
    watched.pusher.signin();
    await watcher.until("online 2");
    watched[Symbol.dispose]();
    expect(await watcher.until("offline 2")).toBe("offline 2");
  });

  it("pusher 69: a backend ends all connections of a user, and they stay away", async () => {
    await using server = await runServer(pusherConfig());
    using client = await PusherJsClient.connect(server, { user: { id: "42" } });
    using other = await PusherJsClient.connect(server, { user: { id: "43" } });
    for (const { pusher } of [client, other]) {
      pusher.signin();
      await pusher.user.signinDonePromise;
    }
    await sdkOf(server).terminateUserConnections("42");
    await client.until("state disconnected");
    expect(client.heard.at(-2)).toContain('"code":4009');
    await other.subscribe("a");
  });
});
