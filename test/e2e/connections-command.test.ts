import { expect, it } from "vitest";
import { openSse } from "../support/push-stream.ts";
import { type ConfigInput, type RunningServer, runServer } from "../support/running-server.ts";
import { CliBench } from "../unit/cli/fake-io.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const KEY = "api-key";
const CONFIG: ConfigInput = {
  client: { allow_anonymous_connect_without_token: true },
  channel: { without_namespace: { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true } },
  http_api: { key: KEY },
};

async function connectAs(
  server: RunningServer,
  user: string,
  ...channels: string[]
): Promise<AsyncDisposable> {
  const subs = Object.fromEntries(channels.map((channel) => [channel, {}]));
  const stream = await openSse(server, { token: hmacToken({ sub: user }), name: "app", version: "1", subs });
  await stream.next();
  return stream;
}

function access(server: RunningServer): string[] {
  return ["--url", `${server.origin}/api`, "--key", KEY];
}

it("connections prints a table, of all or of some", async () => {
  await using server = await runServer(CONFIG);
  await using streams = new AsyncDisposableStack();
  streams.use(await connectAs(server, "42", "news", "chat"));
  streams.use(await connectAs(server, "\u001b[31mred"));
  using bench = new CliBench();
  const { status, stdout, stderr } = await bench.run("connections", ...access(server));
  expect([status, stderr]).toEqual([0, ""]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^CLIENT +USER +APP +TRANSPORT +CONNECTED +CHANNELS$/);
  expect(lines[1]).toMatch(/^[-0-9a-f]{36} +42 +app 1 +uni_sse +\w+ +chat news$/);
  expect(lines[2]).toMatch(/^[-0-9a-f]{36} +\?\[31mred +app 1 +uni_sse +\w+ +-$/);
  expect(lines[3]).toBe("2 connections");
  const some = await bench.run("connections", "--user", "42", ...access(server));
  expect(some.stdout).toContain("1 connection\n");
  const none = await bench.run("connections", "-e", '"nope" in channels', ...access(server));
  expect(none.stdout).toContain("0 connections\n");
});

it("connections --json prints a line for each", async () => {
  await using server = await runServer(CONFIG);
  await using streams = new AsyncDisposableStack();
  streams.use(await connectAs(server, "42", "news"));
  using bench = new CliBench();
  const { stdout } = await bench.run("connections", "--json", ...access(server));
  expect(JSON.parse(stdout)).toMatchObject({
    client: expect.any(String),
    user: "42",
    transport: "uni_sse",
    state: { channels: { news: { source: 8 } } },
    ping_pong_latency_ms: -1,
  });
});

it("connections finds address and key in the config file", async () => {
  await using server = await runServer(CONFIG);
  await using streams = new AsyncDisposableStack();
  streams.use(await connectAs(server, "42"));
  using bench = new CliBench();
  const http = { address: "127.0.0.1", port: server.port };
  bench.write("config.json", JSON.stringify({ http_server: http, http_api: { key: KEY } }));
  expect((await bench.run("connections")).stdout).toContain("1 connection\n");
});

it("connections --watch lists again until it is stopped", async () => {
  await using server = await runServer(CONFIG);
  await using streams = new AsyncDisposableStack();
  streams.use(await connectAs(server, "42"));
  using bench = new CliBench();
  let tables = 0;
  bench.onOutput = (text) => {
    tables += text.includes("1 connection") ? 1 : 0;
    if (tables === 2) bench.signal("SIGINT");
  };
  const { status } = await bench.run("connections", "--watch", "0.1", ...access(server));
  expect([status, tables, bench.signalHandlers]).toEqual([0, 2, 0]);
});

it("connections says why it cannot", async () => {
  await using server = await runServer(CONFIG);
  using bench = new CliBench();
  const url = `${server.origin}/api`;
  expect(await bench.run("connections", "--url", url, "--key", "wrong")).toMatchObject({
    status: 1,
    stderr: `error: ${url}/connections refuses the key\n`,
  });
  expect(await bench.run("connections", "-e", "user ==", ...access(server))).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("expression: column 6: syntax error"),
  });
  const elsewhere = await bench.run("connections", "--url", `${server.origin}/nope`, "--key", KEY);
  expect(elsewhere.stderr).toBe(`error: ${server.origin}/nope/connections answers with status 404\n`);
  const nobody = await bench.run("connections", "--url", "http://127.0.0.1:1/api");
  expect(nobody.stderr).toContain("error: cannot reach http://127.0.0.1:1/api/connections: ");
});
