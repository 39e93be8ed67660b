import { create } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CentrifugoApi, DisconnectSchema } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { runCommand } from "../support/command.ts";
import { callUnary } from "../support/grpc-calls.ts";
import { BUF, BUF_GRPC, GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse, type PushStream } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { openWebSocket, type WebSocketClient } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const KEY = "api-key";
const PUBLISH = "centrifugal.centrifugo.api.CentrifugoApi/Publish";
const LISTENER = { enabled: true, address: "127.0.0.1", port: 0 };
const CONFIG: ConfigInput = {
  ...OPEN,
  http_api: { key: KEY },
  grpc_api: { ...LISTENER, key: KEY, reflection: true },
  uni_grpc: LISTENER,
};

/** Calls the HTTP API; resolves with status and body. */
async function call(
  server: RunningServer,
  path: string,
  body: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${server.origin}${path}`, {
    method: "POST",
    headers: { "X-API-Key": KEY },
    body,
  });
  return { status: response.status, text: await response.text() };
}

/** One listener on each transport, all in channel `news`. */
class Audience implements AsyncDisposable {
  readonly #sse: PushStream;
  readonly #stream: PushStream;
  readonly #webSocket: WebSocketClient;
  readonly #grpc: GrpcPushStream;

  private constructor(sse: PushStream, stream: PushStream, webSocket: WebSocketClient, grpc: GrpcPushStream) {
    this.#sse = sse;
    this.#stream = stream;
    this.#webSocket = webSocket;
    this.#grpc = grpc;
  }

  static async gather(server: RunningServer): Promise<Audience> {
    const request = { subs: { news: {} } };
    const audience = new Audience(
      await openSse(server, request),
      await openHttpStream(server, request),
      await openWebSocket(server, request),
      new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, request),
    );
    await audience.next();
    return audience;
  }

  /** The next push of each of them: as text where it is JSON, and the payload where it is protobuf. */
  async next(): Promise<{ readonly json: readonly string[]; readonly payload: string }> {
    const json = await Promise.all([this.#sse, this.#stream, this.#webSocket].map((one) => one.nextText()));
    const { pub } = await this.#grpc.next();
    return { json, payload: Buffer.from(pub?.data ?? []).toString() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#grpc[Symbol.dispose]();
    this.#webSocket[Symbol.dispose]();
    await this.#sse[Symbol.asyncDispose]();
    await this.#stream[Symbol.asyncDispose]();
  }
}

/** Publishes text into `news` through one door. */
type Door = (server: RunningServer, payload: string) => Promise<void>;

function connectDoor(createTransport: (baseUrl: string) => Transport): Door {
  return async (server, payload) => {
    const client = createClient(CentrifugoApi, createTransport(server.origin));
    const request = { channel: "news", data: Buffer.from(payload) };
    const { error } = await client.publish(request, { headers: { "X-API-Key": KEY } });
    expect(error).toBeUndefined();
  };
}

async function bufPublish(payload: string, ...args: readonly string[]): Promise<void> {
  const request = JSON.stringify({ channel: "news", data: Buffer.from(payload).toString("base64") });
  const header = `authorization: apikey ${KEY}`;
  const { status, stdout, stderr } = await runCommand(BUF, [...args, "-H", header, "-d", request]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toEqual({ result: {} });
}

const DOORS: readonly (readonly [name: string, door: Door])[] = [
  [
    "HTTP",
    async (server, payload) => {
      const answer = await call(server, "/api/publish", `{"channel":"news","data":${payload}}`);
      expect(answer).toEqual({ status: 200, text: '{"result":{}}' });
    },
  ],
  [
    "HTTP with b64data",
    async (server, payload) => {
      const b64data = Buffer.from(payload).toString("base64");
      const answer = await call(server, "/api/publish", JSON.stringify({ channel: "news", b64data }));
      expect(answer).toEqual({ status: 200, text: '{"result":{}}' });
    },
  ],
  [
    "legacy HTTP",
    async (server, payload) => {
      const request = `{"method":"publish","params":{"channel":"news","data":${payload}}}`;
      expect(await call(server, "/api", request)).toEqual({ status: 200, text: '{"result":{}}' });
    },
  ],
  [
    "a batch over HTTP",
    async (server, payload) => {
      const request = `{"commands":[{"publish":{"channel":"news","data":${payload}}}]}`;
      const answer = await call(server, "/api/batch", request);
      expect(answer).toEqual({ status: 200, text: '{"replies":[{"publish":{}}]}' });
    },
  ],
  [
    "gRPC with grpc-js",
    async (server, payload) => {
      const client = new Client(`127.0.0.1:${server.addresses.grpcApi?.port}`, credentials.createInsecure());
      const request = { channel: "news", data: Buffer.from(payload) };
      const headers = { authorization: `apikey ${KEY}` };
      const { error } = await callUnary(client, CentrifugoApi.method.publish, request, headers);
      client.close();
      expect(error).toBeUndefined();
    },
  ],
  [
    "gRPC with buf curl",
    (server, payload) =>
      bufPublish(payload, ...BUF_GRPC, `http://127.0.0.1:${server.addresses.grpcApi?.port}/${PUBLISH}`),
  ],
  ["Connect", connectDoor((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }))],
  [
    "Connect with JSON",
    connectDoor((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false })),
  ],
  ["gRPC-Web", connectDoor((baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }))],
  ["gRPC on the HTTP port", connectDoor((baseUrl) => createGrpcTransport({ baseUrl }))],
  [
    "Connect with buf curl",
    (server, payload) =>
      bufPublish(payload, "curl", "--protocol", "connect", "--schema", ".", `${server.origin}/${PUBLISH}`),
  ],
];

