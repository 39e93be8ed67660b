import { describe, expect, it } from "vitest";
import type { Command } from "../support/command.ts";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openSse, openStream, parsePush, type PushJson } from "../support/push-stream.ts";
import { parseLog, ServerProcess, Workplace } from "../support/server-process.ts";

const UUID = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
const VERSION = expect.stringMatching(/^\d+\.\d+\.\d+ OSS$/u);
/** What `gentoken` says; the token is its second line. */
const TOKEN_TEXT =
  /^HMAC SHA-256 JWT for user "[^"]+" with expiration TTL 168h0m0s:\n([\w-]+\.[\w-]+\.[\w-]+)\n$/u;

/** Runs a line to its end, which must be a good one; resolves with what it printed. */
async function run(workplace: Workplace, line: string): Promise<string> {
  await using command = workplace.shell(line);
  expect([await command.untilEnd(), command.stderr]).toEqual([
    { status: 0, signal: null },
    expect.any(String),
  ]);
  return command.stdout;
}

async function generateToken(workplace: Workplace, line: string): Promise<string> {
  const [, token = ""] = TOKEN_TEXT.exec(await run(workplace, line)) ?? [];
  expect(token).not.toBe("");
  return token;
}

interface Served extends AsyncDisposable {
  readonly port: string;
  /** The log. */
  readonly stderr: string;
}

