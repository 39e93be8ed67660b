import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { API_CONFIG, apiCodeOf, askApi } from "../support/api-client.ts";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse, type PushJson, type PushStream } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import { openWebSocket } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const FOR_ALL = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const TOLD = { ...FOR_ALL, join_leave: true, force_push_join_leave: true };
const CONFIG: ConfigInput = {
  client: { ...OPEN.client, presence_update_interval: "100ms" },
  http_api: API_CONFIG,
  uni_grpc: { enabled: true, address: "127.0.0.1", port: 0 },
  channel: {
    without_namespace: FOR_ALL,
    namespaces: [
      { name: "present", ...FOR_ALL, presence: true },
      { name: "told", ...TOLD },
      { name: "untold", ...FOR_ALL, join_leave: true },
      { name: "silent", ...FOR_ALL, force_push_join_leave: true },
      { name: "kept", ...TOLD, history_size: 10, history_ttl: "60s", force_recovery: true },
    ],
  },
};

let server: RunningServer;
beforeAll(async () => {
  server = await runServer(CONFIG);
});
afterAll(() => server[Symbol.asyncDispose]());

/** A connected client, and its public id. */
interface Connected {
  readonly stream: PushStream;
  readonly client: string | undefined;
}

async function connect(request: unknown, open: typeof openSse = openHttpStream): Promise<Connected> {
  const stream = await open(server, request);
  return { stream, client: (await stream.next()).connect?.client };
}

function join(channel: string, client: string | undefined, info: object = { user: "" }): unknown {
  return { channel, join: { info: { ...info, client } } };
}

function leave(channel: string, client: string | undefined, info: object = { user: "" }): unknown {
  return { channel, leave: { info: { ...info, client } } };
}

function presence(channel: string): Promise<unknown> {
  return askApi(server, "presence", { channel });
}

function presenceStats(channel: string): Promise<unknown> {
  return askApi(server, "presence_stats", { channel });
}

describe("presence", () => {
  it("core 80: counts connections, and each user once", async () => {
    const request = { token: hmacToken({ sub: "42" }), subs: { "present:a": {} } };
    await using first = (await connect(request)).stream;
    await using second = (await connect(request, openSse)).stream;
    expect(await presenceStats("present:a")).toEqual({ result: { num_clients: 2, num_users: 1 } });
    await using third = (await connect({ subs: { "present:a": {} } })).stream;
    await using fourth = (await connect({ subs: { "present:a": {} } })).stream;
    expect(await presenceStats("present:a")).toEqual({ result: { num_clients: 4, num_users: 2 } });
    for (const stream of [first, second, third, fourth]) await stream[Symbol.asyncDispose]();
    await vi.waitFor(
      async () => {
        expect(await presenceStats("present:a")).toEqual({ result: { num_clients: 0, num_users: 0 } });
      },
      { timeout: PATIENCE_MS },
    );
  });

  it("core 83, uni 73: info of the token is conn_info, that of its subscription chan_info", async () => {
    const token = hmacToken({
      sub: "42",
      info: { n: 1 },
      subs: { "present:b": { info: { c: "<é>" } }, "present:c": {} },
    });
    const { stream, client = "" } = await connect({ token });
    const entry = { user: "42", client, conn_info: { n: 1 } };
    expect(await presence("present:b")).toEqual({
      result: { presence: { [client]: { ...entry, chan_info: { c: "<é>" } } } },
    });
    expect(await presence("present:c")).toEqual({ result: { presence: { [client]: entry } } });
    await stream[Symbol.asyncDispose]();
  });

  it("api 39, core 82: is 108 where it is off, unless a token switches it on for one client only", async () => {
    const override = { presence: { value: false } };
    const token = hmacToken({ sub: "1", subs: { "present:d": { override }, a: {} } });
    await using stream = (await connect({ token })).stream;
    expect(stream.status).toBe(200);
    expect(await presence("present:d")).toEqual({ result: { presence: {} } });
    for (const method of ["presence", "presence_stats"]) {
      expect(await apiCodeOf(server, method, { channel: "a" })).toBe(108);
    }
  });

  it("core §4: an entry is there with the connect push, on every transport", async () => {
    const request = { subs: { "present:e": {} } };
    await using lines = (await connect(request)).stream;
    await using events = (await connect(request, openSse)).stream;
    using webSocket = await openWebSocket(server, request);
    await webSocket.next();
    using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, request);
    await grpc.next();
    expect(await presenceStats("present:e")).toEqual({ result: { num_clients: 4, num_users: 1 } });
    await Promise.all([lines, events].map((stream) => stream[Symbol.asyncDispose]()));
  });

  it("api 68: info of a refresh is in the presence after its next update", async () => {
    const token = hmacToken({ sub: "refreshed", info: { n: 1 } });
    const { stream, client = "" } = await connect({ token, subs: { "present:f": {} } });
    const expire_at = Math.floor(Date.now() / 1000) + 60;
    await askApi(server, "refresh", { user: "refreshed", expire_at, info: { n: 2 } });
    await vi.waitFor(
      async () => {
        expect(await presence("present:f")).toEqual({
          result: { presence: { [client]: { user: "refreshed", client, conn_info: { n: 2 } } } },
        });
      },
      { timeout: PATIENCE_MS },
    );
    await stream[Symbol.asyncDispose]();
  });
});