describe("one publication through each door reaches every transport", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await runServer(CONFIG);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each(DOORS)("%s", async (name, door) => {
    await using audience = await Audience.gather(server);
    const payload = `{"from":"${name}","text":"ü \\u00fc","big":12345678901234567890.10}`;
    await door(server, payload);
    const push = `{"channel":"news","pub":{"data":${payload}}}`;
    expect(await audience.next()).toEqual({ json: [push, push, push], payload });
  });

  it.each([
    '{"input": 1}',
    '{ "b" : 1e2 ,"a":-0.10,"b":12345678901234567890123 }',
    '"\\u00e9é\\/<&>\u2028 😀"',
    "[1 , 2,\t3]",
    "null",
    "  0.0 ",
  ])("uni 58, api 52: %j arrives byte for byte over HTTP", async (payload) => {
    await using audience = await Audience.gather(server);
    const answer = await call(server, "/api/publish", `{"channel":"news","data":${payload}}`);
    expect(answer.text).toBe('{"result":{}}');
    const value = payload.trim();
    const push = `{"channel":"news","pub":{"data":${value}}}`;
    expect(await audience.next()).toEqual({ json: [push, push, push], payload: value });
  });

  it("api 29: with one idempotency key through several doors there is one delivery", async () => {
    await using audience = await Audience.gather(server);
    const body = '{"channel":"news","data":1,"idempotency_key":"k"}';
    await call(server, "/api/publish", body);
    await call(server, "/api", `{"method":"publish","params":${body}}`);
    const client = createClient(CentrifugoApi, createGrpcTransport({ baseUrl: server.origin }));
    const request = { channel: "news", data: Buffer.from("1"), idempotencyKey: "k" };
    await client.publish(request, { headers: { "X-API-Key": KEY } });
    await call(server, "/api/publish", '{"channel":"news","data":2}');
    expect((await audience.next()).payload).toBe("1");
    expect((await audience.next()).payload).toBe("2");
  });

  it("api 37: a broadcast reaches each channel, with the errors of the others beside it", async () => {
    await using audience = await Audience.gather(server);
    const request = '{"channels":["news","x:y",""],"data":{"a":1},"tags":{"k":"v"}}';
    const { text } = await call(server, "/api/broadcast", request);
    expect(JSON.parse(text)).toEqual({
      result: {
        responses: [
          { result: {} },
          { error: { code: 102, message: "unknown channel" } },
          { error: { code: 107, message: "bad request: channels: an empty name" } },
        ],
      },
    });
    const { json } = await audience.next();
    expect(new Set(json)).toEqual(new Set(['{"channel":"news","pub":{"data":{"a":1},"tags":{"k":"v"}}}']));
  });

  it("api 70: commands of a batch take effect in their order", async () => {
    await using audience = await Audience.gather(server);
    const commands = [
      { publish: { channel: "news", data: 1 } },
      { publish: { channel: "x:y", data: 2 } },
      { broadcast: { channels: ["news"], data: 3 } },
    ];
    const { text } = await call(server, "/api/batch", JSON.stringify({ commands }));
    expect(JSON.parse(text)).toEqual({
      replies: [
        { publish: {} },
        { error: { code: 102, message: "unknown channel" } },
        { broadcast: { responses: [{ result: {} }] } },
      ],
    });
    expect((await audience.next()).payload).toBe("1");
    expect((await audience.next()).payload).toBe("3");
  });

  it("api 80: legacy commands in front of garbage are delivered", async () => {
    await using audience = await Audience.gather(server);
    const { status } = await call(server, "/api", '{"params":{"channel":"news","data":1}}garbage');
    expect(status).toBe(400);
    expect((await audience.next()).payload).toBe("1");
  });
});

