import { describe, expect, it } from "vitest";
import { API_CONFIG, API_KEY, apiCodeOf, askApi, callApi } from "../support/api-client.ts";
import { openHttpStream, openSse, openStream } from "../support/push-stream.ts";
import type { ConfigInput } from "../support/running-server.ts";
import { parseLog, ServerProcess, Workplace } from "../support/server-process.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const FOR_ALL = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const CLIENT = { allow_anonymous_connect_without_token: true, token: { hmac_secret_key: "old" } };
const CONFIG: ConfigInput = {
  http_server: { address: "127.0.0.1", port: 0 },
  http_api: API_CONFIG,
  client: CLIENT,
  uni_sse: { enabled: true },
  uni_http_stream: { enabled: true },
  channel: { namespaces: [{ name: "n1", ...FOR_ALL }] },
};

/** Starts a server whose file can be changed. */
async function startIn(workplace: Workplace): Promise<ServerProcess> {
  workplace.write("config.json", CONFIG);
  return ServerProcess.start({ workplace });
}

/** Changes the file and says so; resolves once the server has followed. */
async function reload(server: ServerProcess, workplace: Workplace, config: ConfigInput): Promise<void> {
  workplace.write("config.json", config);
  server.kill("SIGHUP");
  await server.untilLogged("configuration reloaded");
}

describe("SIGHUP", () => {
  it("core 97: a new namespace is there without a restart, and connections stay", async () => {
    using workplace = new Workplace();
    await using server = await startIn(workplace);
    await using before = await openSse(server, { subs: { "n1:a": {} } });
    await before.next();
    expect(await apiCodeOf(server, "publish", { channel: "n2:a", data: 1 })).toBe(102);
    const n2 = { name: "n2", ...FOR_ALL, history_size: 1, history_ttl: "60s" };
    await reload(server, workplace, { ...CONFIG, channel: { namespaces: [{ name: "n1" }, n2] } });
    await using after = await openHttpStream(server, { subs: { "n2:a": {}, "n1:a": {} } });
    // What was granted stays granted; what is asked for now is answered by the new rules.
    expect((await after.next()).connect?.subs).toEqual({ "n2:a": {} });
    expect(await askApi(server, "publish", { channel: "n2:a", data: 1 })).toMatchObject({
      result: { offset: 1 },
    });
    expect(await after.next()).toMatchObject({ channel: "n2:a", pub: { data: 1 } });
    await askApi(server, "publish", { channel: "n1:a", data: 2 });
    expect(await before.next()).toEqual({ channel: "n1:a", pub: { data: 2 } });
    await server.stop();
  });

  it("core 97, core §5: tokens and limits follow, too; what cannot is named in a warning", async () => {
    using workplace = new Workplace();
    await using server = await startIn(workplace);
    await using first = await openHttpStream(server, { token: hmacToken({ sub: "1" }, "old") });
    expect((await first.next()).connect).toBeDefined();
    await reload(server, workplace, {
      ...CONFIG,
      http_server: { address: "127.0.0.1", port: 1 },
      client: { token: { hmac_secret_key: "new" }, connection_limit: 2, ping_interval: "20s" },
    });
    const warnings = parseLog(server.stderr).filter(({ level }) => level === "warn");
    expect(warnings.map(({ option }) => option)).toEqual(["http_server.port", "client.ping_interval"]);
    await using old = await openHttpStream(server, { token: hmacToken({ sub: "1" }, "old") });
    expect((await old.next()).disconnect?.code).toBe(3500);
    await using anonymous = await openHttpStream(server);
    expect((await anonymous.next()).disconnect?.code).toBe(3501);
    await using second = await openHttpStream(server, { token: hmacToken({ sub: "1" }, "new") });
    expect((await second.next()).connect).toBeDefined();
    await using third = await openHttpStream(server, { token: hmacToken({ sub: "1" }, "new") });
    expect(third.status).toBe(503);
    await askApi(server, "refresh", { user: "1" });
    for (const stream of [first, second]) expect(await stream.next()).toEqual({ refresh: {} });
    await server.stop();
  });

  it("API keys come and go", async () => {
    using workplace = new Workplace();
    await using server = await startIn(workplace);
    const request = { channel: "n1:a", data: 1 };
    const statusWith = async (key: string): Promise<number> =>
      (await callApi(server, "publish", request, { "X-API-Key": key })).status;
    expect([await statusWith(API_KEY), await statusWith("second")]).toEqual([200, 401]);
    await reload(server, workplace, { ...CONFIG, http_api: { keys: [{ name: "other", key: "second" }] } });
    expect([await statusWith(API_KEY), await statusWith("second")]).toEqual([401, 200]);
    expect(server.stderr).not.toContain("second");
    await server.stop();
  });

  it.each([
    ["no JSON", "{"],
    ["an invalid option", JSON.stringify({ ...CONFIG, channel: { namespaces: [{ name: "x" }] } })],
    ["an unusable key", JSON.stringify({ ...CONFIG, client: { token: { rsa_public_key: "no key" } } })],
  ])("core 98: %s keeps the old configuration, and is an error in the log", async (_what, text) => {
    using workplace = new Workplace();
    await using server = await startIn(workplace);
    await using stream = await openHttpStream(server, { subs: { "n1:a": {} } });
    await stream.next();
    workplace.write("config.json", text);
    server.kill("SIGHUP");
    await server.untilLogged("configuration not reloaded");
    expect(parseLog(server.stderr).at(-1)).toMatchObject({ level: "error", err: expect.anything() });
    await using again = await openSse(server, {
      token: hmacToken({ sub: "1" }, "old"),
      subs: { "n1:a": {} },
    });
    expect((await again.next()).connect?.subs).toEqual({ "n1:a": {} });
    await askApi(server, "publish", { channel: "n1:a", data: 1 });
    for (const one of [stream, again]) expect(await one.next()).toMatchObject({ pub: { data: 1 } });
    await reload(server, workplace, { ...CONFIG, channel: {} });
    await using gone = await openStream(server.url("uni_sse", { subs: { "n1:a": {} } }));
    expect((await gone.next()).disconnect?.code).toBe(3501);
    await server.stop();
  });
});
