import { describe, expect, it, vi } from "vitest";
import { httpRequest, RawConnection } from "../support/raw-connection.ts";
import { channelsOf, codeOf, firstPush } from "../support/connect-outcome.ts";
import { openHttpStream, openSse } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, runServer } from "../support/running-server.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import { openWebSocket, UpgradeRefused } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

type ClientInput = NonNullable<ConfigInput["client"]>;
type ChannelInput = NonNullable<ConfigInput["channel"]>;

function clientConfig(client: ClientInput): ConfigInput {
  return { client };
}

function channelConfig(channel: ChannelInput["without_namespace"], client: ClientInput = {}): ConfigInput {
  return { client, channel: channel === undefined ? {} : { without_namespace: channel } };
}

function nowSec(): number {
  return Math.floor(Date.now() / 1000);
}

type Transforms = readonly { code: number; to: { status_code: number; body?: string } }[];

function tableOf(transforms: Transforms): NonNullable<ConfigInput["uni_sse"]> {
  return { connect_code_to_http_response: { enabled: true, transforms } };
}

const USER = { token: hmacToken({ sub: "u" }) };
const USER_42 = { token: hmacToken({ sub: "42" }) };
const ANONYMOUS: ClientInput = { allow_anonymous_connect_without_token: true };
const FOR_CLIENT = { allow_subscribe_for_client: true };

describe("uni: requested subscriptions", () => {
  it("uni 42, core 41: a requested channel of an unknown namespace ends with 3501", async () => {
    await using server = await runServer(OPEN);
    expect(await firstPush(server, { ...USER, subs: { "zz:a": {} } })).toEqual({
      disconnect: { code: 3501, reason: "bad request" },
    });
  });

  it("uni 43: a channel that is not permitted is left out without an error", async () => {
    await using server = await runServer();
    const push = await firstPush(server, { ...USER, subs: { abc: {} } });
    expect(push.connect).toBeDefined();
    expect(push.connect).not.toHaveProperty("subs");
  });

  it("uni 44, core 38: allow_subscribe_for_client grants it", async () => {
    await using server = await runServer(channelConfig(FOR_CLIENT));
    expect((await firstPush(server, { ...USER, subs: { abc: {} } })).connect?.subs).toEqual({ abc: {} });
  });

  it("uni 45, core 39: anonymous clients need allow_subscribe_for_anonymous beside it", async () => {
    const cases = [
      [{ allow_subscribe_for_client: true }, []],
      [{ allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true }, ["a"]],
      [{ allow_subscribe_for_anonymous: true }, []],
    ] as const;
    for (const [options, channels] of cases) {
      await using server = await runServer(channelConfig(options, ANONYMOUS));
      expect(await channelsOf(server, { subs: { a: {} } })).toEqual(channels);
    }
  });

  it("uni 46, core 40: a private channel is skipped, even with insecure", async () => {
    await using permitted = await runServer(channelConfig(FOR_CLIENT));
    expect(await channelsOf(permitted, { ...USER, subs: { $a: {}, b: {} } })).toEqual(["b"]);
    await using insecure = await runServer(clientConfig({ insecure: true }));
    expect(await channelsOf(insecure, { subs: { $x: {}, y: {} } })).toEqual(["y"]);
  });

  it("uni 47, core 42: a user list admits those it names, and nobody else", async () => {
    const options = { allow_user_limited_channels: true, allow_subscribe_for_client: true };
    await using server = await runServer(channelConfig(options));
    const subs = { "d#1,2": {}, "d#3": {}, "d#2#3": {}, "d#22": {}, d: {} };
    const token = hmacToken({ sub: "2" });
    expect(await channelsOf(server, { token, subs })).toEqual(["d", "d#1,2"]);
  });

  it("core 43: without allow_user_limited_channels the list means nothing", async () => {
    await using server = await runServer(channelConfig(FOR_CLIENT));
    expect(await channelsOf(server, { ...USER_42, subs: { "d#41": {} } })).toEqual(["d#41"]);
  });

  it("core 44: channel_regex decides which names may be requested", async () => {
    await using server = await runServer(channelConfig({ ...FOR_CLIENT, channel_regex: "^[0-9]+$" }));
    expect(await channelsOf(server, { ...USER, subs: { "12": {}, x: {} } })).toEqual(["12"]);
  });

  it("core 45: a requested name is ASCII, one in the token anything", async () => {
    await using server = await runServer(channelConfig(FOR_CLIENT));
    expect(await channelsOf(server, { ...USER, subs: { é: {} } })).toEqual([]);
    const token = hmacToken({ sub: "u", channels: ["é"] });
    expect(await channelsOf(server, { token })).toEqual(["é"]);
  });

  it("core 47: the length of a requested name is not limited, and the empty name is dropped", async () => {
    await using server = await runServer(channelConfig(FOR_CLIENT));
    const long = "c".repeat(256);
    expect(await channelsOf(server, { ...USER, subs: { [long]: {}, "": {} } })).toEqual([long]);
  });

  it("core §2.3: options of a namespace decide for its channels", async () => {
    const namespaces = [{ name: "open", ...FOR_CLIENT }, { name: "shut" }];
    await using server = await runServer({ channel: { namespaces } });
    expect(await channelsOf(server, { ...USER, subs: { "open:a": {}, "shut:a": {}, a: {} } })).toEqual([
      "open:a",
    ]);
  });
});

