import { expect, test } from "vitest";
import { VERSION } from "../../../src/app/version.ts";
import { CliBench } from "./fake-io.ts";

const APP = { id: "1", key: "k", secret: "s" };

/** Configuration of a server that has all it needs. */
const SERVED = {
  uni_sse: true,
  uni_grpc: true,
  client: { token: { hmac_secret_key: "s" } },
  http_api: { key: "k" },
  health: true,
};

test("core 90: flag over environment over file", async () => {
  using bench = new CliBench();
  bench.write("config.json", '{"http_server": {"port": 8001}}');
  await bench.run();
  expect(bench.served?.config.http_server.port).toBe(8001);
  bench.env["CENTRIFUGO_HTTP_SERVER_PORT"] = "8002";
  await bench.run("-c", "config.json");
  expect(bench.served?.config.http_server.port).toBe(8002);
  await bench.run("-p", "8003");
  expect(bench.served?.config.http_server.port).toBe(8003);
  await bench.run("serve", "--http_server.port", "8004", "--http_server.address=127.0.0.1");
  expect(bench.served?.config.http_server).toMatchObject({ port: 8004, address: "127.0.0.1" });
});

test("core 94 (deviation: nothing to warn of): without a config file it starts; an unknown extension is an error", async () => {
  using bench = new CliBench();
  const missing = await bench.run("--log.level", "info");
  expect([missing.status, missing.stderr]).toEqual([0, expect.stringContaining('"config":"none"')]);
  const unknown = await bench.run("-c", "x.conf");
  expect(unknown.status).toBe(1);
  expect(unknown.stderr).toContain("x.conf: a config file must end in .json, .yaml, .yml or .toml");
});

test.each([
  ["serve", "-c", "x.json"],
  ["-c", "x.json"],
  ["serve", "--dev", "-c", "x.json"],
  ["checkconfig", "-c", "x.json"],
  ["gentoken", "-c", "x.json"],
  ["connections", "-c", "x.json"],
  ["defaultconfig", "-b", "x.json", "--dry-run"],
  ["defaultenv", "-b", "x.json"],
])("a config file that is named and not there is an error: %s %s %s", async (...args) => {
  using bench = new CliBench();
  const { status, stdout, stderr } = await bench.run(...args);
  expect([status, stdout, bench.served]).toEqual([1, "", undefined]);
  expect(stderr).toMatch(/^error: (?:getting|validating) config: config file x\.json not found\n$/u);
});

test("one line says what has been started", async () => {
  using bench = new CliBench();
  bench.write("config.json", JSON.stringify({ ...SERVED, pusher: { enabled: true, apps: [APP] } }));
  const { stderr } = await bench.run("--node.workers", "3");
  expect(stderr.split("\n").map((line) => JSON.parse(line || "{}"))[0]).toEqual({
    level: "info",
    time: expect.any(String),
    message: "server started",
    version: VERSION,
    pid: process.pid,
    workers: "3",
    config: "config.json",
    store: "memory",
    http: ":8000",
    uniGrpc: "[::]:11000",
    grpcApi: ":10000",
    transports: ["uni_sse", "uni_grpc", "pusher"],
    endpoints: ["/connection/uni_sse", "/api", "/health", "/app", "/apps"],
  });
});

test("what a server is likely to lack is a warning at its start", async () => {
  using bench = new CliBench();
  const warningsOf = async (config: object): Promise<readonly string[]> => {
    bench.write("config.json", JSON.stringify(config));
    const { stderr } = await bench.run("--log.level", "warn");
    const lines = stderr.split("\n").filter((line) => line !== "");
    return lines.map((line) => String(JSON.parse(line).message).replace(/,? so .*$/u, ""));
  };
  expect(await warningsOf({})).toEqual(["no transport is enabled", "http_api.key is empty"]);
  expect(await warningsOf(SERVED)).toEqual([]);
  expect(await warningsOf({ ...SERVED, client: {} })).toEqual(["client.token has no key"]);
  expect(await warningsOf({ ...SERVED, client: { allow_anonymous_connect_without_token: true } })).toEqual(
    [],
  );
  const withoutKeys = { ...SERVED, http_api: {}, grpc_api: { enabled: true } };
  expect(await warningsOf(withoutKeys)).toEqual(["grpc_api.key is empty"]);
  expect(await warningsOf({ pusher: { enabled: true, apps: [APP] } })).toEqual([]);
  bench.write("config.json", "{}");
  expect((await bench.run("checkconfig")).stderr).toBe("");
});

test("what genconfig writes can be served as it is", async () => {
  using bench = new CliBench();
  await bench.run("genconfig");
  const { status, stderr } = await bench.run("--log.level", "warn");
  expect([status, stderr]).toEqual([0, ""]);
});