/** A server as the line starts it, but for its port, so that tests can run beside each other. */
async function serve(workplace: Workplace, line: string): Promise<Served> {
  await using resources = new AsyncDisposableStack();
  const command = resources.use(workplace.shell(line, { CENTRIFUGO_HTTP_SERVER_PORT: "0" }));
  const started = () => parseLog(command.stderr).find((record) => record["message"] === "server started");
  await command.until(() => started() !== undefined, "start of the server");
  const running = resources.move();
  return {
    port: String(started()?.["http"]).replace(/^.*:/u, ""),
    stderr: command.stderr,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The lines that a stream has printed so far, once there are so many. */
async function pushesOf(command: Command, count: number): Promise<readonly PushJson[]> {
  const lines = (): readonly string[] => command.stdout.split("\n").slice(0, -1);
  await command.until(() => lines().length >= count, `${count} lines`);
  return lines().map(parsePush);
}

async function publish(workplace: Workplace, port: string, channel: string, data: string): Promise<void> {
  const request = `{"channel":"${channel}","data":${data}}`;
  const line = `curl -s http://localhost:${port}/api/publish -H 'X-API-Key: api-key' -d '${request}'`;
  expect(await run(workplace, line)).toBe('{"result":{}}');
}

describe("the page on the Connections API, up to the call itself", () => {
  it("two terminals connect with one token over HTTP streaming", async () => {
    using workplace = new Workplace();
    await run(workplace, "millrace genconfig");
    const token = await generateToken(workplace, "millrace gentoken -u 42");
    await using server = await serve(workplace, "CENTRIFUGO_UNI_HTTP_STREAM=1 millrace -c config.json");
    const { port } = server;

    const connect = `curl -sN -X POST http://localhost:${port}/connection/uni_http_stream --data '{"token": "${token}", "name": "terminal"}'`;
    await using first = workplace.shell(connect);
    await using second = workplace.shell(connect);
    for (const terminal of [first, second]) {
      const [push] = await pushesOf(terminal, 1);
      expect(push?.connect).toEqual({
        client: UUID,
        version: VERSION,
        expires: true,
        ttl: expect.any(Number),
        ping: 25,
        session: UUID,
      });
    }

    const key = /"http_api":\s*\{\s*"key":\s*"([^"]+)"/u.exec(workplace.read("config.json"))?.[1];
    const info = await run(
      workplace,
      `curl -s --header "Content-Type: application/json" --header "Authorization: apikey ${key}" \\
        --request POST --data '{"method": "info", "params": {}}' http://localhost:${port}/api`,
    );
    expect(JSON.parse(info)).toMatchObject({ result: { nodes: [{ num_clients: 2, num_users: 1 }] } });
  });
});

// wscat shows what it shows people only in a terminal, which `script` of Linux stands for.
describe.skipIf(process.platform !== "linux")("the page on unidirectional WebSocket", () => {
  const FLAT = {
    token_hmac_secret_key: "secret",
    uni_websocket: true,
    user_subscribe_to_personal: true,
    api_key: "api-key",
  };

  it("wscat connects; the personal channel is there, a channel without permission is not", async () => {
    using workplace = new Workplace();
    workplace.write("config.json", JSON.stringify(FLAT));
    await using server = await serve(workplace, "millrace -c config.json");
    const { port } = server;
    expect(parseLog(server.stderr).filter((record) => record["level"] === "warn")).toEqual([]);
    const token = await generateToken(workplace, "millrace gentoken -c config.json -u test_user");

    await using wscat = startInTerminal(
      workplace,
      `wscat -c "ws://localhost:${port}/connection/uni_websocket"`,
    );
    await wscat.untilPrinted("Connected (press CTRL+C to quit)");
    wscat.type(`{"token": "${token}", "subs": {"abc": {}}}\n`);
    const reply = await received(wscat, 1);
    expect(reply[0]?.connect).toEqual({
      client: UUID,
      version: VERSION,
      subs: { "#test_user": {} },
      expires: true,
      ttl: expect.any(Number),
      ping: 25,
      session: UUID,
    });
    expect(reply[0]?.connect?.ttl).toBeGreaterThan(604_700);

    await publish(workplace, port, "abc", '{"not":"for us"}');
    await publish(workplace, port, "#test_user", '{"input": 1}');
    expect((await received(wscat, 2))[1]).toEqual({ channel: "#test_user", pub: { data: { input: 1 } } });
  });

  it("with permission the requested channel is there too; the size of messages is limited", async () => {
    using workplace = new Workplace();
    const options = { allow_subscribe_for_client: true, uni_websocket_message_size_limit: 1000 };
    workplace.write("config.json", JSON.stringify({ ...FLAT, ...options }));
    await using server = await serve(workplace, "millrace -c config.json");
    const { port } = server;
    const token = await generateToken(workplace, "millrace gentoken -c config.json -u test_user");
    await using wscat = startInTerminal(
      workplace,
      `wscat -c "ws://localhost:${port}/connection/uni_websocket"`,
    );
    await wscat.untilPrinted("Connected");
    wscat.type(`{"token": "${token}", "subs": {"abc": {}}}\n`);
    expect((await received(wscat, 1))[0]?.connect?.subs).toEqual({ "#test_user": {}, abc: {} });
    await publish(workplace, port, "abc", '{"input": 1}');
    expect((await received(wscat, 2))[1]).toEqual({ channel: "abc", pub: { data: { input: 1 } } });
    wscat.type(`${"x".repeat(1001)}\n`);
    await wscat.untilPrinted("Disconnected (code: 1009");
  });

  function startInTerminal(workplace: Workplace, line: string): Command {
    return workplace.shell(`script -qfec '${line}' /dev/null`);
  }

  /** The pushes that wscat has shown, once there are so many. */
  async function received(wscat: Command, count: number): Promise<readonly PushJson[]> {
    const pushes = (): readonly string[] =>
      [...wscat.stdout.matchAll(/< (\{.*\})/gu)].map(([, text]) => text ?? "");
    await wscat.until(() => pushes().length >= count, `${count} pushes`);
    return pushes().map(parsePush);
  }
});

describe("the page on the unidirectional protocol", () => {
  const CONFIG = {
    http_server: { port: 0 },
    uni_sse: { enabled: true },
    uni_http_stream: { enabled: true },
    uni_websocket: { enabled: true },
    uni_grpc: { enabled: true, port: 0 },
    http_api: { key: "api-key" },
    client: {
      ping_interval: "2s",
      pong_timeout: "1900ms",
      token: { hmac_secret_key: "secret" },
      subscribe_to_user_personal_channel: { enabled: true },
    },
  };

  it("a session over HTTP streaming: connect, publications, pings, shutdown", async () => {
    using workplace = new Workplace();
    await using server = await ServerProcess.start({ workplace, config: CONFIG });
    const port = String(server.ports.http);
    const token = await generateToken(workplace, "millrace gentoken -u 2694");
    await using curl = workplace.shell(
      `curl -sN -X POST http://localhost:${port}/connection/uni_http_stream -d '{"token": "${token}"}'`,
    );
    const [connect] = await pushesOf(curl, 1);
    expect(connect?.connect?.subs).toEqual({ "#2694": {} });
    await publish(workplace, port, "#2694", '{"input":1}');
    await curl.untilPrinted("\n{}\n");
    await publish(workplace, port, "#2694", '{"input":2}');
    await publish(workplace, port, "#2694", '{"input":3}');
    await curl.untilPrinted('{"input":3}');
    expect(await server.stop()).toEqual({ status: 0, signal: null });
    expect(await curl.untilEnd()).toEqual({ status: 0, signal: null });
    const lines = curl.stdout.split("\n").filter((line) => line !== "{}");
    expect(lines.slice(1)).toEqual([
      '{"channel":"#2694","pub":{"data":{"input":1}}}',
      '{"channel":"#2694","pub":{"data":{"input":2}}}',
      '{"channel":"#2694","pub":{"data":{"input":3}}}',
      '{"disconnect":{"code":3001,"reason":"shutdown"}}',
      "",
    ]);
  });

  it("the connect request, on each transport where its page says it goes", async () => {
    using workplace = new Workplace();
    await using server = await ServerProcess.start({ workplace, config: CONFIG });
    const token = await generateToken(workplace, "millrace gentoken -u 2694");
    const request = { token, name: "page", version: "1.0", subs: { global: {} } };
    const body = JSON.stringify(request);
    await using stream = await openStream(server.url("uni_http_stream"), { method: "POST", body });
    await using sse = await openSse(server, request);
    await using ssePost = await openStream(server.url("uni_sse"), { method: "POST", body });
    using grpc = new GrpcPushStream(`localhost:${server.ports.uniGrpc}`, request);
    for (const client of [stream, sse, ssePost]) {
      expect((await client.next()).connect?.subs).toEqual({ "#2694": {} });
    }
    expect(Object.keys((await grpc.next()).connect?.subs ?? {})).toEqual(["#2694"]);
  });

  it("a subscription with a position to recover from needs permission like any other", async () => {
    using workplace = new Workplace();
    const request = (token: string): string =>
      `{"token": "${token}", "subs": {"user#2694": {"recover": true, "offset": 12, "epoch": "xD5R"}}}`;
    const subsWith = async (channel: object): Promise<unknown> => {
      const config = JSON.stringify({ ...CONFIG, channel: { without_namespace: channel } });
      await using server = await ServerProcess.start({ workplace, config });
      const token = await generateToken(workplace, "millrace gentoken -u 2694");
      await using curl = workplace.shell(
        `curl -sN -X POST http://localhost:${server.ports.http}/connection/uni_http_stream -d '${request(token)}'`,
      );
      return (await pushesOf(curl, 1))[0]?.connect?.subs;
    };
    expect(await subsWith({})).toEqual({ "#2694": {} });
    // The channel keeps nothing, so there is nothing to recover from.
    expect(await subsWith({ allow_user_limited_channels: true })).toEqual({
      "#2694": {},
      "user#2694": { was_recovering: true },
    });
  });

  it("a connection that cannot be established is told so", async () => {
    await using server = await ServerProcess.start({ config: CONFIG });
    await using stream = await openStream(server.url("uni_http_stream"), { method: "POST", body: "{}" });
    expect(await stream.untilEnd()).toBe('{"disconnect":{"code":3501,"reason":"bad request"}}\n');
  });

  it("the snippet that processes pushes tells them apart", async () => {
    using workplace = new Workplace();
    await using server = await ServerProcess.start({ workplace, config: CONFIG });
    const handled: string[] = [];
    const onMessage = (message: string): void => {
      const push = parsePush(message);
      if (push.connect) {
        handled.push(`connect ${Object.keys(push.connect.subs ?? {}).join()}`);
      } else if (push.pub) {
        handled.push(`pub ${push.channel} ${JSON.stringify(push.pub.data)}`);
      } else if (Object.keys(push).length === 0) {
        handled.push("ping");
      } else {
        handled.push("other");
      }
    };
    const token = await generateToken(workplace, "millrace gentoken -u 2694");
    await using sse = await openSse(server, { token });
    onMessage(await sse.nextText());
    await publish(workplace, String(server.ports.http), "#2694", '{"input":1}');
    while (!handled.includes("ping") || !handled.some((what) => what.startsWith("pub"))) {
      onMessage(await sse.nextText());
    }
    server.kill("SIGTERM");
    while (!handled.includes("other")) onMessage(await sse.nextText());
    const kinds = new Set(["connect #2694", 'pub #2694 {"input":1}', "ping", "other"]);
    expect(new Set(handled)).toEqual(kinds);
  });
});
