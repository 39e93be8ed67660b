import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { EventSource } from "eventsource";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import {
  ClientError,
  ConfigError,
  createServer,
  type JsonValue,
  type Millrace,
  type MillraceOptions,
} from "../../src/index.ts";
import { Command, NODE } from "../support/command.ts";
import { freePort } from "../support/free-port.ts";
import { GrpcPushStream, pushJsonOf } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse, parsePush, type PushJson } from "../support/push-stream.ts";
import { hearReadmeExample, readmeExample } from "../support/readme-example.ts";
import { endpointUrl, OPEN } from "../support/running-server.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { WebSocketClient } from "../support/web-socket-client.ts";
import { WORKERS } from "../support/workers.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const LISTENER = { address: "127.0.0.1", port: 0 };
const OPTIONS: MillraceOptions = {
  logger: silentLogger,
  config: {
    ...OPEN,
    client: { ...OPEN.client, token: { hmac_secret_key: "k" } },
    http_server: LISTENER,
    uni_sse: { enabled: true },
    uni_http_stream: { enabled: true },
    uni_websocket: { enabled: true },
    uni_grpc: { ...LISTENER, enabled: true },
    node: { workers: WORKERS },
  },
};

/** A started server with the addresses of its endpoints; it is stopped with the test. */
async function start(options: MillraceOptions = OPTIONS) {
  const server = createServer(options);
  const { http, uniGrpc } = await server.start();
  onTestFinished(async () => void (await server.stop()));
  const origin = `http://127.0.0.1:${http?.port}`;
  const client = {
    url: (endpoint: Parameters<typeof endpointUrl>[1], connect?: unknown) =>
      endpointUrl(origin, endpoint, connect),
  };
  return { server, client, grpcAddress: `127.0.0.1:${uniGrpc?.port}` };
}