test("core 87: an unknown key is a warning at start", async () => {
  using bench = new CliBench();
  bench.write("config.json", '{"foo": 1}');
  const { status, stderr } = await bench.run();
  expect(status).toBe(0);
  expect(stderr).toContain('"level":"warn"');
  expect(stderr).toContain("unknown key `foo` (config.json:1)");
});

test("core 99: a signal stops the server, exit 0", async () => {
  using bench = new CliBench();
  const { status, stderr } = await bench.run("--log.level", "info");
  expect(status).toBe(0);
  expect(stderr).toContain('"signal":"SIGTERM","message":"shutting down"');
  // Those of stopping: the signal may come again before the process is gone.
  expect(bench.signalHandlers).toBe(3);
});

test("a shutdown that runs out of time exits 1", async () => {
  using bench = new CliBench();
  bench.stopResult = false;
  const { status, stderr } = await bench.run();
  expect(status).toBe(1);
  expect(stderr).toContain("error: not every connection ended within shutdown.timeout");
});

test.each([
  { again: "SIGINT", afterMs: 1000, exits: [1] },
  { again: "SIGTERM", afterMs: 0, exits: [1] },
  { again: "SIGINT", afterMs: 999, exits: [] },
] as const)(
  "a second signal exits at once, but not one that npm or a launcher passes on: $again after $afterMs ms",
  async ({ again, afterMs, exits }) => {
    using bench = new CliBench();
    bench.onServing = () => {
      bench.signal("SIGINT");
      bench.monotonicMs += afterMs;
      bench.signal(again);
    };
    const { status } = await bench.run();
    expect(status).toBe(0);
    expect(bench.exits).toEqual(exits);
  },
);

test("the end of its terminal stops the server, which would go on unseen", async () => {
  using bench = new CliBench();
  bench.onServing = () => {
    bench.isTerminalGone = true;
    bench.signal("SIGHUP");
  };
  const { status, stderr } = await bench.run("--log.level", "info");
  expect([status, bench.reloaded]).toEqual([0, []]);
  expect(stderr).toContain('"signal":"SIGHUP","message":"shutting down"');
});

test("a port in use is one sentence", async () => {
  using bench = new CliBench();
  bench.startFailure = Object.assign(new Error("listen EADDRINUSE: address already in use :::8000"), {
    code: "EADDRINUSE",
    port: 8000,
  });
  const { status, stderr } = await bench.run("--log.level", "none");
  expect(status).toBe(1);
  expect(stderr).toBe(
    "error: port 8000 is in use already: stop what listens there, or choose another port\n",
  );
});

test("pid_file exists while the server runs", async () => {
  using bench = new CliBench();
  let seen = "";
  bench.onServing = () => {
    seen = bench.read("run.pid");
    bench.signal("SIGTERM");
  };
  await bench.run("--pid_file", "run.pid");
  expect(seen).toBe(`${process.pid}\n`);
  expect(() => bench.read("run.pid")).toThrow("ENOENT");
});

test("boolean flags take a value or none", async () => {
  using bench = new CliBench();
  await bench.run("--uni_sse.enabled", "--uni_grpc.enabled=true", "--http_api.disabled", "false");
  expect(bench.served?.config.uni_sse.enabled).toBe(true);
  expect(bench.served?.config.uni_grpc.enabled).toBe(true);
  expect(bench.served?.config.http_api.disabled).toBe(false);
});

test("a flag with an impossible value is an error that names it", async () => {
  using bench = new CliBench();
  const { status, stderr } = await bench.run("-p", "http");
  expect(status).toBe(1);
  expect(stderr).toBe(
    'error: getting config: http_server.port: expected a whole number, got "http" (--http_server.port)\n',
  );
});

test("the flags of Centrifugo: what is off is fine, what is not there ends the start", async () => {
  using bench = new CliBench();
  const off = ["--engine.type", "memory", "--admin.external", "--broker.type=memory", "--broker.enabled"];
  const { status } = await bench.run("-a", "127.0.0.1", "--http_server.internal_port", "9000", ...off);
  expect(status).toBe(0);
  expect(bench.served?.config.http_server).toMatchObject({ address: "127.0.0.1", internal_port: 9000 });
  const refused = await bench.run("--admin.enabled");
  expect([refused.status, refused.stderr]).toEqual([
    1,
    "error: getting config: admin.enabled: not supported yet; to start without, remove it, or set false (--admin.enabled)\n",
  ]);
});

test("secrets are no flags", async () => {
  using bench = new CliBench();
  const { status, stderr } = await bench.run("--http_api.key", "k");
  expect(status).toBe(1);
  expect(stderr).toContain("unknown option '--http_api.key'");
});

