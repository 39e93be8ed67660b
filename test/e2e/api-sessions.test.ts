import { isDeepStrictEqual } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { CentrifugoApi } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { CentrifugoUniStream } from "../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import {
  API_CONFIG,
  API_KEY,
  apiCodeOf,
  askApi,
  callApi,
  publishNumbers,
  readHistory,
} from "../support/api-client.ts";
import { callUnary } from "../support/grpc-calls.ts";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse, type PushStream } from "../support/push-stream.ts";
import { type ConfigInput, type RunningServer, runServer } from "../support/running-server.ts";
import { openWebSocket } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const LISTENER = { enabled: true, address: "127.0.0.1", port: 0 };
const HISTORY = { history_size: 100, history_ttl: "60s" };
const CONFIG: ConfigInput = {
  client: {
    allow_anonymous_connect_without_token: true,
    expired_close_delay: "0s",
    expired_sub_close_delay: "0s",
    presence_update_interval: "100ms",
  },
  http_api: API_CONFIG,
  grpc_api: { ...LISTENER, key: API_KEY },
  uni_grpc: LISTENER,
  channel: {
    namespaces: [
      { name: "hp", ...HISTORY, presence: true },
      { name: "rec", ...HISTORY, force_recovery: true },
      { name: "told", join_leave: true, force_push_join_leave: true, presence: true },
    ],
  },
};
const OK = { result: {} };

