import Echo from "laravel-echo";
import { describe, expect, it } from "vitest";
import { pusherConfig, PusherJsClient, type PusherUser, sdkOf } from "../support/pusher-client.ts";
import { type RunningServer, runServer } from "../support/running-server.ts";

/** Laravel Echo over `pusher-js`, and what its callbacks are called with: `<what> <JSON>`. */
class EchoClient implements Disposable {
  readonly echo: Echo<"pusher">;
  readonly #client: PusherJsClient;

  private constructor(client: PusherJsClient) {
    this.#client = client;
    this.echo = new Echo<"pusher">({
      broadcaster: "pusher",
      key: "",
      cluster: "",
      client: client.pusher,
    });
  }

  static over(client: PusherJsClient): EchoClient {
    return new EchoClient(client);
  }

  static async connect(server: RunningServer, user?: PusherUser): Promise<EchoClient> {
    return new EchoClient(await PusherJsClient.connect(server, user === undefined ? {} : { user }));
  }

  /** A callback that notes what it is called with. */
  readonly note =
    (what: string) =>
    (value: unknown): void =>
      this.#client.note(`${what} ${JSON.stringify(value)}`);

  until(beginning: string): Promise<string> {
    return this.#client.until(beginning);
  }

  get heard(): readonly string[] {
    return this.#client.heard;
  }

  [Symbol.dispose](): void {
    this.echo.disconnect();
  }
}

describe("laravel-echo", () => {
  it("hears Laravel's events in public and private channels, and leaves them", async () => {
    await using server = await runServer(pusherConfig());
    using client = await EchoClient.connect(server);
    const { echo, note } = client;
    echo.channel("orders").subscribed(note("subscribed")).listen("OrderShipped", note("shipped"));
    echo.private("orders.1").subscribed(note("private")).listen(".custom", note("custom"));
    await client.until("subscribed");
    await client.until("private");
    await sdkOf(server).trigger("orders", String.raw`App\Events\OrderShipped`, { id: 1 });
    expect(await client.until("shipped")).toBe('shipped {"id":1}');
    await sdkOf(server).trigger("private-orders.1", "custom", { id: 2 });
    expect(await client.until("custom")).toBe('custom {"id":2}');
    echo.leave("orders");
    echo.channel("after").subscribed(note("after"));
    await client.until("after");
    expect(await server.node.channels.subscriberCount("chat-app:orders")).toBe(0);
  });

  it("pusher 35, 36, 39: here, joining and leaving of a presence channel", async () => {
    await using server = await runServer(pusherConfig());
    using ann = await EchoClient.connect(server, { id: "1" });
    ann.echo.join("room").here(ann.note("here")).joining(ann.note("joining")).leaving(ann.note("leaving"));
    expect(await ann.until("here")).toBe('here [{"name":"user 1"}]');
    using bob = await EchoClient.connect(server, { id: "2" });
    bob.echo.join("room").here(bob.note("here"));
    expect(await bob.until("here")).toBe('here [{"name":"user 1"},{"name":"user 2"}]');
    expect(await ann.until("joining")).toBe('joining {"name":"user 2"}');
    bob.echo.leave("room");
    expect(await ann.until("leaving")).toBe('leaving {"name":"user 2"}');
  });

  it("pusher 55: whispers reach the others", async () => {
    await using server = await runServer(pusherConfig({ enable_client_messages: true }));
    using one = await EchoClient.connect(server, { id: "1" });
    using two = await EchoClient.connect(server, { id: "2" });
    for (const { echo, note } of [one, two]) {
      echo.private("room").subscribed(note("subscribed")).listenForWhisper("typing", note("typing"));
    }
    for (const client of [one, two]) await client.until("subscribed");
    one.echo.private("room").whisper("typing", { name: "Ann" });
    expect(await two.until("typing")).toBe('typing {"name":"Ann"}');
    two.echo.private("room").whisper("typing", { name: "Bob" });
    expect(await one.until("typing")).toBe('typing {"name":"Bob"}');
  });

  it("pusher 22: error() is called when the server refuses the signature", async () => {
    await using server = await runServer(pusherConfig());
    const badly = new PusherJsClient(server, {
      channelAuthorization: {
        endpoint: "",
        transport: "ajax",
        customHandler: (_, callback) => callback(null, { auth: "app-key:0" }),
      },
    });
    using client = EchoClient.over(badly);
    client.echo.private("room").error(client.note("error"));
    const error = await client.until("error");
    expect(JSON.parse(error.slice("error ".length))).toMatchObject({ type: "AuthError", status: 401 });
  });

  it("toOthers: a client that names its socket does not hear its own event", async () => {
    await using server = await runServer(pusherConfig());
    using one = await EchoClient.connect(server);
    using two = await EchoClient.connect(server);
    for (const { echo, note } of [one, two]) {
      echo.channel("room").subscribed(note("subscribed")).listen(".said", note("said"));
    }
    for (const client of [one, two]) await client.until("subscribed");
    await sdkOf(server).trigger("room", "said", 1, { socket_id: one.echo.socketId() ?? "" });
    await sdkOf(server).trigger("room", "said", 2);
    await two.until("said 2");
    await one.until("said 2");
    const said = (client: EchoClient): readonly string[] =>
      client.heard.filter((text) => text.startsWith("said"));
    expect([said(one), said(two)]).toEqual([["said 2"], ["said 1", "said 2"]]);
  });
});
