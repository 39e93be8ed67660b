import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse } from "../support/push-stream.ts";
import { WEBSOCKET_HANDSHAKE, httpRequest, RawConnection } from "../support/raw-connection.ts";
import { type ConfigInput, OPEN } from "../support/running-server.ts";
import { parseLog, ServerProcess, Workplace } from "../support/server-process.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import { openWebSocket } from "../support/web-socket-client.ts";

const LOCAL: ConfigInput = { http_server: { address: "127.0.0.1", port: 0 } };
const ALL: ConfigInput = {
  ...LOCAL,
  ...OPEN,
  uni_websocket: { enabled: true },
  uni_sse: { enabled: true },
  uni_http_stream: { enabled: true },
  uni_grpc: { enabled: true, address: "127.0.0.1", port: 0 },
};

/** A port of 127.0.0.1 that is taken for the rest of the test. */
async function takePort(): Promise<number> {
  const holder = createServer();
  holder.listen(0, "127.0.0.1");
  await once(holder, "listening");
  onTestFinished(() => void holder.close());
  const address = holder.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A WebSocket client that never answers the server's close, and so holds up its shutdown. */
async function holdUp(server: ServerProcess): Promise<void> {
  const connection = await RawConnection.open(server.ports.http ?? 0);
  onTestFinished(() => connection[Symbol.dispose]());
  connection.send(
    httpRequest("GET", "/connection/uni_websocket?cf_connect=%7B%7D", { headers: WEBSOCKET_HANDSHAKE }),
  );
  await connection.until('"connect"');
}

describe("serve: where options come from", () => {
  it("core 90, core 91: flag over environment over file; an empty variable is none", async () => {
    using workplace = new Workplace();
    const [inFile, inEnv] = [await takePort(), await takePort()];
    workplace.write("config.json", { http_server: { address: "127.0.0.1", port: inFile } });
    const failed = (port: number) => ({
      status: 1,
      stdout: "",
      stderr: expect.stringContaining(`error: port ${port} is in use already`),
    });
    expect(await workplace.millrace([])).toMatchObject(failed(inFile));
    expect(await workplace.millrace([], { CENTRIFUGO_HTTP_SERVER_PORT: "" })).toMatchObject(failed(inFile));
    const env = { CENTRIFUGO_HTTP_SERVER_PORT: String(inEnv) };
    expect(await workplace.millrace(["-c", "config.json"], env)).toMatchObject(failed(inEnv));
    await using server = await ServerProcess.start({ workplace, env, args: ["-p", "0"] });
    expect([inFile, inEnv, 0]).not.toContain(server.ports.http);
    expect((await fetch(server.origin)).status).toBe(404);
  });

  it.each(["CENTRIFUGO_UNI_HTTP_STREAM", "MILLRACE_UNI_HTTP_STREAM_ENABLED"])(
    "core 89 (deviation: the old name works): %s=1 switches HTTP streaming on",
    async (name) => {
      await using server = await ServerProcess.start({ config: { ...LOCAL, ...OPEN }, env: { [name]: "1" } });
      await using stream = await openHttpStream(server);
      expect((await stream.next()).connect).toBeDefined();
      expect((await fetch(server.url("uni_sse"))).status).toBe(404);
    },
  );

  it("core 88 (deviation: it works): a flat bool switches the transport on", async () => {
    const config = {
      http_server: { port: 0 },
      uni_websocket: true,
      allow_anonymous_connect_without_token: true,
      api_key: "k",
    };
    await using server = await ServerProcess.start({ config: JSON.stringify(config) });
    using client = await openWebSocket(server);
    expect((await client.next()).connect).toBeDefined();
    expect(parseLog(server.stderr).filter((record) => record["level"] === "warn")).toEqual([]);
  });

  it("core 94: without a config file it starts (deviation: without a word); one that is named must be there", async () => {
    await using server = await ServerProcess.start({ args: ["-a", "127.0.0.1", "-p", "0"] });
    expect(parseLog(server.stderr).at(-1)).toMatchObject({ message: "server started", config: "none" });
    using workplace = new Workplace();
    const missing = await workplace.millrace(["-c", "x.json"]);
    expect([missing.status, missing.stderr]).toEqual([
      1,
      "error: getting config: config file x.json not found\n",
    ]);
    const { status, stderr } = await workplace.millrace(["-c", "x.conf"]);
    expect([status, stderr]).toEqual([1, expect.stringContaining("x.conf: a config file must end in")]);
  });

  it("YAML and TOML files", async () => {
    using workplace = new Workplace();
    workplace.write("a.yaml", "http_server:\n  address: 127.0.0.1\n  port: 0\nhealth:\n  enabled: true\n");
    workplace.write("a.toml", '[http_server]\naddress = "127.0.0.1"\nport = 0\n[health]\nenabled = true\n');
    for (const file of ["a.yaml", "a.toml"]) {
      await using server = await ServerProcess.start({ workplace, args: ["-c", file] });
      expect(await (await fetch(`${server.origin}/health`)).text()).toBe("{}");
    }
  });

  it("what is wrong with the configuration is said at once, with its place", async () => {
    using workplace = new Workplace();
    workplace.write("config.json", '{\n  "client": {\n    "ping_interval": "soon"\n  }\n}');
    const { status, stdout, stderr } = await workplace.millrace([]);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: getting config: client\.ping_interval: .*\(config\.json:3\)\n$/u);
    const checked = await workplace.millrace(["checkconfig"]);
    expect(checked.status).toBe(1);
    expect(checked.stderr).toMatch(
      /^error: validating config: client\.ping_interval: .*\(config\.json:3\)\n$/u,
    );
  });
});

