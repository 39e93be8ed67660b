import { describe, expect, it } from "vitest";
import { NO_LABELS } from "../../../../../src/core/label-filter.ts";
import { publicationOf } from "../../../../../src/protocols/pusher/publish-event.ts";
import { clientOf, fetchAnswer, startApi } from "./fake-api.ts";

describe("channels", () => {
  it("pusher 81: lists occupied channels of the app only, and none that clients cannot name", async () => {
    const { call, node } = await startApi();
    node.subscribers.set("3:news", 2).set("3:presence-room", 1).set("3:#42", 1).set("3:#!42", 1);
    node.subscribers.set("4:news", 1).set("3:a/b", 1).set("news", 1).set("3:__proto__", 1);
    const { json } = await call("/channels");
    expect(JSON.stringify(json)).toBe('{"channels":{"news":{},"presence-room":{},"__proto__":{}}}');
  });

  it("pusher 81: honours the prefix", async () => {
    const { call, node } = await startApi();
    node.subscribers.set("3:news", 2).set("3:presence-room", 1).set("3:presence-hall", 4);
    node.present.set("3:presence-hall", [clientOf("1", "a"), clientOf("1", "b"), clientOf("2", "c")]);
    const params = { filter_by_prefix: "presence-h", info: "user_count,subscription_count" };
    expect((await call("/channels", { params })).json).toEqual({
      channels: { "presence-hall": { user_count: 2, subscription_count: 4 } },
    });
    const all = await call("/channels", { params: { info: "subscription_count" } });
    expect(all.json).toMatchObject({ channels: { news: { subscription_count: 2 } } });
  });

  it.each([{ info: "user_count" }, { info: "user_count", filter_by_prefix: "p" }, { info: "cache" }])(
    "pusher 81: %j: 400",
    async (params) => {
      const { call } = await startApi();
      expect(await call("/channels", { params })).toMatchObject({ status: 400 });
    },
  );

  it("pusher 82: one channel: occupied, and the counts that are asked for", async () => {
    const { call, node } = await startApi();
    node.subscribers.set("3:presence-room", 3);
    node.present.set("3:presence-room", [clientOf("1", "a"), clientOf("1", "b"), clientOf("2", "c")]);
    expect((await call("/channels/presence-room")).json).toEqual({ occupied: true });
    const params = { info: "user_count, subscription_count" };
    expect((await call("/channels/presence-room", { params })).json).toEqual({
      occupied: true,
      user_count: 2,
      subscription_count: 3,
    });
    expect((await call("/channels/empty")).json).toEqual({ occupied: false });
  });

  it.each(["App said: hi", '{"a": 1}', '"text"', ""])(
    "pusher 82: the cached data %j as it was triggered, and null where there is none",
    async (data) => {
      const { call, node } = await startApi();
      node.latest.set("3:cache-x", publicationOf({ event: "e", data }));
      const params = { info: "cache" };
      expect((await call("/channels/cache-x", { params })).json).toEqual({
        occupied: false,
        cache: { data, ttl: 3600 },
      });
      expect((await call("/channels/private-cache-y", { params })).json).toEqual({
        occupied: false,
        cache: null,
      });
    },
  );

  it.each([
    ["/channels/news", "user_count"],
    ["/channels/news", "cache"],
    ["/channels/news", "likes"],
    ["/channels/a%20b", undefined],
    ["/channels/%23server-to-user-1", undefined],
    ["/channels/%E0", undefined],
    ["/channels/", undefined],
    [`/channels/${"x".repeat(201)}`, undefined],
  ])("pusher 82: %s with info %s: 400", async (path, info) => {
    const { call } = await startApi();
    expect(await call(path, info === undefined ? {} : { params: { info } })).toMatchObject({ status: 400 });
  });

  it("pusher 83: users are told once each", async () => {
    const { call, node } = await startApi();
    node.present.set("3:presence-room", [
      clientOf("1", "a", { name: "Ann" }),
      clientOf("", "b"),
      clientOf("2", "c"),
      clientOf("1", "d"),
    ]);
    expect((await call("/channels/presence-room/users")).json).toEqual({ users: [{ id: "1" }, { id: "2" }] });
    const params = { with_user_info: "1" };
    expect((await call("/channels/presence-room/users", { params })).json).toEqual({
      users: [
        { id: "1", user_info: { name: "Ann" } },
        { id: "2", user_info: {} },
      ],
    });
    expect((await call("/channels/presence-empty/users")).json).toEqual({ users: [] });
  });

  it("of a user whose info is binary nothing is told", async () => {
    const { call, node } = await startApi();
    const binary = { ...clientOf("1", "a"), connInfo: Buffer.from([0xff]) };
    node.present.set("3:presence-room", [binary, clientOf("2", "b", { name: "Ben" })]);
    const params = { with_user_info: "1" };
    expect((await call("/channels/presence-room/users", { params })).json).toEqual({
      users: [
        { id: "1", user_info: {} },
        { id: "2", user_info: { name: "Ben" } },
      ],
    });
  });

  it.each(["news", "private-x", "x-presence-y"])("pusher 83: users of %s: 400", async (name) => {
    const { call } = await startApi();
    expect(await call(`/channels/${name}/users`)).toMatchObject({ status: 400 });
  });
});