describe("createServer", () => {
  it("publishes any JSON value, with and without tags", async () => {
    const { server, client } = await start();
    await using sse = await openSse(client, { subs: { news: {} } });
    await sse.next();
    expect(await server.publish("news", { text: "ü", list: [1, null, true] })).toEqual({
      offset: 0,
      epoch: "",
    });
    await server.publish("news", null);
    await server.publish("news", "text", { tags: { kind: "greeting" } });
    expect(await sse.nextText()).toBe('{"channel":"news","pub":{"data":{"text":"ü","list":[1,null,true]}}}');
    expect(await sse.nextText()).toBe('{"channel":"news","pub":{"data":null}}');
    expect(await sse.nextText()).toBe('{"channel":"news","pub":{"data":"text","tags":{"kind":"greeting"}}}');
  });

  it("publishes bytes as they are, JSON or not", async () => {
    const { server, client, grpcAddress } = await start();
    using grpc = new GrpcPushStream(grpcAddress, { subs: { news: {} } });
    await using sse = await openSse(client, { subs: { news: {} } });
    await grpc.next();
    await sse.next();
    await server.publish("news", Buffer.from('{"big": 12345678901234567890}'));
    expect(await sse.nextText()).toBe('{"channel":"news","pub":{"data":{"big": 12345678901234567890}}}');
    expect(pushJsonOf(await grpc.next()).channel).toBe("news");
    await server.publish("news", Uint8Array.of(0xff, 0x00));
    expect([...((await grpc.next()).pub?.data ?? [])]).toEqual([0xff, 0x00]);
    expect((await sse.next()).disconnect?.code).toBe(3506);
  });

  it("delivers once per idempotency key, and answers with the first position", async () => {
    const namespaces = [{ name: "kept", history_size: 10, history_ttl: "60s" }];
    const channel = { ...OPEN.channel, namespaces: namespaces.map((one) => ({ ...one, ...ALLOWED })) };
    const { server, client } = await start({ ...OPTIONS, config: { ...OPTIONS.config, channel } });
    await using sse = await openSse(client, { subs: { "kept:a": {} } });
    await sse.next();
    const first = await server.publish("kept:a", 1, { idempotencyKey: "k" });
    expect(first).toEqual({ offset: 1, epoch: expect.stringMatching(/^\w+$/u) });
    expect(await server.publish("kept:a", 2, { idempotencyKey: "k" })).toEqual(first);
    expect(await server.publish("kept:a", 3, { idempotencyKey: "other" })).toEqual({ ...first, offset: 2 });
    expect((await sse.next()).pub?.data).toBe(1);
    expect((await sse.next()).pub?.data).toBe(3);
  });

  it("tells what a channel has kept, who is in it, and which channels there are", async () => {
    const kept = { history_size: 10, history_ttl: "60s", presence: true } as const;
    const channel = { ...OPEN.channel, namespaces: [{ name: "kept", ...kept, ...ALLOWED }] };
    const { server, client } = await start({ ...OPTIONS, config: { ...OPTIONS.config, channel } });
    for (const data of [1, 2, 3]) await server.publish("kept:a", data, { tags: { n: `${data}` } });
    const { publications, position } = await server.history("kept:a", { limit: 2 });
    expect(publications.map(({ offset, data }) => [offset, Buffer.from(data).toString()])).toEqual([
      [1, "1"],
      [2, "2"],
    ]);
    expect(publications[0]?.tags["n"]).toBe("1");
    expect(position.offset).toBe(3);
    const newest = await server.history("kept:a", { limit: 1, reverse: true });
    expect(newest.publications.map(({ offset }) => offset)).toEqual([3]);
    const later = await server.history("kept:a", { since: { ...position, offset: 2 } });
    expect(later.publications.map(({ offset }) => offset)).toEqual([3]);
    await using sse = await openSse(client, { token: hmacToken({ sub: "42" }), subs: { "kept:a": {} } });
    const { connect } = await sse.next();
    expect(await server.presence("kept:a")).toMatchObject([{ user: "42", client: connect?.client }]);
    expect(await server.channels()).toEqual(new Map([["kept:a", 1]]));
    expect(await server.channels("other*")).toEqual(new Map());
    await expect(server.history("a")).rejects.toMatchObject({ code: 108 });
    await expect(server.presence("nowhere:a")).rejects.toMatchObject({ code: 102 });
  });

  it("subscribes and unsubscribes a user's connections", async () => {
    const { server, client } = await start();
    await using sse = await openSse(client, { token: hmacToken({ sub: "42" }) });
    await sse.next();
    await server.subscribe("42", "news", { data: { welcome: true } });
    expect(await sse.next()).toMatchObject({ channel: "news", subscribe: { data: { welcome: true } } });
    await server.publish("news", 1);
    expect((await sse.next()).pub?.data).toBe(1);
    await server.unsubscribe("42", "news");
    expect(await sse.next()).toMatchObject({ channel: "news", unsubscribe: { code: 2000 } });
    await expect(server.subscribe("42", "nowhere:a")).rejects.toMatchObject({ code: 102 });
  });

  it("follows another configuration, and names what needs a restart", async () => {
    const { server } = await start();
    await expect(server.publish("later:a", 1)).rejects.toMatchObject({ code: 102 });
    const channel = { ...OPEN.channel, namespaces: [{ name: "later" }] };
    const config = { ...OPTIONS.config, channel, uni_sse: { enabled: true, handler_prefix: "/elsewhere" } };
    expect(await server.reload(config)).toEqual(["uni_sse.handler_prefix"]);
    await server.publish("later:a", 1);
    await expect(server.reload({ channel: { namespaces: [{ name: "!" }] } })).rejects.toThrow(ConfigError);
  });

  it("refuses what cannot be published with the codes of the server API", async () => {
    const channel = { namespaces: [{ name: "objects", publication_data_format: "json_object" as const }] };
    const { server } = await start({ ...OPTIONS, config: { ...OPTIONS.config, channel } });
    const refusals: readonly (readonly [code: number, refused: Promise<unknown>])[] = [
      [102, server.publish("nowhere:a", 1)],
      [107, server.publish("", 1)],
      [107, server.publish("a", new Uint8Array(0))],
      [107, server.publish("objects:a", Buffer.from("no JSON"))],
      [107, server.publish("objects:a", [1])],
    ];
    for (const [code, refused] of refusals) {
      const error: unknown = await refused.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ClientError);
      expect(error).toMatchObject({ code });
    }
    await server.publish("objects:a", { a: 1 });
  });

  it("takes interfaces, classes and whatever else JSON.stringify writes", async () => {
    interface News {
      readonly text: string;
      readonly at?: Date;
      readonly authors: readonly Author[];
    }
    class Author {
      readonly name = "Ada";
    }
    const { server, client } = await start();
    await using sse = await openSse(client, { subs: { news: {} } });
    await sse.next();
    const news: News = { text: "hello", at: new Date(0), authors: [new Author()] };
    await server.publish("news", news);
    expect((await sse.next()).pub?.data).toEqual({
      text: "hello",
      at: "1970-01-01T00:00:00.000Z",
      authors: [{ name: "Ada" }],
    });
  });

  it("refuses what is no JSON, and options that there are not, with a sentence", async () => {
    const { server } = await start();
    const refused: readonly (readonly [data: unknown, options: object, message: string])[] = [
      [undefined, {}, "publish: JSON has no value for data of type undefined"],
      [() => 1, {}, "publish: JSON has no value for data of type function"],
      [1n, {}, "Do not know how to serialize a BigInt"],
      [
        1,
        { idempotencykey: "k" },
        "publish: there is no option idempotencykey: did you mean idempotencyKey?",
      ],
      [1, { tags: { kind: 1 } }, "publish: tag kind: expected text, got number"],
    ];
    for (const [data, options, message] of refused) {
      await expect(server.publish("a", data as JsonValue, options)).rejects.toThrow(new TypeError(message));
    }
  });

  it("refuses arguments of another kind, naming them", async () => {
    const { server } = await start();
    const refused: readonly (readonly [
      method: Exclude<keyof Millrace, symbol>,
      args: readonly unknown[],
      message: string,
    ])[] = [
      ["publish", [42, 1], "channel: expected text, got number"],
      ["publish", ["a", 1, { idempotencyKey: 1 }], "idempotencyKey: expected text, got number"],
      ["publish", ["a", 1, { tags: "kind" }], "tags: expected an object, got string"],
      ["history", [undefined], "channel: expected text, got undefined"],
      ["history", ["a", { limit: "1" }], "limit: expected a number, got string"],
      ["history", ["a", { limit: Number.NaN }], "limit: expected a number, got NaN"],
      ["history", ["a", { since: 1 }], "since: expected an object, got number"],
      ["history", ["a", { since: { offset: "1" } }], "since.offset: expected a number, got string"],
      ["history", ["a", { since: { offset: 1 } }], "since.epoch: expected text, got undefined"],
      ["history", ["a", { reverse: 1 }], "reverse: expected true or false, got number"],
      ["presence", [{}], "channel: expected text, got object"],
      ["channels", [null], "pattern: expected text, got null"],
      ["subscribe", [42, "a"], "user: expected text, got number"],
      ["subscribe", ["42"], "channel: expected text, got undefined"],
      ["subscribe", ["42", "a", { expiresAt: 1 }], "expiresAt: expected a date, got number"],
      ["unsubscribe", ["42"], "channel: expected text, got undefined"],
      ["disconnect", [42], "user: expected text, got number"],
      ["disconnect", ["42", "bye"], "reason: expected an object, got string"],
      ["disconnect", ["42", { code: 4501 }], "reason.reason: expected text, got undefined"],
    ];
    for (const [method, args, message] of refused) {
      const call = async (): Promise<unknown> => Reflect.apply(server[method], server, args);
      await expect(call()).rejects.toThrow(new TypeError(`${method}: ${message}`));
    }
  });

  it("disconnects a user, by default with 3503", async () => {
    const { server, client } = await start();
    await using one = await openSse(client, { token: hmacToken({ sub: "1" }) });
    await using two = await openHttpStream(client, { token: hmacToken({ sub: "2" }) });
    await one.next();
    await two.next();
    await server.disconnect("1");
    expect((await one.next()).disconnect).toEqual({ code: 3503, reason: "force disconnect" });
    await server.disconnect("2", { code: 4501, reason: "bye" });
    expect((await two.next()).disconnect).toEqual({ code: 4501, reason: "bye" });
    await one.untilEnd();
    await two.untilEnd();
  });

  it("stop tells every client 3001 and closes the ports; it may be called again", async () => {
    const { server, client } = await start();
    await using sse = await openSse(client);
    await sse.next();
    const [first, second] = await Promise.all([server.stop(), server.stop()]);
    expect([first, second, await server.stop()]).toEqual([true, true, true]);
    expect((await sse.next()).disconnect).toEqual({ code: 3001, reason: "shutdown" });
    await expect(fetch(client.url("uni_sse"))).rejects.toThrow("fetch failed");
  });

  it("two servers in one process know nothing of each other", async () => {
    const [one, two] = [await start(), await start()];
    await using sse = await openSse(two.client, { subs: { a: {} } });
    await sse.next();
    await one.server.publish("a", 1);
    await two.server.publish("a", 2);
    expect((await sse.next()).pub?.data).toBe(2);
  });

  it("a configuration that cannot be is told in full; advice goes to the logger", () => {
    const wrong: MillraceOptions["config"] = {
      http_server: { port: 70_000 },
      client: { ping_interval: "soon" },
    };
    const make = (): Millrace => createServer({ config: wrong });
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(
      /http_server\.port[^]*client\.ping_interval|client\.ping_interval[^]*http_server\.port/u,
    );
    const warnings: string[] = [];
    const logger = {
      ...silentLogger,
      warn: (_fields: object, message: string) => void warnings.push(message),
    };
    createServer({ logger, config: { log: { level: "loud" } } });
    expect(warnings).toEqual([expect.stringContaining("loud")]);
  });

  it.each<[string, unknown, string]>([
    ["misspelt", { attachto: createHttpServer() }, "there is no option attachto: did you mean attachTo?"],
    [
      "of the configuration",
      { uni_sse: { enabled: true } },
      "there is no option uni_sse: it belongs in `config`",
    ],
    ["unheard of", { port: 8000 }, "there is no option port: there are config, logger, attachTo"],
    ["no options", "config.json", "expected an object of options, got config.json"],
  ])("refuses options that are %s, with a sentence", (_what, options, message) => {
    expect(() => createServer(options as MillraceOptions)).toThrow(new TypeError(`createServer: ${message}`));
  });

  it("refuses misspelt names in the configuration, all at once, which a file is only warned of", () => {
    const config = { uni_sse: { enabld: true }, http_server: { prt: 1 }, clients: {} };
    expect(() => createServer({ config: config as MillraceOptions["config"] & object })).toThrow(
      new ConfigError([
        { path: "clients", message: "there is no such option: did you mean `client`?" },
        { path: "uni_sse.enabld", message: "there is no such option: did you mean `uni_sse.enabled`?" },
        { path: "http_server.prt", message: "there is no such option: did you mean `http_server.port`?" },
      ]),
    );
  });

  it.each<[string, unknown, string]>([
    ["an app", () => undefined, "a function: for an app, such as Express's, pass createServer(app)"],
    ["what holds a server", { server: createHttpServer() }, "an object: pass its .server"],
    ["another server", createTcpServer(), "another object"],
    ["a port", 3000, "3000"],
    ["nothing", null, "null"],
  ])("refuses to be attached to %s, with a sentence", (_what, attachTo, got) => {
    expect(() => createServer({ attachTo: attachTo as HttpServer })).toThrow(
      new TypeError(`attachTo: expected an HTTP server of node:http or node:https, got ${got}`),
    );
  });

  it("refuses to be attached where that leaves undone what is asked for", () => {
    const tls = { enabled: true, cert_pem: "cert.pem", key_pem: "key.pem" };
    const config = { http_server: { tls }, node: { workers: "2" } };
    expect(() => createServer({ attachTo: createHttpServer(), config })).toThrow(
      /^node\.workers: .*\nhttp_server\.tls: a server of the host process has its own TLS/u,
    );
  });

  it("is of no use before it has started, nor where its port is taken", async () => {
    await expect(createServer(OPTIONS).publish("a", 1)).rejects.toThrow("the server does not run");
    const holder = createTcpServer().listen(0, "127.0.0.1");
    onTestFinished(() => void holder.close());
    await once(holder, "listening");
    const address = holder.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const config = { ...OPTIONS.config, http_server: { ...LISTENER, port: port ?? 0 } };
    await expect(createServer({ ...OPTIONS, config }).start()).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

const ALLOWED = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };

describe("attachTo", () => {
  it("serves beside what the HTTP server serves itself, and gives it back", async () => {
    const http = createHttpServer((request, response) => response.end(`own ${request.url}`));
    const own = new WebSocketServer({ server: http, path: "/own" });
    own.on("connection", (socket) => socket.send("own socket"));
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    onTestFinished(() => {
      own.close();
      http.close();
      http.closeAllConnections();
    });
    const address = http.address();
    const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const text = async (path: string): Promise<string> => (await fetch(origin + path)).text();

    const config = { ...OPTIONS.config, node: { workers: "1" } };
    const server = createServer({ ...OPTIONS, config, attachTo: http });
    expect((await server.start()).http).toBeUndefined();
    expect(await text("/page")).toBe("own /page");
    using ownSocket = await WebSocketClient.open(`${origin.replace("http", "ws")}/own`);
    expect(await ownSocket.nextText()).toBe("own socket");

    const client = {
      url: (endpoint: Parameters<typeof endpointUrl>[1], connect?: unknown) =>
        endpointUrl(origin, endpoint, connect),
    };
    const request = { subs: { news: {} } };
    await using sse = await openSse(client, request);
    await using stream = await openHttpStream(client, request);
    using webSocket = await WebSocketClient.open(client.url("uni_websocket", request));
    for (const one of [sse, stream, webSocket]) await one.next();
    await server.publish("news", 1);
    for (const one of [sse, stream, webSocket]) expect((await one.next()).pub?.data).toBe(1);

    expect(await server.stop()).toBe(true);
    for (const one of [sse, stream, webSocket]) expect((await one.next()).disconnect?.code).toBe(3001);
    expect(await text("/connection/uni_sse")).toBe("own /connection/uni_sse");
    using again = await WebSocketClient.open(`${origin.replace("http", "ws")}/own`);
    expect(await again.nextText()).toBe("own socket");
  });
});

describe("examples/embed.ts", () => {
  it("serves its page and the time to an EventSource; SIGTERM ends it", async () => {
    const port = await freePort();
    await using example = new Command(NODE, ["--conditions=millrace-source", "examples/embed.ts"], {
      env: { PORT: String(port) },
    });
    await example.untilPrinted(`open http://localhost:${port}`);
    const page = await (await fetch(`http://localhost:${port}`)).text();
    const [, path = ""] = /new EventSource\('([^']+)'/u.exec(page) ?? [];
    expect(path).toContain("/connection/uni_sse");

    const pushes: PushJson[] = [];
    const source = new EventSource(
      `http://localhost:${port}${path}${encodeURIComponent('{"subs":{"time":{}}}')}`,
    );
    onTestFinished(() => source.close());
    source.addEventListener("message", ({ data }) => pushes.push(parsePush(String(data))));
    await expect.poll(() => pushes.length, { timeout: PATIENCE_MS }).toBeGreaterThanOrEqual(3);
    expect(pushes[0]?.connect?.subs).toEqual({ time: {} });
    expect(pushes[1]).toEqual({
      channel: "time",
      pub: { data: { now: expect.stringMatching(/^\d{4}-.*Z$/u) } },
    });

    example.kill("SIGTERM");
    expect(await example.untilEnd()).toEqual({ status: 0, signal: null });
    expect(pushes.at(-1)).toEqual({ disconnect: { code: 3001, reason: "shutdown" } });
  });
});

describe("README.md", () => {
  it("has a server whose publications are heard by the line below it", async () => {
    const port = await freePort();
    const example = readmeExample(port);
    const args = ["--conditions=millrace-source", "--input-type=module", "--eval", example.server];
    await using server = new Command(NODE, args, { env: { PORT: String(port) } });
    expect(await hearReadmeExample(example, server)).toMatch(
      /"channel":"news","pub":\{"data":\{"text":"hello"/u,
    );
  });
});