describe("serve: signals", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "core 99, uni 83: %s tells every client 3001, exit 0",
    async (signal) => {
      await using server = await ServerProcess.start({ config: ALL });
      await using sse = await openSse(server);
      await using stream = await openHttpStream(server);
      using webSocket = await openWebSocket(server);
      using grpc = new GrpcPushStream(`127.0.0.1:${server.ports.uniGrpc}`);
      for (const client of [sse, stream, webSocket, grpc]) await client.next();
      server.kill(signal);
      const shutdown = { code: 3001, reason: "shutdown" };
      for (const client of [sse, stream, webSocket])
        expect((await client.next()).disconnect).toEqual(shutdown);
      expect((await grpc.next()).disconnect).toMatchObject(shutdown);
      await sse.untilEnd();
      await stream.untilEnd();
      expect(await webSocket.untilClosed()).toEqual(shutdown);
      expect((await grpc.untilStatus()).code).toBe(0);
      expect(await server.untilEnd()).toEqual({ status: 0, signal: null });
      expect(parseLog(server.stderr).at(-1)).toMatchObject({ level: "info", message: "server stopped" });
    },
  );

  it("a second signal ends the process at once, exit 1", async () => {
    await using server = await ServerProcess.start({ config: ALL });
    await holdUp(server);
    server.kill("SIGTERM");
    await server.untilLogged("shutting down");
    expect(await server.stop("SIGINT")).toEqual({ status: 1, signal: null });
  });

  it("a client that does not leave is cut at shutdown.timeout, exit 1", async () => {
    const config = { ...ALL, shutdown: { timeout: "300ms" } };
    await using server = await ServerProcess.start({ config });
    await holdUp(server);
    expect(await server.stop()).toEqual({ status: 1, signal: null });
    expect(server.stderr).toContain("error: not every connection ended within shutdown.timeout\n");
  });
});

describe("serve: files and ports", () => {
  it("a gRPC port in use is one sentence, exit 1", async () => {
    const port = await takePort();
    using workplace = new Workplace();
    workplace.write("config.json", { ...ALL, uni_grpc: { enabled: true, address: "127.0.0.1", port } });
    const { status, stderr } = await workplace.millrace(["--log.level", "none"]);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `error: port ${port} is in use already: stop what listens there, or choose another port\n`,
    );
  });

  it("pid_file holds the process id while the server runs", async () => {
    using workplace = new Workplace();
    await using server = await ServerProcess.start({
      workplace,
      config: LOCAL,
      args: ["--pid_file", "run.pid"],
    });
    expect(workplace.read("run.pid")).toBe(`${server.pid}\n`);
    expect(workplace.modeOf("run.pid")).toBe(0o600);
    await server.stop();
    expect(() => workplace.read("run.pid")).toThrow("ENOENT");
  });

  it("log.file takes the log, and nothing is printed", async () => {
    using workplace = new Workplace();
    workplace.write("config.json", { ...ALL, http_api: { key: "k" }, log: { file: "server.log" } });
    await using command = workplace.start(["serve"]);
    await vi.waitFor(() => expect(workplace.read("server.log")).toContain('"server started"'), PATIENCE_MS);
    command.kill("SIGTERM");
    expect(await command.untilEnd()).toEqual({ status: 0, signal: null });
    expect([command.stdout, command.stderr]).toEqual(["", ""]);
    const messages = parseLog(workplace.read("server.log")).map((record) => record["message"]);
    expect(messages).toEqual(["server started", "shutting down", "server stopped"]);
  });
});

