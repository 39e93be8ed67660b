import { createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  CentrifugoApi,
  type ConnectionInfo,
  type ConnectionsRequest,
} from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { callUnary } from "../support/grpc-calls.ts";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse, type PushStream } from "../support/push-stream.ts";
import { type ConfigInput, type RunningServer, runServer } from "../support/running-server.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import { openWebSocket } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const KEY = "api-key";
const LISTENER = { enabled: true, address: "127.0.0.1", port: 0 };
const CONFIG: ConfigInput = {
  client: {
    allow_anonymous_connect_without_token: true,
    subscribe_to_user_personal_channel: { enabled: true },
  },
  channel: { without_namespace: { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true } },
  http_api: { key: KEY },
  grpc_api: { ...LISTENER, key: KEY },
  uni_grpc: LISTENER,
};

/** A request with the names that JSON has for its fields. */
type JsonRequest = Readonly<Record<string, unknown>>;

/** What a door says of a request: clients with the fields that are compared here, or the code of an error. */
interface Answer {
  readonly users: readonly string[];
  readonly code: number;
}

async function post(server: RunningServer, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${server.origin}${path}`, {
    method: "POST",
    headers: { Authorization: `apikey ${KEY}` },
    body: JSON.stringify(body),
  });
  return JSON.parse(await response.text());
}

interface JsonReply {
  readonly error?: { readonly code: number; readonly message: string };
  readonly result?: {
    readonly connections: Readonly<Record<string, JsonConnection>>;
    readonly next_cursor?: string;
  };
}

interface JsonConnection {
  readonly user?: string;
  readonly app_name?: string;
  readonly connected_at_ms: number;
  readonly state?: { readonly channels?: unknown };
  readonly [field: string]: unknown;
}

/** The reply of a door in JSON; its shape is what the tests compare. */
async function ask(server: RunningServer, request: JsonRequest): Promise<JsonReply> {
  return (await post(server, "/api/connections", request)) as JsonReply;
}

function summary(connections: Iterable<{ readonly user?: string }>): Answer {
  return { users: [...connections].map(({ user = "" }) => user).toSorted(), code: 0 };
}

function ofJson({ error, result }: JsonReply): Answer {
  if (error !== undefined) return { users: [], code: error.code };
  return summary(Object.values(result?.connections ?? {}));
}

type ProtoRequest = Partial<Pick<ConnectionsRequest, "user" | "expression">> & {
  readonly labelFilter?: { key: string; cmp: string; val: string };
};

function protoOf({ user, expression, label_filter: labelFilter }: JsonRequest): ProtoRequest {
  // The requests of these tests have these fields, with these types.
  return JSON.parse(JSON.stringify({ user, expression, labelFilter })) as ProtoRequest;
}

function ofProto(reply: {
  readonly error?: { readonly code: number } | undefined;
  readonly result?: { readonly connections: Readonly<Record<string, ConnectionInfo>> } | undefined;
}): Answer {
  if (reply.error !== undefined) return { users: [], code: reply.error.code };
  return summary(Object.values(reply.result?.connections ?? {}));
}

type Door = (server: RunningServer, request: JsonRequest) => Promise<Answer>;

function connectDoor(createTransport: (baseUrl: string) => Transport): Door {
  return async (server, request) => {
    const client = createClient(CentrifugoApi, createTransport(server.origin));
    return ofProto(await client.connections(protoOf(request), { headers: { "X-API-Key": KEY } }));
  };
}

const DOORS: readonly (readonly [name: string, door: Door])[] = [
  ["HTTP", async (server, request) => ofJson(await ask(server, request))],
  [
    "legacy HTTP",
    async (server, params) =>
      ofJson((await post(server, "/api", { method: "connections", params })) as JsonReply),
  ],
  [
    "a batch",
    async (server, connections) => {
      const { replies } = (await post(server, "/api/batch", { commands: [{ connections }] })) as {
        replies: readonly { error?: JsonReply["error"]; connections?: JsonReply["result"] }[];
      };
      const [{ error, connections: result } = {}] = replies;
      return ofJson({ ...(error && { error }), ...(result && { result }) });
    },
  ],
  [
    "gRPC",
    async (server, request) => {
      const client = new Client(`127.0.0.1:${server.addresses.grpcApi?.port}`, credentials.createInsecure());
      const headers = { authorization: `apikey ${KEY}` };
      const { connections } = CentrifugoApi.method;
      const reply = await callUnary(client, connections, protoOf(request), headers);
      client.close();
      return ofProto(reply);
    },
  ],
  ["Connect", connectDoor((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }))],
  ["gRPC-Web", connectDoor((baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }))],
  ["gRPC on the HTTP port", connectDoor((baseUrl) => createGrpcTransport({ baseUrl }))],
];

describe.each(DOORS)("connections through %s", (_name, door) => {
  let server: RunningServer;
  const streams = new AsyncDisposableStack();
  beforeAll(async () => {
    server = await runServer(CONFIG);
    const connects = [
      { token: hmacToken({ sub: "42", labels: { plan: "gold", n: "10" }, meta: { age: 7 } }), name: "a" },
      { token: hmacToken({ sub: "42", labels: { plan: "free" } }), subs: { news: {} } },
      { token: hmacToken({ sub: "7", labels: { n: "9.5" } }), subs: { news: {} } },
      { subs: { news: {} } },
    ];
    for (const connect of connects) await streams.use(await openHttpStream(server, connect)).next();
  });
  afterAll(async () => {
    await streams.disposeAsync();
    await server[Symbol.asyncDispose]();
  });

  const everybody = ["", "42", "42", "7"];
  it.each<[string, JsonRequest, readonly string[]]>([
    ["api 90: unknown user", { user: "nobody" }, []],
    ["user", { user: "42" }, ["42", "42"]],
    ['api 91: expression user == "42"', { expression: 'user == "42"' }, ["42", "42"]],
    ["everybody", { expression: "true" }, everybody],
    ["anonymous", { expression: 'user == ""' }, [""]],
    ["channel", { expression: '"news" in channels && channels["news"].source == 8' }, ["", "42", "7"]],
    ["personal channel", { expression: 'channels.exists(c, c == "#7")' }, ["7"]],
    ["meta", { expression: "meta.age > 5" }, ["42"]],
    ["labels in an expression", { expression: 'labels.plan == "gold"' }, ["42"]],
    ["application", { expression: 'app_name == "a" && transport == "uni_http_stream"' }, ["42"]],
    [
      "api 93: neq, label absent",
      { label_filter: { key: "plan", cmp: "neq", val: "gold" } },
      ["", "42", "7"],
    ],
    ["label", { label_filter: { key: "plan", cmp: "eq", val: "gold" } }, ["42"]],
    ["number", { label_filter: { key: "n", cmp: "lt", val: "10.0" } }, ["7"]],
    ["user and label", { user: "42", label_filter: { key: "plan", cmp: "sw", val: "f" } }, ["42"]],
    ["user and expression", { user: "42", expression: '"news" in channels' }, ["42"]],
    [
      "all three",
      { user: "7", expression: "true", label_filter: { key: "plan", cmp: "eq", val: "gold" } },
      [],
    ],
  ])("%s", async (_what, request, users) => {
    expect(await door(server, request)).toEqual({ users, code: 0 });
  });

  it.each<[string, JsonRequest]>([
    ["api 89: nothing", {}],
    ["api 92: a syntax error", { expression: "user ==" }],
    ["api 92: a type error", { expression: "user == 42" }],
    ["api 92: no condition", { user: "42", expression: "user" }],
    ["api 94: eq without val", { label_filter: { key: "plan", cmp: "eq" } }],
    ["an empty filter", { user: "42", label_filter: {} }],
  ])("%s: 107", async (_what, request) => {
    expect(await door(server, request)).toEqual({ users: [], code: 107 });
  });
});

/** Opens a stream and waits until it is connected. */
async function connected(stream: PushStream): Promise<PushStream> {
  await stream.next();
  return stream;
}

describe("what is told of a connection", () => {
  it("api 88: the seed's legacy call finds the two sessions of user 42", async () => {
    await using server = await runServer(CONFIG);
    const connect = { token: hmacToken({ sub: "42", exp: 4_000_000_000 }), name: "terminal" };
    await using first = await connected(await openHttpStream(server, connect));
    await using second = await connected(await openHttpStream(server, connect));
    expect([first.status, second.status]).toEqual([200, 200]);
    const reply = await post(server, "/api", { method: "connections", params: { user: "42" } });
    const { result } = reply as JsonReply;
    const found = Object.values(result?.connections ?? {});
    const sampled = { app_name: "terminal", transport: "uni_http_stream", protocol: "json" };
    expect(found).toEqual([expect.objectContaining(sampled), expect.objectContaining(sampled)]);
  });

  it("everything there is, and nothing that is not", async () => {
    await using server = await runServer(CONFIG);
    const token = hmacToken({
      sub: "42",
      jti: "t1",
      iat: 1_600_000_000,
      labels: { b: "2", a: "1" },
      meta: { z: 1.0, a: [] },
      channels: ["granted"],
    });
    const connect = { token, name: "app", version: "1.2", subs: { asked: {} } };
    await using stream = await openHttpStream(server, connect);
    const client = (await stream.next()).connect?.client ?? "";
    await using plain = await connected(await openSse(server, {}));
    expect(plain.status).toBe(200);
    const { result } = await ask(server, { expression: "true" });
    const { connected_at_ms: connectedAtMs, ...rest } = result?.connections[client] ?? {};
    expect(Math.abs(Date.now() - Number(connectedAtMs))).toBeLessThan(60_000);
    expect(rest).toEqual({
      app_name: "app",
      app_version: "1.2",
      transport: "uni_http_stream",
      protocol: "json",
      user: "42",
      state: {
        channels: { granted: { source: 1 }, asked: { source: 8 }, "#42": { source: 9 } },
        connection_token: { uid: "t1", issued_at: 1_600_000_000 },
        meta: { z: 1, a: [] },
      },
      ping_pong_latency_ms: -1,
      labels: { a: "1", b: "2" },
    });
    const other = Object.entries(result?.connections ?? {}).find(([id]) => id !== client)?.[1];
    expect(other).toEqual({
      transport: "uni_sse",
      protocol: "json",
      connected_at_ms: expect.any(Number),
      ping_pong_latency_ms: -1,
    });
  });

  it("the transport and protocol of each kind of connection", async () => {
    await using server = await runServer(CONFIG);
    await using sse = await connected(await openSse(server, {}));
    using webSocket = await openWebSocket(server, {});
    await webSocket.next();
    using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, {});
    await grpc.next();
    expect(sse.status).toBe(200);
    const { result } = await ask(server, { expression: "true" });
    const kinds = Object.values(result?.connections ?? {}).map(
      ({ transport, protocol }) => `${String(transport)} ${String(protocol)}`,
    );
    expect(new Set(kinds)).toEqual(new Set(["uni_grpc protobuf", "uni_sse json", "uni_websocket json"]));
  });

  it("latency of a WebSocket is known once a PING has been answered", async () => {
    await using server = await runServer({
      ...CONFIG,
      client: { ...CONFIG.client, ping_interval: "1s", pong_timeout: "900ms" },
    });
    using webSocket = await openWebSocket(server, {});
    await webSocket.next();
    const latency = async (): Promise<number> => {
      const { result } = await ask(server, { expression: "true" });
      return Number(Object.values(result?.connections ?? {})[0]?.["ping_pong_latency_ms"]);
    };
    expect(await latency()).toBe(-1);
    await vi.waitFor(async () => expect(await latency()).toBeGreaterThanOrEqual(0), PATIENCE_MS);
  });

  it("api 96: a channel that the API subscribed to has source 10", async () => {
    await using server = await runServer(CONFIG);
    await using stream = await connected(await openSse(server, { token: hmacToken({ sub: "8" }) }));
    await post(server, "/api/subscribe", { user: "8", channel: "added" });
    await stream.next();
    const { result } = await ask(server, { user: "8" });
    expect(Object.values(result?.connections ?? {})[0]?.state?.channels).toEqual({
      "#8": { source: 9 },
      added: { source: 10 },
    });
  });

  it("api 97: user_connections is unknown", async () => {
    await using server = await runServer(CONFIG);
    const response = await fetch(`${server.origin}/api`, {
      method: "POST",
      headers: { "X-API-Key": KEY },
      body: '{"method":"user_connections","params":{"user":"42"}}',
    });
    expect(response.status).toBe(400);
  });

  it("channels as an array of names, in JSON only", async () => {
    await using server = await runServer({
      ...CONFIG,
      http_api: { key: KEY, connections_channels_as_array: true },
    });
    await using stream = await connected(await openSse(server, { subs: { b: {}, a: {} } }));
    expect(stream.status).toBe(200);
    const { result } = await ask(server, { expression: "true" });
    const [connection] = Object.values(result?.connections ?? {});
    expect(connection?.state?.channels).toEqual(["a", "b"]);
  });

  it("the message of a refused expression names the column", async () => {
    await using server = await runServer(CONFIG);
    const { error } = await ask(server, { expression: "user == nobody" });
    const message = "bad request: expression: column 9: undeclared reference to 'nobody'";
    expect(error).toEqual({ code: 107, message });
  });
});

describe("pages", () => {
  it("lead through all connections once, whatever leaves and comes meanwhile", async () => {
    await using server = await runServer(CONFIG);
    await using streams = new AsyncDisposableStack();
    const open = async (): Promise<PushStream> => streams.use(await connected(await openSse(server, {})));
    const clients = async (): Promise<Set<string>> =>
      new Set((await server.connectionsOf("")).map(({ client }) => client));
    const leaving = await open();
    for (let count = 0; count < 4; count++) await open();
    const before = await clients();
    const first = await ask(server, { expression: "true", limit: 2 });
    await leaving[Symbol.asyncDispose]();
    await server.untilSessions(4);
    await open();
    const seen = Object.keys(first.result?.connections ?? {});
    let cursor = first.result?.next_cursor;
    while (cursor !== undefined) {
      const { result } = await ask(server, { expression: "true", limit: 2, cursor });
      seen.push(...Object.keys(result?.connections ?? {}));
      cursor = result?.next_cursor;
    }
    const after = await clients();
    const staying = before.intersection(after);
    expect([staying.size, seen.length]).toEqual([4, new Set(seen).size]);
    expect(staying.isSubsetOf(new Set(seen))).toBe(true);
    expect(before.union(after).isSupersetOf(new Set(seen))).toBe(true);
  });

  it("a page that holds all has no cursor; a negative limit or a foreign cursor is 107", async () => {
    await using server = await runServer(CONFIG);
    await using stream = await connected(await openSse(server, {}));
    expect(stream.status).toBe(200);
    expect((await ask(server, { expression: "true", limit: 1 })).result?.next_cursor).toBeUndefined();
    expect((await ask(server, { expression: "true", limit: -1 })).error?.code).toBe(107);
    expect((await ask(server, { expression: "true", cursor: "else.1" })).error?.code).toBe(107);
  });
});

describe("commands to connections by label", () => {
  async function three(server: RunningServer): Promise<readonly [PushStream, PushStream, PushStream]> {
    const gold = hmacToken({ sub: "1", labels: { plan: "gold" } });
    return [
      await connected(await openSse(server, { token: gold })),
      await connected(await openSse(server, { token: hmacToken({ sub: "2" }) })),
      await connected(await openSse(server, {})),
    ];
  }

  const goldOnly = { all_users: true, label_filter: { key: "plan", cmp: "eq", val: "gold" } };

  it("all_users and a filter: those that match, and all without one", async () => {
    await using server = await runServer(CONFIG);
    const streams = await three(server);
    const [gold, plain, anonymous] = streams;
    await post(server, "/api/subscribe", { channel: "vip", ...goldOnly });
    await post(server, "/api/subscribe", { channel: "all", all_users: true });
    expect(await gold.nextText()).toContain('"channel":"vip"');
    for (const stream of streams) expect(await stream.nextText()).toContain('"channel":"all"');
    await post(server, "/api/unsubscribe", { channel: "vip", ...goldOnly });
    expect(await gold.nextText()).toContain('"unsubscribe"');
    await post(server, "/api/refresh", { ...goldOnly, expire_at: 4_000_000_000 });
    expect(await gold.nextText()).toContain('"refresh"');
    await post(server, "/api/disconnect", goldOnly);
    expect((await gold.next()).disconnect?.code).toBe(3503);
    await server.untilSessions(2);
    await post(server, "/api/disconnect", {});
    expect((await anonymous.next()).disconnect?.code).toBe(3503);
    await post(server, "/api/disconnect", { all_users: true });
    expect((await plain.next()).disconnect?.code).toBe(3503);
  });

  it.each(["subscribe", "unsubscribe", "disconnect", "refresh"])(
    "%s refuses a filter that is not valid, and does nothing",
    async (method) => {
      await using server = await runServer(CONFIG);
      await using stream = await connected(await openSse(server, {}));
      expect(stream.status).toBe(200);
      const request = { channel: "a", expired: true, label_filter: { key: "plan", cmp: "eq" } };
      expect(await post(server, `/api/${method}`, request)).toMatchObject({ error: { code: 107 } });
      expect(await server.sessionCount()).toBe(1);
    },
  );
});
