import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { CentrifugoApi } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { API_CONFIG, API_KEY, apiCodeOf, askApi, callApi } from "../support/api-client.ts";
import { codeOf, firstPush } from "../support/connect-outcome.ts";
import { callUnary } from "../support/grpc-calls.ts";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse, type PushStream } from "../support/push-stream.ts";
import { type ConfigInput, type RunningServer, runServer } from "../support/running-server.ts";
import { openWebSocket } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const LISTENER = { enabled: true, address: "127.0.0.1", port: 0 };
const CONFIG: ConfigInput = {
  http_api: API_CONFIG,
  grpc_api: { ...LISTENER, key: API_KEY },
  uni_grpc: LISTENER,
  client: { user_id_http_header: "X-User" },
};
const FORCED = { disconnect: { code: 3503, reason: "force disconnect" } };
const VOID = { disconnect: { code: 3014, reason: "state invalidated" } };

let server: RunningServer;
beforeAll(async () => {
  server = await runServer(CONFIG);
});
afterAll(() => server[Symbol.asyncDispose]());

let lastUser = 0;
/** A user that no other test has. */
function newUser(): string {
  lastUser += 1;
  return `user ${lastUser}`;
}

const nowSec = (): number => Math.floor(Date.now() / 1000);

/** Connects over HTTP streaming until the test is over. */
async function connect(
  claims: Readonly<Record<string, unknown>>,
  headers?: Readonly<Record<string, string>>,
): Promise<PushStream> {
  const request = headers === undefined ? { token: hmacToken(claims) } : {};
  const stream = await openHttpStream(server, request, headers);
  onTestFinished(() => stream[Symbol.asyncDispose]());
  expect(await stream.next()).toHaveProperty("connect");
  return stream;
}

/** What a connect with these claims is refused with; 0 when it is not. */
function refusalOf(claims: Readonly<Record<string, unknown>>): Promise<number> {
  return codeOf(server, { token: hmacToken(claims) });
}

type MethodKey =
  | "updateUserStatus"
  | "getUserStatus"
  | "deleteUserStatus"
  | "blockUser"
  | "unblockUser"
  | "revokeToken"
  | "invalidateUserTokens";
/** A request in JSON; numbers are turned into what protobuf wants. */
type Request = Readonly<Record<string, string | number | readonly string[]>>;
/** Calls a method through one door; resolves to the code of the error, 0 for none. */
type Door = (key: MethodKey, request: Request) => Promise<number>;

const nameOf = (key: MethodKey): string => key.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);

/** The request as an init of its message: names in camelCase, integers as BigInt. */
function initOf(request: Request): Record<string, unknown> {
  const members = Object.entries(request).map(([name, value]) => [
    name.replaceAll(/_([a-z])/gu, (_match, letter: string) => letter.toUpperCase()),
    typeof value === "number" ? BigInt(value) : value,
  ]);
  return Object.fromEntries(members) as Record<string, unknown>;
}

interface Answer {
  readonly error?: { readonly code: number } | undefined;
}

/** Calls a method of a Connect client by its key. */
async function callConnect(
  baseUrl: string,
  isGrpc: boolean,
  key: MethodKey,
  request: Request,
): Promise<number> {
  const transport = isGrpc
    ? createGrpcTransport({ baseUrl })
    : createConnectTransport({ baseUrl, httpVersion: "1.1" });
  // Which request goes with which key is what the test's table says.
  const client = createClient(CentrifugoApi, transport) as unknown as Record<
    MethodKey,
    (init: unknown, options: { headers: Record<string, string> }) => Promise<Answer>
  >;
  const { error } = await client[key](initOf(request), { headers: { "X-API-Key": API_KEY } });
  return error?.code ?? 0;
}