describe("uni: personal channel", () => {
  const namespaces = [{ name: "pp" }];
  const personal = { enabled: true };

  it("uni 49, core 48: a user has #<id>, an anonymous client none", async () => {
    const client = { ...ANONYMOUS, subscribe_to_user_personal_channel: personal };
    await using server = await runServer({ client });
    expect(await channelsOf(server, USER_42)).toEqual(["#42"]);
    expect(await channelsOf(server, {})).toEqual([]);
    expect(await channelsOf(server, { token: hmacToken({ sub: "" }) })).toEqual([]);
  });

  it("uni 49, core 49: personal_channel_namespace p gives p:#42, and must exist", async () => {
    const client = { subscribe_to_user_personal_channel: { ...personal, personal_channel_namespace: "pp" } };
    await using server = await runServer({ client, channel: { namespaces } });
    expect(await channelsOf(server, USER_42)).toEqual(["pp:#42"]);
    await expect(runServer({ client })).rejects.toThrow("personal_channel_namespace");
  });

  it("uni 49: what is published to it arrives", async () => {
    await using server = await runServer(clientConfig({ subscribe_to_user_personal_channel: personal }));
    await using stream = await openHttpStream(server, USER_42);
    await stream.next();
    await server.publish("#42", 1);
    expect(await stream.nextText()).toBe('{"channel":"#42","pub":{"data":1}}');
  });

  it("uni 55, core 50 (deviation: works without presence): single_connection ends the earlier one", async () => {
    const single = { ...personal, single_connection: true };
    await using server = await runServer(clientConfig({ subscribe_to_user_personal_channel: single }));
    await using first = await openHttpStream(server, USER_42);
    await first.next();
    await using other = await openHttpStream(server, USER);
    await other.next();
    await using second = await openHttpStream(server, USER_42);
    expect((await first.next()).disconnect).toEqual({ code: 3504, reason: "connection limit" });
    expect((await second.next()).connect).toBeDefined();
    expect(await server.sessionCount()).toBe(2);
  });
});

describe("uni: limits", () => {
  it("uni 53: 129 granted channels end with 3505, 128 do not", async () => {
    await using server = await runServer(channelConfig(FOR_CLIENT));
    const channels = Array.from({ length: 129 }, (_, index) => [`c${index}`, {}] as const);
    const over = { ...USER, subs: Object.fromEntries(channels) };
    expect(await firstPush(server, over)).toEqual({ disconnect: { code: 3505, reason: "channel limit" } });
    expect(await codeOf(server, { ...USER, subs: Object.fromEntries(channels.slice(1)) })).toBe(0);
    await server.untilSessions(0);
    expect(await server.counts()).toEqual({ clients: 0, users: 0, channels: 0, subs: 0 });
  });

  it("core 36: 129 channels in the token's claim end with 3505", async () => {
    await using server = await runServer();
    const channels = Array.from({ length: 129 }, (_, index) => `c${index}`);
    expect(await codeOf(server, { token: hmacToken({ sub: "u", channels }) })).toBe(3505);
  });

  it("uni 54, core 37: over user_connection_limit the new connection gets 3504, the old one stays", async () => {
    await using server = await runServer(clientConfig({ ...ANONYMOUS, user_connection_limit: 1 }));
    await using first = await openHttpStream(server, USER);
    await first.next();
    expect(await codeOf(server, USER)).toBe(3504);
    expect(await codeOf(server, USER_42)).toBe(0);
    await using anonymous = await openHttpStream(server);
    await anonymous.next();
    expect(await codeOf(server, {})).toBe(0);
    expect(await server.connectionsOf("u")).toHaveLength(1);
  });

  it("uni 56: over connection_limit every HTTP transport answers an empty 503 without CORS", async () => {
    await using server = await runServer(clientConfig({ ...ANONYMOUS, connection_limit: 1 }));
    await using first = await openHttpStream(server);
    await first.next();
    for (const open of [openHttpStream, openSse]) {
      await using refused = await open(server);
      expect([refused.status, await refused.untilEnd()]).toEqual([503, ""]);
      expect(refused.response.headers.has("access-control-allow-origin")).toBe(false);
    }
    const error = await openWebSocket(server).catch((reason: unknown) => reason);
    expect(error instanceof UpgradeRefused && error.response.statusCode).toBe(503);
    await first[Symbol.asyncDispose]();
    await server.untilSessions(0);
    expect(await codeOf(server, {})).toBe(0);
  });

  it("uni 57 (deviation: N a second, not one): connection_rate_limit 2 refuses the third at once", async () => {
    await using server = await runServer(clientConfig({ ...ANONYMOUS, connection_rate_limit: 2 }));
    const startMs = performance.now();
    const streams = await Promise.all([1, 2, 3].map(() => openHttpStream(server)));
    expect(streams.map((stream) => stream.status).toSorted((a, b) => a - b)).toEqual([200, 200, 503]);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
    await vi.waitFor(async () => expect(await codeOf(server, {})).toBe(0), {
      interval: 50,
      timeout: PATIENCE_MS,
    });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(495);
  });
});