test(".env in the working directory stands below the real environment", async () => {
  using bench = new CliBench();
  bench.write(".env", "CENTRIFUGO_HTTP_SERVER_PORT=8005\nMILLRACE_NODE_NAME=n1\n");
  bench.env["CENTRIFUGO_HTTP_SERVER_PORT"] = "8006";
  await bench.run();
  expect(bench.served?.config.http_server.port).toBe(8006);
  expect(bench.served?.config.node.name).toBe("n1");
});

test("--dev has what is published go to the internal port, where there is one", async () => {
  using bench = new CliBench();
  bench.addresses = { ...bench.addresses, internalHttp: { host: "127.0.0.1", port: 9000 } };
  const { stdout } = await bench.run("serve", "--dev", "--http_server.internal_port", "9000");
  const published = stdout.split("\n").filter((line) => line.includes("curl ") && line.includes("X-API-Key"));
  expect(published).toHaveLength(3);
  for (const line of published) expect(line).toContain("curl http://localhost:9000/");
});

test("--dev switches everything on and prints lines to paste", async () => {
  using bench = new CliBench();
  const { status, stdout, stderr } = await bench.run("serve", "--dev");
  expect(status).toBe(0);
  expect(stderr).not.toContain("not found");
  const config = bench.served?.config;
  expect(config?.uni_websocket.enabled).toBe(true);
  expect(config?.grpc_api.key).toBe(config?.http_api.key);
  expect(stdout).toContain('curl -N http://localhost:8000/connection/uni_http_stream -d \'{"token":"eyJ');
  expect(stdout).toContain(
    "curl -N -G http://localhost:8000/connection/uni_sse --data-urlencode 'cf_connect={",
  );
  expect(stdout).toContain("npx wscat -c 'ws://localhost:8000/connection/uni_websocket?cf_connect={");
  expect(stdout).toContain(
    "http://localhost:11000/centrifugal.centrifugo.unistream.CentrifugoUniStream/Consume",
  );
  expect(stdout).toContain(`-H 'X-API-Key: ${config?.http_api.key}'`);
  expect(stdout).toContain(`-H 'authorization: apikey ${config?.grpc_api.key}'`);
  const app = config?.pusher.apps[0];
  expect(stdout).toContain(`Pusher clients: app_id 1001, key app-key, secret ${app?.secret}\n`);
  expect(stdout).toContain("npx wscat -c 'ws://localhost:8000/app/app-key?protocol=7' -w -1 -x '{");
  expect(stdout).toContain('-d \'{"channel":"pusher:news","tags":{"event":"greeting"},"data":');
  expect(stdout).not.toContain("\x1b[");
});

test("--dev: the first line is the address of the page, unless it is none of this machine alone", async () => {
  using bench = new CliBench();
  const firstLineAt = async (host: string): Promise<string | undefined> => {
    bench.addresses = { ...bench.addresses, http: { host, port: 8000 } };
    const { stdout } = await bench.run("serve", "--dev");
    expect(bench.served?.isDev).toBe(true);
    return stdout.split("\n")[0];
  };
  expect(await firstLineAt("")).toBe("Open http://localhost:8000/ in a browser to see it work.");
  expect(await firstLineAt("127.0.0.1")).toBe("Open http://localhost:8000/ in a browser to see it work.");
  expect(await firstLineAt("::1")).toBe("Open http://[::1]:8000/ in a browser to see it work.");
  expect(await firstLineAt("192.0.2.1")).toBe("");
});

test("--dev is coloured on a terminal, and file and flags still win", async () => {
  using bench = new CliBench();
  bench.isTTY = true;
  bench.write("config.json", '{"http_api": {"key": "mine"}, "uni_sse": {"enabled": false}}');
  const { stdout } = await bench.run(
    "serve",
    "--dev",
    "--uni_websocket.enabled=false",
    "--pusher.enabled=false",
  );
  expect(stdout).toContain("\x1b[1mListen to channel");
  expect(stdout).toContain("X-API-Key: mine");
  expect(stdout).not.toContain("uni_sse");
  expect(stdout).not.toContain("wscat");
});

test("lines to paste survive a key with a quote", async () => {
  using bench = new CliBench();
  bench.env["MILLRACE_HTTP_API_KEY"] = "it's";
  const { stdout } = await bench.run("serve", "--dev");
  expect(stdout).toContain(String.raw`-H 'X-API-Key: it'\''s'`);
});

test("core 88: a flat bool is accepted where v6 wants an object", async () => {
  using bench = new CliBench();
  bench.write("config.json", '{"uni_websocket": true}');
  const { status } = await bench.run();
  expect(status).toBe(0);
  expect(bench.served?.config.uni_websocket.enabled).toBe(true);
});