let server: RunningServer;
beforeAll(async () => {
  server = await runServer(CONFIG);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => server.untilSessions(0));

/** A connection that stays until the test is over. */
interface Connected {
  readonly stream: PushStream;
  readonly client: string;
  readonly session: string;
}

async function connect(claims: object | undefined, to: RunningServer = server): Promise<Connected> {
  const request = claims === undefined ? {} : { token: hmacToken({ ...claims }) };
  const stream = await openHttpStream(to, request);
  onTestFinished(() => stream[Symbol.asyncDispose]());
  const { client = "", session = "" } = (await stream.next()).connect ?? {};
  return { stream, client, session };
}

/** Fails unless the next thing that a connection hears is this publication: nothing else was on its way. */
async function expectNext({ stream }: Connected, channel: string, data: unknown): Promise<void> {
  expect(await stream.next()).toMatchObject({ channel, pub: { data } });
}

function nowSec(): number {
  return Math.floor(Date.now() / 1000);
}

describe("subscribe", () => {
  it("uni 74: tells each connection of the user, and publications follow", async () => {
    const both = [await connect({ sub: "1" }), await connect({ sub: "1" })];
    const other = await connect({ sub: "2" });
    expect(await askApi(server, "subscribe", { user: "1", channel: "a", data: { d: [1] } })).toEqual(OK);
    await askApi(server, "subscribe", { user: "2", channel: "b" });
    await server.publish("a", 1);
    await server.publish("b", 2);
    for (const connected of both) {
      expect(await connected.stream.nextText()).toBe('{"channel":"a","subscribe":{"data":{"d":[1]}}}');
      await expectNext(connected, "a", 1);
    }
    expect(await other.stream.nextText()).toBe('{"channel":"b","subscribe":{}}');
    await expectNext(other, "b", 2);
  });

  it("uni 74: on every transport", async () => {
    const request = { token: hmacToken({ sub: "1" }) };
    await using events = await openSse(server, request);
    using webSocket = await openWebSocket(server, request);
    using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, request);
    for (const client of [events, webSocket, grpc]) await client.next();
    await publishNumbers(server, "rec:each", 1, 2);
    const { epoch } = await readHistory(server, "rec:each");
    await askApi(server, "subscribe", { user: "1", channel: "rec:each", data: 0 });
    await publishNumbers(server, "rec:each", 3, 3);
    const told = `{"channel":"rec:each","subscribe":{"recoverable":true,"epoch":"${epoch}","offset":2,"positioned":true,"data":0}}`;
    for (const client of [events, webSocket]) {
      expect(await client.nextText()).toBe(told);
      expect(await client.next()).toMatchObject({ pub: { data: 3, offset: 3 } });
    }
    const push = await grpc.next();
    expect(push.channel).toBe("rec:each");
    expect(push.subscribe).toMatchObject({ recoverable: true, positioned: true, offset: 2n, epoch });
    expect((await grpc.next()).pub?.offset).toBe(3n);
  });

  it("api 56: needs a channel, of a known namespace", async () => {
    expect(await apiCodeOf(server, "subscribe", { user: "1" })).toBe(107);
    expect(await apiCodeOf(server, "subscribe", { user: "1", channel: "x:y" })).toBe(102);
  });

  it("api 57: a user who is not there is no error", async () => {
    expect((await callApi(server, "subscribe", { user: "nobody", channel: "a" })).text).toBe('{"result":{}}');
  });

  it("api 58: of clients that listen already tells each again, with join, presence and the new data", async () => {
    const both = [await connect({ sub: "1" }), await connect({ sub: "1" })];
    const channel = "told:again";
    const subscribe = (data: string): Promise<unknown> =>
      askApi(server, "subscribe", { user: "1", channel, data, info: data });
    const joinOf = (client: string, data: string): unknown => ({
      channel,
      join: { info: { user: "1", client, chan_info: data } },
    });
    expect(await subscribe("first")).toEqual(OK);
    for (const { stream, client } of both) {
      // Where another worker has the other client, that one's join may come before this one listens, or after all else.
      const pushes = [await stream.next(), await stream.next()];
      if (!pushes.some((push) => isDeepStrictEqual(push, joinOf(client, "first"))))
        pushes.push(await stream.next());
      expect(pushes).toContainEqual({ channel, subscribe: { data: "first" } });
      expect(pushes).toContainEqual(joinOf(client, "first"));
    }
    expect(await subscribe("second")).toEqual(OK);
    for (const { stream } of both) {
      const pushes: unknown[] = [];
      while (pushes.length < 3) {
        const push = await stream.next();
        if (!both.some(({ client }) => isDeepStrictEqual(push, joinOf(client, "first")))) pushes.push(push);
      }
      expect(pushes).toContainEqual({ channel, subscribe: { data: "second" } });
      for (const { client } of both) expect(pushes).toContainEqual(joinOf(client, "second"));
    }
    const infos = both.map(({ client }) => [client, { user: "1", client, chan_info: "second" }]);
    expect(await askApi(server, "presence", { channel })).toEqual({
      result: { presence: Object.fromEntries(infos) },
    });
    await server.publish(channel, 1);
    for (const connected of both) await expectNext(connected, channel, 1);
  });

  it("api 58: on every transport, with the position", async () => {
    const request = { token: hmacToken({ sub: "1" }) };
    await using events = await openSse(server, request);
    using webSocket = await openWebSocket(server, request);
    using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, request);
    for (const client of [events, webSocket, grpc]) await client.next();
    for (const data of [1, 2]) {
      await askApi(server, "subscribe", { user: "1", channel: "rec:again", data });
      for (const client of [events, webSocket]) {
        const subscribe = { recoverable: true, positioned: true, data, epoch: expect.any(String) as unknown };
        const position = data === 1 ? {} : { offset: 1 };
        expect(await client.next()).toEqual({
          channel: "rec:again",
          subscribe: { ...subscribe, ...position },
        });
      }
      expect(Buffer.from((await grpc.next()).subscribe?.data ?? []).toString()).toBe(`${data}`);
      await publishNumbers(server, "rec:again", data, data);
      for (const client of [events, webSocket]) {
        expect(await client.next()).toMatchObject({ pub: { data, offset: data } });
      }
      expect((await grpc.next()).pub?.offset).toBe(BigInt(data));
    }
  });

  it("data that is no JSON is 100 towards clients that speak JSON, who stay, and reaches the others", async () => {
    await using own = await runServer(CONFIG);
    const json = await connect({ sub: "1", channels: ["a"] }, own);
    using grpc = new GrpcPushStream(`127.0.0.1:${own.addresses.uniGrpc?.port}`, {
      token: hmacToken({ sub: "1" }),
    });
    await grpc.next();
    const b64data = Buffer.from("no JSON").toString("base64");
    expect(await apiCodeOf(own, "subscribe", { user: "1", channel: "b", b64data })).toBe(100);
    expect(Buffer.from((await grpc.next()).subscribe?.data ?? []).toString()).toBe("no JSON");
    expect(await askApi(own, "channels", {})).toEqual({
      result: { channels: { a: { num_clients: 1 }, b: { num_clients: 1 } } },
    });
    await own.publish("a", 1);
    await expectNext(json, "a", 1);
    expect(own.logged).toContainEqual(
      expect.objectContaining({ level: "info", reason: "bad_api_request", method: "subscribe" }),
    );
  });

  it("api 59: an expire_at in the past is 100, and subscribes nobody", async () => {
    await using own = await runServer(CONFIG);
    const connected = await connect({ sub: "1" }, own);
    const request = { user: "1", channel: "a", expire_at: nowSec() - 1 };
    expect(await apiCodeOf(own, "subscribe", request)).toBe(100);
    expect(await own.counts()).toMatchObject({ clients: 1, subs: 0 });
    await askApi(own, "subscribe", { user: "1", channel: "b" });
    expect(await connected.stream.next()).toEqual({ channel: "b", subscribe: {} });
    expect(own.logged).toContainEqual(
      expect.objectContaining({ level: "info", reason: "bad_api_request", method: "subscribe" }),
    );
  });

  it("api §2.5: past expire_at and expired_sub_close_delay the connection ends with 3006", async () => {
    const { stream } = await connect({ sub: "1" });
    const expire_at = nowSec() + 2;
    expect(await askApi(server, "subscribe", { user: "1", channel: "a", expire_at })).toEqual(OK);
    await stream.next();
    expect(await stream.next()).toEqual({ disconnect: { code: 3006, reason: "subscription expired" } });
    expect(Date.now()).toBeGreaterThanOrEqual(expire_at * 1000);
  });

  it("api 60: an override that is there counts, also an empty one, which is false", async () => {
    const hidden = await connect({ sub: "1" });
    const shown = await connect({ sub: "2" });
    const channel = "hp:o";
    await askApi(server, "subscribe", { user: "1", channel, override: { presence: {} } });
    await askApi(server, "subscribe", { user: "2", channel, override: { join_leave: {} }, info: { i: 1 } });
    expect(await askApi(server, "presence", { channel })).toEqual({
      result: {
        presence: { [shown.client]: { user: "2", client: shown.client, chan_info: { i: 1 } } },
      },
    });
    expect(await hidden.stream.next()).toEqual({ channel, subscribe: {} });
  });

  it("api 60: overrides switch on what the namespace has not", async () => {
    const { stream } = await connect({ sub: "1" });
    const { epoch } = await readHistory(server, "hp:on");
    const override = { force_recovery: { value: true } };
    await askApi(server, "subscribe", { user: "1", channel: "hp:on", override });
    expect(await stream.next()).toEqual({
      channel: "hp:on",
      subscribe: { recoverable: true, positioned: true, epoch },
    });
  });

  it("api 61: an override that is a plain boolean is 400", async () => {
    const request = { user: "1", channel: "hp:o", override: { presence: true } };
    expect(await callApi(server, "subscribe", request)).toEqual({
      status: 400,
      text: "Bad Request: override.presence: expected an object\n",
    });
  });

  it("api §2.5: info and data may come in base64, which wins; bad base64 is 107", async () => {
    const { stream, client } = await connect({ sub: "1" });
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const request = {
      user: "1",
      channel: "hp:b",
      info: 1,
      b64info: base64('{"from":"base64"}'),
      b64data: base64("[1]"),
    };
    expect(await askApi(server, "subscribe", request)).toEqual(OK);
    expect(await stream.next()).toEqual({ channel: "hp:b", subscribe: { data: [1] } });
    expect(await askApi(server, "presence", { channel: "hp:b" })).toMatchObject({
      result: { presence: { [client]: { chan_info: { from: "base64" } } } },
    });
    expect(await apiCodeOf(server, "subscribe", { ...request, b64info: "!" })).toBe(107);
  });

  it("api §2.5: over channel_limit the connection ends with 3505, and the call succeeds", async () => {
    await using own = await runServer({ ...CONFIG, client: { ...CONFIG.client, channel_limit: 1 } });
    const { stream } = await connect({ sub: "1", channels: ["a"] }, own);
    expect(await askApi(own, "subscribe", { user: "1", channel: "b" })).toEqual(OK);
    expect(await stream.next()).toEqual({ disconnect: { code: 3505, reason: "channel limit" } });
  });

  it("api §2.5 (deviation: what was missed follows): recover_since on a recoverable channel", async () => {
    await publishNumbers(server, "rec:since", 1, 4);
    const { epoch } = await readHistory(server, "rec:since");
    const connected = await connect({ sub: "1" });
    const lost = await connect({ sub: "2" });
    const subscribe = (user: string, offset: number): Promise<unknown> =>
      askApi(server, "subscribe", { user, channel: "rec:since", recover_since: { offset, epoch } });
    await subscribe("1", 2);
    await subscribe("2", 9);
    await publishNumbers(server, "rec:since", 5, 5);
    const at = (offset: number): object => ({ recoverable: true, positioned: true, epoch, offset });
    expect(await connected.stream.next()).toEqual({ channel: "rec:since", subscribe: at(2) });
    for (const data of [3, 4, 5]) await expectNext(connected, "rec:since", data);
    expect(await lost.stream.next()).toEqual({ channel: "rec:since", subscribe: at(4) });
    await expectNext(lost, "rec:since", 5);
  });
});