describe("uni: credentials without token", () => {
  const headerAuth: ClientInput = { user_id_http_header: "X-U" };
  const personal = { subscribe_to_user_personal_channel: { enabled: true } };

  it("core 26: by default a client without token gets 3501", async () => {
    await using server = await runServer();
    expect(await firstPush(server, {})).toEqual({ disconnect: { code: 3501, reason: "bad request" } });
  });

  it("core 27: allow_anonymous_connect_without_token lets it in, as no user", async () => {
    await using server = await runServer(clientConfig(ANONYMOUS));
    await using stream = await openHttpStream(server);
    await stream.next();
    expect(await server.connectionsOf("")).toHaveLength(1);
  });

  it("core 28: a token without sub is anonymous; disallow_anonymous_connection_tokens makes it 3507", async () => {
    const token = hmacToken({});
    await using server = await runServer();
    expect(await codeOf(server, { token })).toBe(0);
    await using strict = await runServer(clientConfig({ disallow_anonymous_connection_tokens: true }));
    expect(await firstPush(strict, { token })).toEqual({
      disconnect: { code: 3507, reason: "permission denied" },
    });
  });

  it("uni 91, core 29: user_id_http_header names the user, without personal channel and requested subs", async () => {
    const { channel = {} } = channelConfig(FOR_CLIENT);
    await using server = await runServer({ client: { ...headerAuth, ...personal }, channel });
    await using stream = await openHttpStream(server, { subs: { a: {} } }, { "X-U": "5" });
    expect((await stream.next()).connect).not.toHaveProperty("subs");
    expect(await server.connectionsOf("5")).toHaveLength(1);
    expect(await codeOf(server, {})).toBe(3501);
    expect(await codeOf(server, {}, { "X-U": "" })).toBe(3501);
  });

  it("uni 91: on SSE and WebSocket too", async () => {
    await using server = await runServer(clientConfig(headerAuth));
    const headers = { "x-u": "5" };
    await using sse = await openSse(server, {}, headers);
    await sse.next();
    using webSocket = await openWebSocket(server, {}, { headers });
    await webSocket.next();
    expect(await server.connectionsOf("5")).toHaveLength(2);
  });

  it("a header that came twice names nobody: a proxy's own would stand behind the client's", async () => {
    await using server = await runServer(clientConfig(headerAuth));
    using connection = await RawConnection.open(server.port);
    const headers = { "X-U": "6", "x-u": "5" };
    connection.send(httpRequest("POST", "/connection/uni_http_stream", { headers, body: "{}" }));
    expect(await connection.until("disconnect")).toContain('"code":3501');
  });

  it("core 30: with allow_anonymous_connect_without_token the header is ignored", async () => {
    await using server = await runServer(clientConfig({ ...headerAuth, ...ANONYMOUS }));
    await using stream = await openHttpStream(server, {}, { "X-U": "5" });
    await stream.next();
    expect(await server.connectionsOf("")).toHaveLength(1);
  });

  it("uni 90: insecure still refuses a token that is garbage", async () => {
    await using server = await runServer(clientConfig({ insecure: true }));
    expect(await codeOf(server, { token: "garbage" })).toBe(3500);
    expect(await codeOf(server, {})).toBe(0);
  });

  it("core §1.5: insecure ignores the expiry of the connection", async () => {
    await using server = await runServer(clientConfig({ insecure: true }));
    const token = hmacToken({ sub: "u", exp: nowSec() + 60 });
    expect((await firstPush(server, { token })).connect).not.toHaveProperty("expires");
  });
});