describe("helper commands", () => {
  it("core 100–104: from genconfig to checked tokens", async () => {
    using workplace = new Workplace();
    expect(await workplace.millrace(["genconfig"])).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(workplace.modeOf("config.json")).toBe(0o600);
    const before = workplace.read("config.json");
    expect((await workplace.millrace(["genconfig"])).status).toBe(1);
    expect(workplace.read("config.json")).toBe(before);
    expect(await workplace.millrace(["checkconfig", "--strict"])).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });

    const { stdout: token } = await workplace.millrace(["gentoken", "-u", "42", "-q"]);
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/u);
    const checked = await workplace.millrace(["checktoken", token]);
    expect([checked.status, checked.stdout]).toEqual([
      0,
      expect.stringMatching(/^valid token for user 42\npayload: \{"sub":"42",/u),
    ]);

    const { stdout: subToken } = await workplace.millrace(["gensubtoken", "-u", "42", "-s", "ch", "-q"]);
    const accepted = await workplace.millrace(["checksubtoken", subToken]);
    expect(accepted.stdout).toMatch(/^valid subscription token for user "42" and channel "ch"\n/u);
    const refused = await workplace.millrace(["checktoken", subToken]);
    expect([refused.status, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toMatch(/^error: /u);
  });

  it.each([
    ["soketi", { host: "127.0.0.1", appManager: { array: { apps: [{ id: "a", key: "k", secret: "s" }] } } }],
    [
      "sockudo",
      {
        host: "127.0.0.1",
        app_manager: { array: { apps: [{ id: "a", key: "k", secret: "s", enabled: true }] } },
      },
    ],
    [
      "reverb",
      {
        servers: { reverb: { host: "127.0.0.1" } },
        apps: {
          apps: [
            {
              app_id: "1",
              key: "k",
              secret: "s",
              allowed_origins: ["*"],
              accept_client_events_from: "members",
            },
          ],
        },
      },
    ],
  ])("what import-config makes of a file of %s is a configuration that runs", async (from, theirs) => {
    using workplace = new Workplace();
    workplace.write("theirs.json", JSON.stringify(theirs));
    const line = `millrace import-config --from ${from} theirs.json > ours.json && millrace checkconfig --strict -c ours.json`;
    await using shell = workplace.shell(line);
    expect([await shell.untilEnd(), shell.stdout, shell.stderr]).toEqual([
      { status: 0, signal: null },
      "",
      "",
    ]);
    await using server = await ServerProcess.start({ workplace, args: ["-c", "ours.json", "-p", "0"] });
    expect(await server.stop()).toEqual({ status: 0, signal: null });
    expect(parseLog(server.stderr).filter((record) => record["level"] === "error")).toEqual([]);
  });

  it("help goes to stdout, exit 0; an unknown command or flag to stderr, exit 1", async () => {
    using workplace = new Workplace();
    const help = await workplace.millrace(["--help"]);
    expect([help.status, help.stderr]).toEqual([0, ""]);
    expect(help.stdout).toContain("Usage: millrace");
    expect(await workplace.millrace(["gentokn"])).toEqual({
      status: 1,
      stdout: "",
      stderr: "error: unknown command 'gentokn': did you mean gentoken?\n",
    });
    const flag = await workplace.millrace(["serve", "--uni_ssse.enabled"]);
    expect([flag.status, flag.stdout]).toEqual([1, ""]);
    expect(flag.stderr).toContain("unknown option");
  });
});