const DOORS: readonly (readonly [name: string, door: Door])[] = [
  ["HTTP", (key, request) => apiCodeOf(server, nameOf(key), request)],
  [
    "legacy HTTP",
    (key, request) => apiCodeOf(server, "", JSON.stringify({ method: nameOf(key), params: request })),
  ],
  [
    "a batch over HTTP",
    async (key, request) => {
      const { text } = await callApi(server, "batch", { commands: [{ [nameOf(key)]: request }] });
      const { replies }: { readonly replies: readonly Answer[] } = JSON.parse(text);
      if (replies[0]?.error === undefined) expect(replies[0]).toHaveProperty(nameOf(key));
      return replies[0]?.error?.code ?? 0;
    },
  ],
  [
    "gRPC",
    async (key, request) => {
      const client = new Client(`127.0.0.1:${server.addresses.grpcApi?.port}`, credentials.createInsecure());
      const method: DescMethodUnary = CentrifugoApi.method[key];
      const headers = { authorization: `apikey ${API_KEY}` };
      // Every response of the service has an error.
      const answer = (await callUnary(client, method, initOf(request), headers)) as Answer;
      client.close();
      return answer.error?.code ?? 0;
    },
  ],
  ["Connect", (key, request) => callConnect(server.origin, false, key, request)],
  ["gRPC on the HTTP port", (key, request) => callConnect(server.origin, true, key, request)],
];

describe.each(DOORS)("through %s", (_name, call) => {
  it("api 99: block_user closes live connections and refuses later ones, until unblock_user", async () => {
    const user = newUser();
    const [live, byHeader] = [await connect({ sub: user }), await connect({}, { "X-User": user })];
    expect(await call("blockUser", { user })).toBe(0);
    expect(await live.next()).toEqual(FORCED);
    expect(await byHeader.next()).toEqual(FORCED);
    expect(await refusalOf({ sub: user })).toBe(3507);
    expect(await codeOf(server, {}, { "X-User": user })).toBe(3507);
    expect(await refusalOf({ sub: newUser() })).toBe(0);
    expect(await call("unblockUser", { user })).toBe(0);
    expect(await refusalOf({ sub: user })).toBe(0);
  });

  it("revoke_token closes connections of the token and refuses it, not the user's others", async () => {
    const user = newUser();
    const [live, other] = [
      await connect({ sub: user, jti: user }),
      await connect({ sub: user, jti: `${user}b` }),
    ];
    expect(await call("revokeToken", { uid: user })).toBe(0);
    expect(await live.next()).toEqual(VOID);
    expect(await refusalOf({ sub: user, jti: user })).toBe(3005);
    expect(await refusalOf({ sub: user, jti: `${user}c` })).toBe(0);
    await call("blockUser", { user });
    expect(await other.next()).toEqual(FORCED);
  });

  it("api 100: invalidate_user_tokens: a later iat still works", async () => {
    const user = newUser();
    const iat = nowSec();
    const [older, newer] = [await connect({ sub: user, iat: iat - 10 }), await connect({ sub: user, iat })];
    expect(await call("invalidateUserTokens", { user, issued_before: iat })).toBe(0);
    expect(await older.next()).toEqual(VOID);
    expect(await refusalOf({ sub: user, iat: iat - 1 })).toBe(3005);
    expect(await refusalOf({ sub: user })).toBe(3005);
    expect(await refusalOf({ sub: user, iat })).toBe(0);
    await call("blockUser", { user });
    expect(await newer.next()).toEqual(FORCED);
  });

  it("update_user_status, get_user_status and delete_user_status", async () => {
    const [user, other] = [newUser(), newUser()];
    expect(await call("updateUserStatus", { users: [user, other], state: "away" })).toBe(0);
    expect(await call("getUserStatus", { users: [user] })).toBe(0);
    expect(await call("deleteUserStatus", { users: [other] })).toBe(0);
    const statuses = [{ user, active: expect.any(Number), state: "away" }, { user: other }];
    expect(await askApi(server, "get_user_status", { users: [user, other] })).toEqual({
      result: { statuses },
    });
  });

  it.each<[key: MethodKey, request: Request]>([
    ["updateUserStatus", { state: "away" }],
    ["updateUserStatus", { users: ["1", ""] }],
    ["getUserStatus", {}],
    ["deleteUserStatus", { users: [] }],
    ["blockUser", {}],
    ["blockUser", { user: "never", expire_at: -1 }],
    ["unblockUser", { user: "" }],
    ["revokeToken", { expire_at: 1 }],
    ["invalidateUserTokens", { channel: "a" }],
    ["invalidateUserTokens", { user: "never", issued_before: -1 }],
  ])("%s without what it is about is refused with 107: %j", async (key, request) => {
    expect(await call(key, request)).toBe(107);
  });
});

