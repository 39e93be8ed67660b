import { create } from "@bufbuild/protobuf";
import {
  type CallOptions,
  type Client,
  Code,
  ConnectError,
  createClient,
  type Transport,
} from "@connectrpc/connect";
import {
  createConnectTransport as createNodeConnect,
  createGrpcWebTransport as createNodeGrpcWeb,
} from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { describe, expect, it } from "vitest";
import {
  CentrifugoUniStream,
  DisconnectSchema,
  type Push,
} from "../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { Command } from "../support/command.ts";
import { BUF, CONSUME, pushJsonOf } from "../support/grpc-push-stream.ts";
import { openSse } from "../support/push-stream.ts";
import { rawEnvelope } from "../support/rpc-call.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

type UniClient = Client<typeof CentrifugoUniStream>;

/** Every way in which the libraries of Connect can speak to the HTTP port. */
const DIALECTS: readonly (readonly [name: string, contentType: string, (baseUrl: string) => Transport])[] = [
  [
    "connect-node, Connect",
    "application/connect+proto",
    (baseUrl) => createNodeConnect({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  ],
  [
    "connect-node, Connect with JSON",
    "application/connect+json",
    (baseUrl) => createNodeConnect({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  ],
  [
    "connect-node, Connect over HTTP/2",
    "application/connect+proto",
    (baseUrl) => createNodeConnect({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  ],
  [
    "connect-node, gRPC-Web",
    "application/grpc-web+proto",
    (baseUrl) => createNodeGrpcWeb({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  ],
  [
    "connect-node, gRPC-Web with JSON",
    "application/grpc-web+json",
    (baseUrl) => createNodeGrpcWeb({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  ],
  [
    "connect-node, gRPC-Web over HTTP/2",
    "application/grpc-web+proto",
    (baseUrl) => createNodeGrpcWeb({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  ],
  [
    "connect-web, Connect",
    "application/connect+proto",
    (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: true }),
  ],
  [
    "connect-web, Connect with JSON",
    "application/connect+json",
    (baseUrl) => createConnectTransport({ baseUrl }),
  ],
  ["connect-web, gRPC-Web", "application/grpc-web+proto", (baseUrl) => createGrpcWebTransport({ baseUrl })],
];

function runConnectServer(config: ConfigInput = OPEN): Promise<RunningServer> {
  return runServer({ ...config, uni_grpc: { enabled: true, address: "127.0.0.1", port: 0 } });
}

function consume(
  client: UniClient,
  request: Parameters<UniClient["consume"]>[0],
  options: CallOptions = {},
): AsyncIterator<Push> {
  return client.consume(request, options)[Symbol.asyncIterator]();
}

async function next(pushes: AsyncIterator<Push>): Promise<Push> {
  const { done, value } = await pushes.next();
  if (done === true) throw new Error("the stream has ended");
  return value;
}

function envelope(message: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(rawEnvelope(message));
}

function post(
  server: RunningServer,
  contentType: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<Response> {
  return fetch(`${server.origin}/${CONSUME}`, {
    method: "POST",
    headers: { "Content-Type": contentType },
    body,
  });
}

describe.each(DIALECTS)("Consume on the HTTP port: %s", (_name, contentType, createTransport) => {
  it("a publication is the same push as on SSE; the stream ends well after a disconnect push", async () => {
    await using server = await runConnectServer();
    let answered: string | null = null;
    const onHeader = (headers: Headers): void => void (answered = headers.get("content-type"));
    const client = createClient(CentrifugoUniStream, createTransport(server.origin));
    const pushes = consume(client, { subs: { a: {} } }, { onHeader });
    expect((await next(pushes)).connect).toMatchObject({ ping: 25, subs: { a: {} } });
    expect(answered).toBe(contentType);
    await using sse = await openSse(server, { subs: { a: {} } });
    await sse.next();
    await server.publish("a", { text: "ü" }, { k: "v" });
    await server.publish("a", "x".repeat(100_000));
    expect(pushJsonOf(await next(pushes))).toEqual(await sse.next());
    expect(pushJsonOf(await next(pushes))).toEqual(await sse.next());
    await server.disconnect("", 4501, "bye");
    expect((await next(pushes)).disconnect).toEqual(create(DisconnectSchema, { code: 4501, reason: "bye" }));
    expect((await pushes.next()).done).toBe(true);
    await server.untilSessions(0);
  });

  it("uni 63: a binary publication arrives as it is", async () => {
    await using server = await runConnectServer();
    const pushes = consume(createClient(CentrifugoUniStream, createTransport(server.origin)), {
      subs: { a: {} },
    });
    await next(pushes);
    await server.publish("a", Buffer.of(0xff, 0x00));
    expect([...((await next(pushes)).pub?.data ?? [])]).toEqual([0xff, 0x00]);
    await server.disconnect("", 3503, "");
    while ((await pushes.next()).done !== true);
  });

  it("uni 38: a bad token is a push with 3500, and no error of the protocol", async () => {
    await using server = await runConnectServer({});
    const pushes = consume(createClient(CentrifugoUniStream, createTransport(server.origin)), {
      token: "bad",
    });
    expect((await next(pushes)).disconnect).toMatchObject({ code: 3500, reason: "invalid token" });
    expect((await pushes.next()).done).toBe(true);
  });

  it("metadata is not believed to name the user", async () => {
    await using server = await runConnectServer({ client: { user_id_http_header: "X-U" } });
    const client = createClient(CentrifugoUniStream, createTransport(server.origin));
    const pushes = consume(client, {}, { headers: { "X-U": "admin" } });
    expect((await next(pushes)).disconnect).toMatchObject({ code: 3501 });
    expect((await pushes.next()).done).toBe(true);
  });

  it("a client that aborts leaves nothing behind", async () => {
    await using server = await runConnectServer();
    const abort = new AbortController();
    const client = createClient(CentrifugoUniStream, createTransport(server.origin));
    const pushes = consume(
      client,
      { token: hmacToken({ sub: "u" }), subs: { a: {} } },
      { signal: abort.signal },
    );
    await next(pushes);
    abort.abort();
    const error = await pushes.next().catch((reason: unknown) => reason);
    expect(ConnectError.from(error).code).toBe(Code.Canceled);
    await server.untilSessions(0);
    expect(await server.counts()).toEqual({ clients: 0, users: 0, channels: 0, subs: 0 });
  });

  it("uni 83: on shutdown the last push is 3001", async () => {
    await using server = await runConnectServer();
    const pushes = consume(createClient(CentrifugoUniStream, createTransport(server.origin)), {});
    await next(pushes);
    const stopped = server.stop();
    expect((await next(pushes)).disconnect).toMatchObject({ code: 3001, reason: "shutdown" });
    expect((await pushes.next()).done).toBe(true);
    expect(await stopped).toBe(true);
  });
});

describe("Consume on the HTTP port: buf curl", () => {
  it.each(["connect", "grpcweb"])("--protocol %s", async (protocol) => {
    await using server = await runConnectServer();
    const args = [
      "--protocol",
      protocol,
      "--schema",
      ".",
      "-d",
      '{"subs":{"a":{}}}',
      `${server.origin}/${CONSUME}`,
    ];
    await using buf = new Command(BUF, ["curl", ...args]);
    await buf.untilPrinted('"connect"');
    await server.publish("a", { input: 1 });
    await buf.untilPrinted(Buffer.from('{"input":1}').toString("base64"));
    await server.disconnect("", 3503, "force disconnect");
    expect(await buf.untilEnd()).toEqual({ status: 0, signal: null });
    expect(buf.stdout).toContain('"force disconnect"');
  });
});

describe("Consume on the HTTP port: requests", () => {
  it.each([
    ["application/grpc-web", "application/grpc-web+proto"],
    ["application/grpc-web+proto;charset=utf-8", "application/grpc-web+proto"],
    ["Application/Connect+Proto", "application/connect+proto"],
  ])("content type %s is answered with %s", async (asked, answered) => {
    await using server = await runConnectServer({});
    const response = await post(server, asked, envelope(""));
    expect([response.status, response.headers.get("content-type")]).toEqual([200, answered]);
    await response.bytes();
  });

  it("gRPC-Web as text: request and every envelope in base64", async () => {
    await using server = await runConnectServer({});
    const body = Buffer.from(envelope("")).toString("base64");
    const response = await post(server, "application/grpc-web-text", body);
    expect(response.headers.get("content-type")).toBe("application/grpc-web-text+proto");
    const parts = (await response.text()).match(/[^=]+=*/gu) ?? [];
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(part, "base64")));
    expect(bytes.toString("latin1")).toContain("bad request");
    expect(bytes.toString("latin1")).toContain("grpc-status: 0\r\n");
  });

  it.each(["application/json", "application/proto", "text/plain", ""])(
    "content type %j gets 415, and what would be understood",
    async (contentType) => {
      await using server = await runConnectServer();
      const response = await post(server, contentType, envelope("{}"));
      expect([response.status, await response.text()]).toEqual([415, ""]);
      expect(response.headers.get("accept-post")).toContain("application/connect+json");
    },
  );

  it("what is wrong with a request is told behind status 200, over HTTP/1.1 too", async () => {
    await using server = await runConnectServer();
    const malformed = await post(server, "application/connect+json", envelope('{"token":1}'));
    expect([malformed.status, await malformed.text()]).toEqual([
      200,
      expect.stringContaining('"code":"invalid_argument"'),
    ]);
    const tooLarge = envelope("{}".padEnd(4 * 1024 * 1024 + 1));
    const refused = await post(server, "application/connect+json", tooLarge);
    expect([refused.status, await refused.text()]).toEqual([
      200,
      expect.stringContaining('"code":"resource_exhausted"'),
    ]);
    expect(refused.headers.get("connection")).toBe("close");
  });

  it("other methods get 405; without uni_grpc there is no such path", async () => {
    await using server = await runConnectServer();
    expect((await fetch(`${server.origin}/${CONSUME}`)).status).toBe(405);
    await using without = await runServer(OPEN);
    expect((await post(without, "application/connect+json", envelope("{}"))).status).toBe(404);
  });

  it("a preflight allows a page of an allowed origin what clients of Connect need", async () => {
    const client = { ...OPEN.client, allowed_origins: ["https://*.example.com"] };
    await using server = await runConnectServer({ ...OPEN, client });
    const wanted = "connect-protocol-version,content-type,x-grpc-web,x-user-agent";
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${server.origin}/${CONSUME}`, {
        method: "OPTIONS",
        headers: { Origin: origin, "Access-Control-Request-Headers": wanted },
      });
    const allowed = await preflight("https://app.example.com");
    expect(allowed.status).toBe(204);
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      "access-control-allow-origin": "https://app.example.com",
      "access-control-allow-headers": wanted,
      "access-control-allow-methods": "POST, OPTIONS",
      "access-control-max-age": "7200",
    });
    const refused = await preflight("https://example.org");
    expect(refused.headers.has("access-control-allow-origin")).toBe(false);
  });

  it("answers expose gRPC-Web's trailers to the page", async () => {
    const client = { allowed_origins: ["*"] };
    await using server = await runConnectServer({ client });
    const response = await fetch(`${server.origin}/${CONSUME}`, {
      method: "POST",
      headers: { Origin: "https://a.example.com", "Content-Type": "application/grpc-web+proto" },
      body: envelope(""),
    });
    expect(response.headers.get("access-control-expose-headers")).toBe("grpc-status, grpc-message");
    expect(response.headers.get("access-control-allow-origin")).toBe("https://a.example.com");
    await response.bytes();
  });
});
