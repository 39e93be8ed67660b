import { credentials, Metadata, Client as GrpcClient } from "@grpc/grpc-js";
import { describe, expect, it, vi } from "vitest";
import { API_CONFIG, API_KEY, callApi } from "../support/api-client.ts";
import { APP, pusherConfig, sdkOf } from "../support/pusher-client.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import type { LoggedLine } from "../support/silent-logger.ts";
import { WebSocketClient } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

/** Several processes have a line each. */
const ALONE: ConfigInput = { node: { workers: "1" } };
const CONFIG: ConfigInput = {
  ...ALONE,
  http_api: API_CONFIG,
  client: { allowed_origins: ["https://good.example"] },
};

/** Lines about who was refused, without hints and addresses; what the node finds out has none of these. */
function refused(server: RunningServer): readonly Partial<LoggedLine>[] {
  return server.logged
    .filter(({ message }) => message.endsWith(" refused"))
    .map(({ level, hint, address, ...line }) => {
      expect([level, typeof hint]).toEqual(["info", "string"]);
      expect(address ?? "127.0.0.1").toBe("127.0.0.1");
      expect(JSON.stringify(line)).not.toContain("stack");
      return line;
    });
}

describe("the log says why", () => {
  it("an EventSource with a bad token comes back to no avail: one line", async () => {
    await using server = await runServer(CONFIG);
    const token = hmacToken({ sub: "42" }, "another secret");
    for (let time = 0; time < 3; time++) await (await fetch(server.url("uni_sse", { token }))).text();
    expect(refused(server)).toEqual([
      {
        message: "client refused",
        reason: "token_bad_signature",
        transport: "uni_sse",
        detail: "signature does not hold",
      },
    ]);
  });

  it.each([
    ["no token", {}, "no_credentials", undefined],
    ["an expired token", { token: hmacToken({ sub: "42", exp: 1 }) }, "token_expired", "exp has passed"],
    ["no JWT", { token: "x" }, "token_malformed", "not a JWT"],
    [
      "a channel of no namespace",
      { token: hmacToken({ sub: "42" }), subs: { "chat:1": {} } },
      "unknown_namespace",
      'channel "chat:1"',
      "channel refused",
    ],
  ])("a client with %s", async (_, connect, reason, detail, message = "client refused") => {
    await using server = await runServer(CONFIG);
    const body = JSON.stringify(connect);
    await (await fetch(server.url("uni_http_stream"), { method: "POST", body })).text();
    expect(refused(server)).toEqual([
      { message, reason, transport: "uni_http_stream", ...(detail ? { detail } : {}) },
    ]);
  });

  it("a channel that a client may not listen to, while it is connected all the same", async () => {
    await using server = await runServer(CONFIG);
    const connect = { token: hmacToken({ sub: "42" }), subs: { news: {} } };
    const response = await fetch(server.url("uni_sse", connect));
    const expected = { reason: "channel_not_permitted", detail: 'channel "news"' };
    await vi.waitFor(() => expect(refused(server)).toMatchObject([expected]), { timeout: PATIENCE_MS });
    await response.body?.cancel();
  });

  it("a page of another origin, over every transport of the HTTP port", async () => {
    const origin = "https://bad.example";
    await using sse = await runServer(CONFIG);
    await (await fetch(sse.url("uni_sse"), { headers: { origin } })).text();
    expect(refused(sse)[0]).toEqual({ message: "client refused", reason: "origin_not_allowed", origin });
    await using socket = await runServer(CONFIG);
    await WebSocketClient.open(socket.url("uni_websocket"), { origin }).catch(() => undefined);
    expect(refused(socket)).toEqual([{ message: "client refused", reason: "origin_not_allowed", origin }]);
  });

  it("a connect request that is none, and more connections than there may be", async () => {
    await using server = await runServer({ ...CONFIG, client: { ...OPEN.client, connection_limit: 1 } });
    await fetch(server.url("uni_http_stream"), { method: "POST", body: "{" });
    using socket = await WebSocketClient.open(server.url("uni_websocket"));
    socket.socket.send("[]");
    await socket.untilClosed();
    using connected = await WebSocketClient.open(server.url("uni_websocket", {}));
    await connected.nextText();
    await WebSocketClient.open(server.url("uni_websocket", {})).catch(() => undefined);
    expect(refused(server)).toEqual([
      expect.objectContaining({ reason: "bad_connect_request", detail: expect.any(String) as string }),
      { message: "client refused", reason: "connection_limit" },
    ]);
  });

  it("calls of the API without key, with a wrong one, and with what is wrong with them", async () => {
    await using server = await runServer(CONFIG);
    const url = `${server.origin}/api/publish`;
    const call = (headers: Record<string, string>, body = "{}"): Promise<Response> =>
      fetch(url, { method: "POST", headers, body });
    await call({});
    await call({ "X-API-Key": "x" });
    await fetch(`${url}?api_key=secret`, { method: "POST", body: "{}" });
    await call({ "X-API-Key": API_KEY }, "{");
    await callApi(server, "publish", { channel: "chat:1", data: {} });
    await callApi(server, "history", { channel: "news" });
    expect(refused(server)).toEqual([
      { message: "api call refused", reason: "api_key_missing", path: "/api/publish" },
      { message: "api call refused", reason: "api_key_wrong", path: "/api/publish" },
      expect.objectContaining({ reason: "bad_api_request", path: "/api/publish" }),
      { message: "channel refused", reason: "unknown_namespace", namespace: "chat" },
      expect.objectContaining({ reason: "api_not_available", method: "history" }),
    ]);
    expect(JSON.stringify(server.logged)).not.toContain("secret");
  });

  it("calls over gRPC and Connect", async () => {
    const grpc = { enabled: true, address: "127.0.0.1", port: 0, key: "grpc-key" };
    await using server = await runServer({ ...CONFIG, grpc_api: grpc });
    const client = new GrpcClient(
      `127.0.0.1:${server.addresses.grpcApi?.port}`,
      credentials.createInsecure(),
    );
    const metadata = new Metadata();
    metadata.set("authorization", "apikey x");
    const identity = (bytes: Buffer): Buffer => bytes;
    const service = "/centrifugal.centrifugo.api.CentrifugoApi";
    await new Promise((resolve) => {
      client.makeUnaryRequest(`${service}/Info`, identity, identity, Buffer.alloc(0), metadata, (error) =>
        resolve(error),
      );
    });
    client.close();
    const body = "{";
    const headers = { "Content-Type": "application/json", "X-API-Key": API_KEY };
    await fetch(`${server.origin}${service}/Publish`, { method: "POST", headers, body });
    expect(refused(server)).toEqual([
      { message: "api call refused", reason: "api_key_wrong", rpc: "Info" },
      { message: "api call refused", reason: "bad_api_request", key: "http_api.key", rpc: "Publish" },
    ]);
  });

  it("Pusher's clients and backends", async () => {
    await using server = await runServer({ ...pusherConfig(), ...ALONE });
    const open = (path: string): Promise<WebSocketClient> =>
      WebSocketClient.open(`ws://127.0.0.1:${server.port}/app/${path}`);
    using stranger = await open("unknown?protocol=7");
    await stranger.untilClosed();
    using client = await open(`${APP.key}?protocol=7`);
    await client.nextText();
    client.send({ event: "pusher:subscribe", data: { channel: "private-a", auth: "x" } });
    await client.nextText();
    client.send({ event: "pusher:signin", data: { auth: "x", user_data: '{"id":"1"}' } });
    await client.nextText();
    await fetch(`${server.origin}/apps/${APP.id}/channels`);
    await fetch(`${server.origin}/apps/unknown/channels`);
    await sdkOf(server)
      .get({ path: "/channels/news/users" })
      .catch(() => undefined);
    expect(refused(server)).toEqual([
      { message: "client refused", reason: "pusher_unknown_key", protocol: "7" },
      {
        message: "channel refused",
        reason: "pusher_bad_signature",
        app: APP.id,
        channel: "private-a",
        detail: "The signature is missing or wrong",
      },
      {
        message: "client refused",
        reason: "pusher_bad_sign_in",
        app: APP.id,
        detail: "The signature is wrong",
      },
      expect.objectContaining({ reason: "pusher_api_unauthorized", detail: "auth_key is missing" }),
      expect.objectContaining({ reason: "pusher_api_not_found", path: "/apps/unknown/channels" }),
      expect.objectContaining({
        reason: "pusher_api_bad_request",
        detail: "The channel is no presence channel",
      }),
    ]);
  });
});

it("who connects and what is called stands in the log at debug", async () => {
  await using server = await runServer({ ...OPEN, ...ALONE, http_api: API_CONFIG });
  using client = await WebSocketClient.open(server.url("uni_websocket", {}));
  await client.nextText();
  await callApi(server, "publish", { channel: "news", data: {} });
  await callApi(server, "publish", { channel: "chat:1", data: {} });
  const lines = server.logged.filter(
    ({ level, message }) => level === "debug" && message !== "session closed",
  );
  expect(lines).toEqual([
    expect.objectContaining({
      message: "client connected",
      transport: "uni_websocket",
      address: "127.0.0.1",
    }),
    expect.objectContaining({
      message: "api call",
      method: "publish",
      code: undefined,
      address: "127.0.0.1",
    }),
    expect.objectContaining({ message: "api call", method: "publish", code: 102 }),
  ]);
});