describe("users", () => {
  it("terminates the connections of a user in this app only", async () => {
    const { call, node } = await startApi();
    expect(await call("/users/42/terminate_connections", { body: {} })).toMatchObject({
      status: 200,
      json: {},
    });
    const [disconnected] = node.disconnected;
    expect(disconnected).toMatchObject({
      target: { user: "42", client: "", session: "" },
      reason: { code: 4009 },
    });
    const filter = disconnected?.target.labelFilter;
    expect(filter?.matches(new Map([["app", "3"]]))).toBe(true);
    expect(filter?.matches(new Map([["app", "4"]]))).toBe(false);
    expect(filter?.matches(NO_LABELS)).toBe(false);
  });

  it("has the connections of a user made anew, in this app only", async () => {
    const { call, node } = await startApi();
    expect(await call("/users/42/force_reconnect", { body: {} })).toMatchObject({ status: 200, json: {} });
    const [disconnected] = node.disconnected;
    expect(disconnected).toMatchObject({ target: { user: "42" }, reason: { code: 4200 } });
    expect(disconnected?.target.labelFilter?.matches(new Map([["app", "4"]]))).toBe(false);
  });

  it("counts the connections of the app, whoever has signed in", async () => {
    const { call, node } = await startApi();
    expect(await call("/connections")).toMatchObject({ status: 200, json: { connections: 5 } });
    const [target] = node.counted;
    expect(target).toMatchObject({ user: "", allUsers: true, client: "", session: "" });
    expect(target?.labelFilter?.matches(new Map([["app", "3"]]))).toBe(true);
    expect(target?.labelFilter?.matches(new Map([["app", "4"]]))).toBe(false);
  });

  it("nobody's connections are not to be had", async () => {
    const { call, node } = await startApi();
    expect(await call("/users//terminate_connections", { body: {} })).toMatchObject({ status: 400 });
    expect(await call("/users//force_reconnect", { body: {} })).toMatchObject({ status: 400 });
    expect(node.disconnected).toEqual([]);
  });
});

describe("paths", () => {
  it.each(["", "/push"])("answers health checks at %s/up, without a signature", async (path_prefix) => {
    const { url } = await startApi({}, { path_prefix });
    expect(await fetchAnswer(`${url}${path_prefix}/up`, {})).toMatchObject({
      status: 200,
      json: { health: "OK" },
    });
  });

  it.each([
    ["GET", "/nothing", 404],
    ["GET", "", 404],
    ["GET", "/channels/a/b/c", 404],
    ["GET", "/events", 405],
    ["POST", "/channels", 405],
    ["PUT", "/events", 405],
  ])("%s %s: %d", async (method, path, status) => {
    const { call } = await startApi();
    const answer = await call(path, { method });
    expect(answer).toMatchObject({ status, json: { code: status } });
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  });

  it("pages of any origin may ask", async () => {
    const { url } = await startApi();
    const headers = { "Access-Control-Request-Headers": "x-pusher-library" };
    const { status, headers: answer } = await fetchAnswer(`${url}/apps/3/events`, {
      method: "OPTIONS",
      headers,
    });
    expect(status).toBe(204);
    expect(answer.get("access-control-allow-origin")).toBe("*");
    expect(answer.get("access-control-allow-methods")).toBe("GET, POST, OPTIONS");
    expect(answer.get("access-control-allow-headers")).toBe("x-pusher-library");
  });
});