describe("targets of a call", () => {
  it("api §2.5: client and session narrow the connections of a user; anonymous ones are those of no user", async () => {
    const [first, second] = [await connect({ sub: "1" }), await connect({ sub: "1" })];
    const anonymous = await connect(undefined);
    const subscribe = (target: object, channel: string): Promise<unknown> =>
      askApi(server, "subscribe", { ...target, channel });
    const targets = [
      [{ user: "1", client: first.client }, "by-client"],
      [{ user: "1", session: second.session }, "by-session"],
      [{ user: "1", client: first.client, session: second.session }, "by-both"],
      [{ user: "2", client: first.client }, "by-other-user"],
      [{ client: first.client }, "without-user"],
      [{ user: "1", session: first.client }, "by-wrong-id"],
      [{}, "anonymous"],
      [{ client: anonymous.client }, "anonymous-by-client"],
    ] as const;
    for (const [target, channel] of targets) expect(await subscribe(target, channel)).toEqual(OK);
    const counts = await askApi(server, "channels", {});
    const once = { num_clients: 1 };
    expect(counts).toEqual({
      result: {
        channels: { "by-client": once, "by-session": once, anonymous: once, "anonymous-by-client": once },
      },
    });
    expect((await first.stream.next()).channel).toBe("by-client");
    expect((await second.stream.next()).channel).toBe("by-session");
    expect((await anonymous.stream.next()).channel).toBe("anonymous");
  });
});