describe("disconnect closes the connections of a user", () => {
  const token = (sub: string): string => hmacToken({ sub });

  it("api 63: with 3503 on every transport, and nobody else's", async () => {
    await using server = await runServer(CONFIG);
    await using sse = await openSse(server, { token: token("1") });
    await using stream = await openHttpStream(server, { token: token("1") });
    using webSocket = await openWebSocket(server, { token: token("1") });
    using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, { token: token("1") });
    await using other = await openSse(server, { token: token("2") });
    for (const client of [sse, stream, webSocket, grpc, other]) await client.next();
    expect((await call(server, "/api/disconnect", '{"user":"1"}')).text).toBe('{"result":{}}');
    const forced = '{"disconnect":{"code":3503,"reason":"force disconnect"}}';
    for (const client of [sse, stream, webSocket]) expect(await client.nextText()).toBe(forced);
    expect((await grpc.next()).disconnect).toMatchObject({ code: 3503, reason: "force disconnect" });
    await sse.untilEnd();
    await stream.untilEnd();
    expect(await webSocket.untilClosed()).toEqual({ code: 3503, reason: "force disconnect" });
    expect((await grpc.untilStatus()).code).toBe(0);
    await server.untilSessions(1);
  });

  it.each([
    ["HTTP", "/api/disconnect", '{"user":"1","disconnect":{"code":4501,"reason":"bye"}}'],
    [
      "legacy HTTP",
      "/api",
      '{"method":"disconnect","params":{"user":"1","disconnect":{"code":4501,"reason":"bye"}}}',
    ],
  ])("api 65: with a code and a reason of one's own over %s", async (_door, path, body) => {
    await using server = await runServer(CONFIG);
    using webSocket = await openWebSocket(server, { token: token("1") });
    await webSocket.next();
    await call(server, path, body);
    expect((await webSocket.next()).disconnect).toEqual({ code: 4501, reason: "bye" });
    expect(await webSocket.untilClosed()).toEqual({ code: 4501, reason: "bye" });
  });

  it("api 65: the same over gRPC", async () => {
    await using server = await runServer(CONFIG);
    await using sse = await openSse(server, { token: token("1") });
    await sse.next();
    const client = new Client(`127.0.0.1:${server.addresses.grpcApi?.port}`, credentials.createInsecure());
    const disconnect = create(DisconnectSchema, { code: 4501, reason: "bye" });
    const headers = { authorization: `apikey ${KEY}` };
    await callUnary(client, CentrifugoApi.method.disconnect, { user: "1", disconnect }, headers);
    client.close();
    expect((await sse.next()).disconnect).toEqual({ code: 4501, reason: "bye" });
    await sse.untilEnd();
  });

  it("api 64: but for those on the whitelist", async () => {
    await using server = await runServer(CONFIG);
    await using spared = await openSse(server, { token: token("1") });
    await using closed = await openSse(server, { token: token("1") });
    const client = (await spared.next()).connect?.client;
    await closed.next();
    await call(server, "/api/disconnect", JSON.stringify({ user: "1", whitelist: [client] }));
    expect((await closed.next()).disconnect?.code).toBe(3503);
    await call(server, "/api/disconnect", '{"user":"1","disconnect":{"code":4000,"reason":"later"}}');
    expect((await spared.next()).disconnect?.code).toBe(4000);
  });

  it("api 66: a client id without its user finds nobody; with it, that one alone", async () => {
    await using server = await runServer(CONFIG);
    await using first = await openSse(server, { token: token("1") });
    await using second = await openSse(server, { token: token("1") });
    const { client, session } = (await first.next()).connect ?? {};
    await second.next();
    const answer = await call(server, "/api/disconnect", JSON.stringify({ client }));
    expect(answer.text).toBe('{"result":{}}');
    expect(await server.sessionCount()).toBe(2);
    await call(server, "/api/disconnect", JSON.stringify({ user: "1", session }));
    expect((await first.next()).disconnect?.code).toBe(3503);
    await server.untilSessions(1);
  });
});

it("api 12: info counts clients, users, channels and subscriptions, through each door the same", async () => {
  await using server = await runServer(CONFIG);
  const connects = [
    { token: hmacToken({ sub: "1" }), subs: { a: {}, b: {} } },
    { token: hmacToken({ sub: "1" }), subs: { a: {} } },
    { subs: { c: {} } },
  ];
  await using streams = new AsyncDisposableStack();
  for (const connect of connects) await streams.use(await openSse(server, connect)).next();
  const { text } = await call(server, "/api/info", "{}");
  const counts = { num_clients: 3, num_users: 2, num_channels: 3, num_subs: 4 };
  expect(JSON.parse(text)).toMatchObject({
    result: { nodes: [{ ...counts, version: expect.stringMatching(/^\S+ OSS$/u) }] },
  });
  expect(JSON.parse((await call(server, "/api", '{"method":"info"}')).text)).toMatchObject({
    result: { nodes: [counts] },
  });
  const client = createClient(
    CentrifugoApi,
    createConnectTransport({ baseUrl: server.origin, httpVersion: "1.1" }),
  );
  const { result } = await client.info({}, { headers: { Authorization: `apikey ${KEY}` } });
  expect(result?.nodes).toMatchObject([{ numClients: 3, numUsers: 2, numChannels: 3, numSubs: 4 }]);
});

it("a publisher's connection outlives many publications, in order", async () => {
  await using server = await runServer(CONFIG);
  using webSocket = await openWebSocket(server, { subs: { news: {} } });
  await webSocket.next();
  for (let count = 0; count < 200; count++) {
    await call(server, "/api/publish", `{"channel":"news","data":${count}}`);
  }
  const received: unknown[] = [];
  while (received.length < 200) received.push((await webSocket.next()).pub?.data);
  expect(received).toEqual(Array.from({ length: 200 }, (_, count) => count));
});
