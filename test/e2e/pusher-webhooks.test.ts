import Pusher from "pusher";
import { describe, expect, it } from "vitest";
import { sign } from "../../src/protocols/pusher/signature.ts";
import { runServer, type RunningServer } from "../support/running-server.ts";
import { type ReceivedEvent, WebhookEndpoint } from "../support/webhook-endpoint.ts";
import { WebSocketClient } from "../support/web-socket-client.ts";

const APP = {
  id: "shop",
  key: "shop-key",
  secret: "shop-secret",
  enable_client_messages: true,
};

interface Options {
  readonly app?: Readonly<Record<string, unknown>>;
  readonly webhook?: Readonly<Record<string, unknown>>;
  readonly delivery?: Readonly<Record<string, unknown>>;
}

/** A server whose app has one endpoint. */
function runApp(endpoint: WebhookEndpoint, { app = {}, webhook = {}, delivery = {} }: Options = {}) {
  const pusher = {
    enabled: true,
    webhooks: delivery,
    apps: [{ ...APP, ...app, webhooks: [{ url: endpoint.url, ...webhook }] }],
  };
  return runServer({ pusher });
}

/** A client of the protocol, frame by frame. */
class Subscriber implements Disposable {
  readonly socketId: string;
  readonly #socket: WebSocketClient;

  private constructor(socket: WebSocketClient, socketId: string) {
    this.#socket = socket;
    this.socketId = socketId;
  }

  static async connect({ port }: RunningServer): Promise<Subscriber> {
    const socket = await WebSocketClient.open(`ws://127.0.0.1:${port}/app/${APP.key}?protocol=7`);
    const { data } = JSON.parse(await socket.nextText()) as { readonly data: string };
    return new Subscriber(socket, (JSON.parse(data) as { readonly socket_id: string }).socket_id);
  }

  send(message: unknown): void {
    this.#socket.send(message);
  }