describe("unsubscribe", () => {
  it("api 62, uni 74: tells 2000, subscribed or not", async () => {
    const connected = await connect({ sub: "1", channels: ["a", "b"] });
    const push = '{"channel":"a","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}';
    for (let count = 0; count < 2; count++) {
      expect(await askApi(server, "unsubscribe", { user: "1", channel: "a" })).toEqual(OK);
      expect(await connected.stream.nextText()).toBe(push);
    }
    await server.publish("a", 1);
    await server.publish("b", 2);
    await expectNext(connected, "b", 2);
    await askApi(server, "subscribe", { user: "1", channel: "a" });
    expect(await connected.stream.next()).toEqual({ channel: "a", subscribe: {} });
  });

  it("api §2.5: an empty channel unsubscribes from nothing, and says so without a channel", async () => {
    const connected = await connect({ sub: "1", channels: ["a"] });
    expect(await askApi(server, "unsubscribe", { user: "1" })).toEqual(OK);
    await server.publish("a", 1);
    expect(await connected.stream.nextText()).toBe(
      '{"unsubscribe":{"code":2000,"reason":"server unsubscribe"}}',
    );
    await expectNext(connected, "a", 1);
    expect(await apiCodeOf(server, "unsubscribe", { user: "1", channel: "x:y" })).toBe(102);
  });
});

describe("disconnect", () => {
  it.each([0, 1, 1000, 3000, 3008, 4501, 70_000, 2 ** 32 - 1])(
    "api 65: code %d is in the push as it was given, on every transport",
    async (code) => {
      const request = { token: hmacToken({ sub: "1" }) };
      await using events = await openSse(server, request);
      const { stream } = await connect({ sub: "1" });
      using webSocket = await openWebSocket(server, request);
      using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, request);
      const transport = createConnectTransport({ baseUrl: server.origin, httpVersion: "1.1" });
      const pushes = createClient(CentrifugoUniStream, transport).consume(request)[Symbol.asyncIterator]();
      for (const client of [events, webSocket, grpc, pushes]) await client.next();
      const reason = "as given";
      expect(await askApi(server, "disconnect", { user: "1", disconnect: { code, reason } })).toEqual(OK);
      const text = code === 0 ? `{"reason":"${reason}"}` : `{"code":${code},"reason":"${reason}"}`;
      for (const client of [events, webSocket, stream]) {
        expect(await client.nextText()).toBe(`{"disconnect":${text}}`);
      }
      expect((await grpc.next()).disconnect).toMatchObject({ code, reason });
      expect((await pushes.next()).value).toMatchObject({ disconnect: { code, reason } });
    },
  );
});