describe("get_user_status", () => {
  it("api 98: of an unknown user has the name alone, over HTTP and gRPC", async () => {
    expect((await callApi(server, "get_user_status", { users: ["x"] })).text).toBe(
      '{"result":{"statuses":[{"user":"x"}]}}',
    );
    const client = createClient(CentrifugoApi, createGrpcTransport({ baseUrl: server.origin }));
    const headers = { "X-API-Key": API_KEY };
    const { result } = await client.getUserStatus({ users: ["x"] }, { headers });
    expect(result?.statuses).toMatchObject([{ user: "x", active: 0n, online: 0n, state: "" }]);
  });

  it("answers for each user in the order of the request, repeated ones too", async () => {
    const user = newUser();
    await callApi(server, "update_user_status", { users: [user] });
    const known = { user, active: expect.any(Number) };
    const users = ["x", user, "y", user];
    expect(await askApi(server, "get_user_status", { users })).toEqual({
      result: { statuses: [{ user: "x" }, known, { user: "y" }, known] },
    });
  });

  it("has online for who is connected, and for who was", async () => {
    const user = newUser();
    const stream = await connect({ sub: user });
    const online = { result: { statuses: [{ user, online: expect.any(Number) }] } };
    expect(await askApi(server, "get_user_status", { users: [user] })).toEqual(online);
    await server.disconnect(user, 3503, "force disconnect");
    await stream.untilEnd();
    expect(await askApi(server, "get_user_status", { users: [user] })).toEqual(online);
  });

  it("is not available where statuses are switched off", async () => {
    await using plain = await runServer({ http_api: API_CONFIG, user_status: { enabled: false } });
    expect(await apiCodeOf(plain, "get_user_status", { users: ["x"] })).toBe(108);
    expect(await apiCodeOf(plain, "update_user_status", { users: ["x"] })).toBe(108);
  });
});

it("api 99: block_user closes connections on every transport", async () => {
  const user = newUser();
  const request = { token: hmacToken({ sub: user }) };
  await using sse = await openSse(server, request);
  using webSocket = await openWebSocket(server, request);
  using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, request);
  for (const client of [sse, webSocket, grpc]) await client.next();
  await callApi(server, "block_user", { user });
  expect(await sse.next()).toEqual(FORCED);
  expect(await webSocket.next()).toEqual(FORCED);
  expect(await webSocket.untilClosed()).toEqual({ code: 3503, reason: "force disconnect" });
  expect((await grpc.next()).disconnect).toMatchObject(FORCED.disconnect);
});

it("a refused client is told why", async () => {
  const user = newUser();
  const token = hmacToken({ sub: user, jti: user });
  await callApi(server, "revoke_token", { uid: user });
  expect(await firstPush(server, { token })).toEqual({
    disconnect: { code: 3005, reason: "connection expired" },
  });
  await callApi(server, "block_user", { user });
  expect(await firstPush(server, { token })).toEqual({
    disconnect: { code: 3507, reason: "permission denied" },
  });
});

it("the default of issued_before is now, and a channel concerns its subscription tokens only", async () => {
  const user = newUser();
  const old = { sub: user, iat: nowSec() - 100 };
  await callApi(server, "invalidate_user_tokens", { user, channel: "news" });
  expect(await refusalOf(old)).toBe(0);
  await callApi(server, "invalidate_user_tokens", { user });
  expect(await refusalOf(old)).toBe(3005);
  expect(await refusalOf({ sub: user, iat: nowSec() + 100 })).toBe(0);
});

it("legacy requests may give the number of the method: field of a command, minus 3", async () => {
  const user = newUser();
  const lines = [18, 19].map((method) => JSON.stringify({ id: method, method, params: { user } }));
  expect((await callApi(server, "", lines.join("\n"))).text).toBe(
    '{"id":18,"result":{}}\n{"id":19,"result":{}}',
  );
  expect(await refusalOf({ sub: user })).toBe(0);
});

it("an expire_at in the past changes nothing", async () => {
  const user = newUser();
  const live = await connect({ sub: user });
  await callApi(server, "block_user", { user, expire_at: nowSec() - 1 });
  expect(await refusalOf({ sub: user })).toBe(0);
  await callApi(server, "block_user", { user, expire_at: nowSec() + 1000 });
  expect(await live.next()).toEqual(FORCED);
  expect(await refusalOf({ sub: user })).toBe(3507);
});