  async next(): Promise<ReceivedEvent> {
    return JSON.parse(await this.#socket.nextText()) as ReceivedEvent;
  }

  /** Resolves when the client has been told that it is subscribed; with a user, to a presence channel. */
  async subscribe(channel: string, user?: string): Promise<void> {
    const channelData = user === undefined ? undefined : JSON.stringify({ user_id: user });
    const text = [this.socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(":");
    const auth = `${APP.key}:${sign(APP.secret, text)}`;
    this.send({ event: "pusher:subscribe", data: { channel, auth, channel_data: channelData } });
    const { event } = await this.next();
    if (event !== "pusher_internal:subscription_succeeded") throw new Error(`answered with ${String(event)}`);
  }

  /** Resolves when the server has worked on everything sent before. */
  async roundTrip(): Promise<void> {
    this.send({ event: "pusher:ping", data: {} });
    while ((await this.next())["event"] !== "pusher:pong");
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** Events of these names, in order, as `name channel user`. */
function told({ events }: WebhookEndpoint, ...names: readonly string[]): string[] {
  return events
    .filter(({ name }) => names.includes(String(name)))
    .map(({ name, channel, user_id: user }) => [name, channel, user].filter(Boolean).join(" "));
}

describe("webhooks of a running server", () => {
  it("pusher 86: body, signature, key and content type pass the SDK's checks", async () => {
    await using endpoint = await WebhookEndpoint.start();
    await using server = await runApp(endpoint, { webhook: { headers: { "X-Team": "7" } } });
    using subscriber = await Subscriber.connect(server);
    await subscriber.subscribe("news");
    await endpoint.untilEvent("channel_occupied");
    const [request] = endpoint.requests;
    if (request === undefined) throw new Error("no request");
    expect(request.headers).toMatchObject({
      "content-type": "application/json",
      "x-pusher-key": APP.key,
      "x-team": "7",
    });
    const host = { host: "127.0.0.1", appId: APP.id, key: APP.key };
    const webhook = new Pusher({ ...host, secret: APP.secret }).webhook(request);
    expect(webhook.isValid()).toBe(true);
    expect(webhook.getEvents()[0]).toEqual({ name: "channel_occupied", channel: "news" });
    expect(Math.abs(webhook.getTime().getTime() - Date.now())).toBeLessThan(60_000);
    expect(new Pusher({ ...host, secret: "another" }).webhook(request).isValid()).toBe(false);
  });

  it("pusher 87: a channel is occupied by its first subscriber, and vacated with the server", async () => {
    await using endpoint = await WebhookEndpoint.start();
    await using server = await runApp(endpoint);
    using first = await Subscriber.connect(server);
    using second = await Subscriber.connect(server);
    await first.subscribe("news");
    await second.subscribe("news");
    first.send({ event: "pusher:unsubscribe", data: { channel: "news" } });
    second.send({ event: "pusher:unsubscribe", data: { channel: "news" } });
    await first.roundTrip();
    await second.roundTrip();
    await second.subscribe("news");
    await server.stop();
    expect(told(endpoint, "channel_occupied", "channel_vacated")).toEqual([
      "channel_occupied news",
      "channel_vacated news",
    ]);
  });

  it("pusher 88: a member is added with the user's first connection, and removed with the last", async () => {
    await using endpoint = await WebhookEndpoint.start();
    await using server = await runApp(endpoint);
    using tab = await Subscriber.connect(server);
    using otherTab = await Subscriber.connect(server);
    await tab.subscribe("presence-room", "ann");
    await otherTab.subscribe("presence-room", "ann");
    tab.send({ event: "pusher:unsubscribe", data: { channel: "presence-room" } });
    await tab.roundTrip();
    await server.stop();
    expect(told(endpoint, "member_added", "member_removed")).toEqual([
      "member_added presence-room ann",
      "member_removed presence-room ann",
    ]);
  });

  it("pusher 89: a client event tells whose it is, and in presence channels which user's", async () => {
    await using endpoint = await WebhookEndpoint.start();
    await using server = await runApp(endpoint, { webhook: { event_types: ["client_event"] } });
    using subscriber = await Subscriber.connect(server);
    await subscriber.subscribe("private-room");
    await subscriber.subscribe("presence-room", "ann");
    const { socketId } = subscriber;
    for (const channel of ["private-room", "presence-room"]) {
      subscriber.send({ event: "client-typing", channel, data: { isTyping: true } });
    }
    await subscriber.roundTrip();
    await server.stop();
    const event = {
      name: "client_event",
      event: "client-typing",
      data: '{"isTyping":true}',
      socket_id: socketId,
    };
    expect(endpoint.events).toEqual([
      { ...event, channel: "private-room" },
      { ...event, channel: "presence-room", user_id: "ann" },
    ]);
  });

  it("pusher 90: an endpoint that answers 500 is told again, the same bytes, until it answers 200", async () => {
    await using endpoint = await WebhookEndpoint.start();
    await using server = await runApp(endpoint, {
      webhook: { event_types: ["channel_occupied"] },
      delivery: { retry_min_delay: "1ms" },
    });
    endpoint.answer = (_request, response) =>
      response.writeHead(endpoint.requests.length < 3 ? 500 : 200).end();
    using subscriber = await Subscriber.connect(server);
    await subscriber.subscribe("news");
    await endpoint.untilRequests(3);
    await server.stop();
    expect(endpoint.requests).toHaveLength(3);
    expect(new Set(endpoint.requests.map(({ rawBody }) => rawBody)).size).toBe(1);
  });

  it("pusher 91: what is left of a filtered batch is what has been signed", async () => {
    await using endpoint = await WebhookEndpoint.start();
    await using server = await runApp(endpoint, {
      webhook: { event_types: ["channel_occupied"], filter: { channel_prefix: "private-" } },
    });
    using subscriber = await Subscriber.connect(server);
    for (const channel of ["news", "private-a", "presence-b"]) {
      await subscriber.subscribe(channel, channel.startsWith("presence-") ? "ann" : undefined);
    }
    await server.stop();
    expect(endpoint.events).toEqual([{ name: "channel_occupied", channel: "private-a" }]);
    const [request] = endpoint.requests;
    expect(request?.headers["x-pusher-signature"]).toBe(sign(APP.secret, request?.rawBody ?? ""));
  });

  it("pusher 49: an empty cache channel is told of", async () => {
    await using endpoint = await WebhookEndpoint.start();
    await using server = await runApp(endpoint);
    using subscriber = await Subscriber.connect(server);
    await subscriber.subscribe("cache-scores");
    expect(await endpoint.untilEvent("cache_miss")).toEqual({ name: "cache_miss", channel: "cache-scores" });
  });

  it("pusher 54: subscribers and backend are told how many there are, but not in presence channels", async () => {
    await using endpoint = await WebhookEndpoint.start();
    await using server = await runApp(endpoint, { app: { enable_subscription_count: true } });
    using first = await Subscriber.connect(server);
    using second = await Subscriber.connect(server);
    const frame = (count: number): ReceivedEvent => ({
      event: "pusher_internal:subscription_count",
      channel: "news",
      data: `{"subscription_count":${count}}`,
    });
    await first.subscribe("news");
    expect(await first.next()).toEqual(frame(1));
    await second.subscribe("news");
    expect([await first.next(), await second.next()]).toEqual([frame(2), frame(2)]);
    await second.subscribe("presence-room", "ann");
    second.send({ event: "pusher:unsubscribe", data: { channel: "news" } });
    expect(await first.next()).toEqual(frame(1));
    await server.stop();
    const counts = endpoint.events.filter(({ name }) => name === "subscription_count").slice(0, 3);
    expect(
      counts.map(({ channel, subscription_count: count }) => `${String(channel)} ${String(count)}`),
    ).toEqual(["news 1", "news 2", "news 1"]);
  });
});