describe("refresh", () => {
  it("uni 76: tells the new term", async () => {
    const { stream } = await connect({ sub: "1" });
    expect(await askApi(server, "refresh", { user: "1", expire_at: nowSec() + 60 })).toEqual(OK);
    expect(["60", "59"].map((ttl) => `{"refresh":{"expires":true,"ttl":${ttl}}}`)).toContain(
      await stream.nextText(),
    );
    for (const expire_at of [0, -1, -(2 ** 40)]) {
      expect(await askApi(server, "refresh", { user: "1", expire_at })).toEqual(OK);
      expect(await stream.nextText()).toBe('{"refresh":{}}');
    }
  });

  it.each([
    ["expired", () => ({ expired: true })],
    ["an expire_at in the past", () => ({ expire_at: nowSec() - 1 })],
    ["the first second of all", () => ({ expire_at: 1 })],
  ])("api 67, uni 76: %s ends with 3005", async (_what, term) => {
    const { stream } = await connect({ sub: "1" });
    const other = await connect({ sub: "2", channels: ["a"] });
    expect(await askApi(server, "refresh", { user: "1", ...term() })).toEqual(OK);
    expect(await stream.next()).toEqual({ disconnect: { code: 3005, reason: "connection expired" } });
    await stream.untilEnd();
    await server.publish("a", 1);
    await expectNext(other, "a", 1);
  });

  it("api 68: with expire_at 0 a connection never expires, with a later one later", async () => {
    const exp = nowSec() + 4;
    const [forgotten, endless, longer] = [
      await connect({ sub: "1", exp, channels: ["a"] }),
      await connect({ sub: "2", exp, channels: ["a"] }),
      await connect({ sub: "3", exp, channels: ["a"] }),
    ];
    await askApi(server, "refresh", { user: "2", expire_at: 0 });
    await askApi(server, "refresh", { user: "3", expire_at: exp + 60 });
    expect((await forgotten.stream.next()).disconnect?.code).toBe(3005);
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    // Timers fire within 50 ms of their time, those of one turn of the wheel together.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await server.publish("a", 1);
    for (const connected of [endless, longer]) {
      expect(await connected.stream.next()).toHaveProperty("refresh");
      await expectNext(connected, "a", 1);
    }
  });
});

describe("through other doors", () => {
  it("gRPC with grpc-js, and gRPC on the HTTP port", async () => {
    const { stream, client } = await connect({ sub: "1" });
    const { method } = CentrifugoApi;
    const grpc = new Client(`127.0.0.1:${server.addresses.grpcApi?.port}`, credentials.createInsecure());
    onTestFinished(() => grpc.close());
    const override = { forcePushJoinLeave: { value: true } };
    const request = { user: "1", client, channel: "told:g", data: Buffer.from("[1]"), override };
    await callUnary(grpc, method.subscribe, request, { authorization: `apikey ${API_KEY}` });
    expect(await stream.next()).toEqual({ channel: "told:g", subscribe: { data: [1] } });
    expect(await stream.next()).toMatchObject({ join: { info: { user: "1", client } } });
    const api = createClient(CentrifugoApi, createGrpcTransport({ baseUrl: server.origin }));
    const headers = { "X-API-Key": API_KEY };
    const { error } = await api.subscribe({ user: "1" }, { headers });
    expect(error).toMatchObject({ code: 107, message: "bad request: channel: missing" });
    await api.refresh({ user: "1", expireAt: 0n }, { headers });
    expect(await stream.next()).toEqual({ refresh: {} });
    await api.unsubscribe({ user: "1", channel: "told:g" }, { headers });
    expect(await stream.next()).toMatchObject({ channel: "told:g", unsubscribe: { code: 2000 } });
    await api.disconnect({ user: "1" }, { headers });
    expect((await stream.next()).disconnect?.code).toBe(3503);
  });
});