describe("uni: answer to a failed connect", () => {
  const expired = { token: hmacToken({ sub: "u", exp: 1 }) };
  const bad = { token: "bad" };

  describe.each([
    ["uni_http_stream", openHttpStream],
    ["uni_sse", openSse],
  ] as const)("%s", (endpoint, open) => {
    it("uni 79: a transform gives a raw code its status; everything else is 500", async () => {
      await using server = await runServer({
        [endpoint]: tableOf([{ code: 109, to: { status_code: 401 } }]),
      });
      await using known = await open(server, expired);
      expect([known.status, await known.untilEnd()]).toEqual([401, "token expired"]);
      expect(known.response.headers.has("x-accel-buffering")).toBe(false);
      await using other = await open(server, bad);
      expect([other.status, await other.untilEnd()]).toEqual([500, "Internal Server Error"]);
    });

    it("uni 80: the first transform decides; what connects gets its stream", async () => {
      const first = { code: 3500, to: { status_code: 403, body: "no" } };
      const second = { code: 3500, to: { status_code: 404 } };
      await using server = await runServer({ [endpoint]: tableOf([first, second]) });
      await using refused = await open(server, bad);
      expect([refused.status, await refused.untilEnd()]).toEqual([403, "no"]);
      await using good = await open(server, USER);
      expect([good.status, Object.keys(await good.next())]).toEqual([200, ["connect"]]);
      await server.disconnect("u", 3503, "force disconnect");
      expect((await good.next()).disconnect?.code).toBe(3503);
    });
  });

  it("uni 81 (without proxy): connect_code_to_unidirectional_disconnect maps error 109", async () => {
    const disconnects = { enabled: true, transforms: [{ code: 109, to: { code: 4400, reason: "x" } }] };
    await using server = await runServer(
      clientConfig({ connect_code_to_unidirectional_disconnect: disconnects }),
    );
    expect(await firstPush(server, expired)).toEqual({ disconnect: { code: 4400, reason: "x" } });
    expect(await codeOf(server, { token: "bad" })).toBe(3500);
    using webSocket = await openWebSocket(server, expired);
    expect(await webSocket.untilClosed()).toEqual({ code: 4400, reason: "x" });
  });
});

describe("uni: connect push", () => {
  it("uni 82: connect_include_server_time adds Unix milliseconds", async () => {
    await using server = await runServer(clientConfig({ ...ANONYMOUS, connect_include_server_time: true }));
    const beforeMs = Date.now();
    const time = (await firstPush(server, {})).connect?.time ?? 0;
    expect(Number.isInteger(time)).toBe(true);
    expect(time).toBeGreaterThanOrEqual(beforeMs);
    expect(time).toBeLessThanOrEqual(Date.now());
  });

  it("uni §3.3 (deviation: 0 is taken literally): ping_interval 0 leaves ping out", async () => {
    await using server = await runServer(clientConfig({ ...ANONYMOUS, ping_interval: "0s" }));
    expect((await firstPush(server, {})).connect).not.toHaveProperty("ping");
  });

  it("uni 50, core 31: subs in the token make its channels count for nothing", async () => {
    await using server = await runServer();
    const channels = ["a", "b"];
    expect(await channelsOf(server, { token: hmacToken({ sub: "u", channels }) })).toEqual(["a", "b"]);
    const both = hmacToken({ sub: "u", channels, subs: { c: {} } });
    expect(await channelsOf(server, { token: both })).toEqual(["c"]);
  });

  it("core 32: data of a subscription in the token is in the connect push", async () => {
    await using server = await runServer();
    const b64data = Buffer.from('{"y":2}').toString("base64");
    const token = hmacToken({ sub: "u", subs: { a: { data: { x: 1 } }, b: { b64data } } });
    expect((await firstPush(server, { token })).connect?.subs).toEqual({
      a: { data: { x: 1 } },
      b: { data: { y: 2 } },
    });
  });

  it("uni §3.2: a channel in the token keeps its own options when it is requested too", async () => {
    await using server = await runServer(channelConfig(FOR_CLIENT));
    const token = hmacToken({ sub: "u", subs: { a: { data: 1 } } });
    const push = await firstPush(server, { token, subs: { a: {}, b: {} } });
    expect(push.connect?.subs).toEqual({ a: { data: 1 }, b: {} });
  });
});