describe("join and leave", () => {
  it("core 81, uni 72: the own join follows the connect push; others see both; nobody sees its own leave", async () => {
    const request = { subs: { "told:a": {} } };
    const first = await connect(request);
    expect(await first.stream.nextText()).toBe(
      `{"channel":"told:a","join":{"info":{"user":"","client":"${first.client}"}}}`,
    );
    const second = await connect(request, openSse);
    expect(await second.stream.next()).toEqual(join("told:a", second.client));
    expect(await first.stream.next()).toEqual(join("told:a", second.client));
    await second.stream[Symbol.asyncDispose]();
    expect(await first.stream.nextText()).toBe(
      `{"channel":"told:a","leave":{"info":{"user":"","client":"${second.client}"}}}`,
    );
    await server.disconnect("", 4000, "bye");
    const rest = (await first.stream.untilEnd()).trimEnd().split("\n");
    expect(rest.at(-1)).toBe('{"disconnect":{"code":4000,"reason":"bye"}}');
    expect(first.stream.text).not.toContain(`"leave":{"info":{"user":"","client":"${first.client}"`);
  });

  it("uni 72: join_leave without force_push_join_leave, and the other way round, tell nothing", async () => {
    for (const channel of ["untold:a", "silent:a"]) {
      const request = { subs: { [channel]: {} } };
      const first = await connect(request);
      const second = await connect(request);
      await second.stream[Symbol.asyncDispose]();
      await server.untilSessions(1);
      await server.publish(channel, "next");
      expect(await first.stream.next()).toEqual({ channel, pub: { data: "next" } });
      await first.stream[Symbol.asyncDispose]();
      await server.untilSessions(0);
    }
  });

  it("core 83, uni 73: joins and leaves carry conn_info and chan_info", async () => {
    await using watcher = (await connect({ subs: { "told:b": {} } })).stream;
    await watcher.next();
    const claims = { sub: "42", info: { n: 1 }, subs: { "told:b": { info: ["c"] } } };
    const { stream, client } = await connect({ token: hmacToken(claims) });
    const info = { user: "42", conn_info: { n: 1 }, chan_info: ["c"] };
    expect(await watcher.next()).toEqual(join("told:b", client, info));
    expect(await stream.next()).toEqual(join("told:b", client, info));
    await stream[Symbol.asyncDispose]();
    expect(await watcher.next()).toEqual(leave("told:b", client, info));
  });

  it("core §4: who tells is decided by the one who comes, who hears by the one who is there", async () => {
    const withOverride = (user: string, override: object): unknown => ({
      token: hmacToken({ sub: user, subs: { "told:c": { override } } }),
    });
    const hearing = await connect({ subs: { "told:c": {} } });
    await hearing.stream.next();
    const deaf = await connect(withOverride("deaf", { force_push_join_leave: { value: false } }));
    const mute = await connect(withOverride("mute", { join_leave: { value: false } }));
    expect(await hearing.stream.next()).toEqual(join("told:c", deaf.client, { user: "deaf" }));
    const last = await connect({ subs: { "told:c": {} } });
    for (const { stream } of [hearing, mute]) {
      expect(await stream.next()).toEqual(join("told:c", last.client));
    }
    await mute.stream[Symbol.asyncDispose]();
    await server.untilSessions(3);
    await server.publish("told:c", "next");
    for (const { stream } of [deaf, hearing]) {
      expect(await stream.next()).toEqual({ channel: "told:c", pub: { data: "next" } });
      await stream[Symbol.asyncDispose]();
    }
    await last.stream[Symbol.asyncDispose]();
  });

  it("core 81: over WebSocket and gRPC, and between publications in their order", async () => {
    const request = { subs: { "kept:a": {} } };
    using webSocket = await openWebSocket(server, request);
    const client = (await webSocket.next()).connect?.client;
    expect(await webSocket.next()).toEqual(join("kept:a", client));
    await server.publish("kept:a", 1);
    using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, request);
    const second = (await grpc.next()).connect?.client;
    expect((await grpc.next()).join?.info).toMatchObject({ user: "", client: second });
    await server.publish("kept:a", 2);
    grpc[Symbol.dispose]();
    const pushes: PushJson[] = [];
    for (let count = 0; count < 4; count++) pushes.push(await webSocket.next());
    expect(pushes).toMatchObject([
      { pub: { data: 1, offset: 1 } },
      join("kept:a", second),
      { pub: { data: 2, offset: 2 } },
      leave("kept:a", second),
    ]);
  });

  it("api §2.5: who is unsubscribed leaves, and does not hear of it", async () => {
    const watcher = await connect({ subs: { "told:d": {} } });
    await watcher.stream.next();
    const token = hmacToken({ sub: "guest" });
    const guest = await connect({ token, subs: { "told:d": {} } });
    await guest.stream.next();
    expect(await watcher.stream.next()).toEqual(join("told:d", guest.client, { user: "guest" }));
    await askApi(server, "unsubscribe", { user: "guest", channel: "told:d" });
    expect(await guest.stream.next()).toMatchObject({ unsubscribe: { code: 2000 } });
    expect(await watcher.stream.next()).toEqual(leave("told:d", guest.client, { user: "guest" }));
    await server.disconnect("guest", 4000, "bye");
    expect((await guest.stream.next()).disconnect?.code).toBe(4000);
    await watcher.stream[Symbol.asyncDispose]();
  });

  it("uni 63: info that is no JSON ends the JSON streams that would have to carry it", async () => {
    await using watcher = (await connect({ subs: { "told:e": {} } })).stream;
    await watcher.next();
    const b64info = Buffer.from("no JSON").toString("base64");
    const token = hmacToken({ sub: "1", b64info, channels: ["told:e"] });
    using grpc = new GrpcPushStream(`127.0.0.1:${server.addresses.uniGrpc?.port}`, { token });
    expect((await watcher.next()).disconnect?.code).toBe(3506);
    await grpc.next();
    const told = [await grpc.next(), await grpc.next()];
    const infos = told.map(({ join: joined }) => Buffer.from(joined?.info?.connInfo ?? []).toString());
    expect(infos).toContain("no JSON");
  });
});
