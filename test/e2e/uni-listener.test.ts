import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequestOf, type Server } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Http2Client } from "../support/http2-client.ts";
import { openHttpStream, openSse, openStream } from "../support/push-stream.ts";
import { httpRequest, parseResponse, RawConnection } from "../support/raw-connection.ts";
import { attachServer, type ConfigInput, OPEN, runServer } from "../support/running-server.ts";
import { createIdentity } from "../support/tls-identity.ts";
import { openWebSocket, UpgradeRefused, WebSocketClient } from "../support/web-socket-client.ts";

const STREAM_PATH = "/connection/uni_http_stream";
const SUBSCRIBE_A = '{"subs":{"a":{}}}';
const NO_CHECK = { rejectUnauthorized: false };

const { cert, key } = createIdentity();
const TLS: ConfigInput = {
  ...OPEN,
  http_server: {
    tls: { enabled: true, cert_pem: cert, key_pem: key },
  },
};

describe("uni over HTTP/2", () => {
  it.each([
    ["plain text", OPEN],
    ["TLS, by ALPN", TLS],
  ])("uni 13: over %s HTTP streaming works, and has no Connection header", async (_name, config) => {
    await using server = await runServer(config);
    using client = new Http2Client(server.origin, NO_CHECK);
    const response = await client.request({ ":method": "POST", ":path": STREAM_PATH }, SUBSCRIBE_A);
    expect(response.headers[":status"]).toBe(200);
    expect(Object.keys(response.headers).toSorted()).toEqual([
      ":status",
      "access-control-allow-credentials",
      "access-control-allow-origin",
      "cache-control",
      "content-type",
      "date",
      "expire",
      "pragma",
      "x-accel-buffering",
    ]);
    await response.until('"connect"');
    const payload = "x".repeat(200_000);
    await server.publish("a", payload);
    await response.until(`{"channel":"a","pub":{"data":"${payload}"}}\n`);
    await server.disconnect("", 3503, "bye");
    const text = await response.untilEnd();
    expect(text.endsWith('\n{"disconnect":{"code":3503,"reason":"bye"}}\n')).toBe(true);
  });

  it("serves SSE, refusals and several streams on one connection", async () => {
    await using server = await runServer(OPEN);
    using client = new Http2Client(server.origin);
    const query = `?cf_connect=${encodeURIComponent(SUBSCRIBE_A)}`;
    const one = await client.request({ ":path": `/connection/uni_sse${query}` });
    const two = await client.request({ ":path": `/connection/uni_sse${query}` });
    await Promise.all([one.until('"connect"'), two.until('"connect"')]);
    expect(one.text).toMatch(/^\r\ndata: /u);
    await server.publish("a", 1);
    await Promise.all([one.until('"pub"'), two.until('"pub"')]);
    const refused = await client.request({ ":method": "PUT", ":path": "/connection/uni_sse" });
    expect(refused.headers[":status"]).toBe(405);
    const tooLarge = await client.request({ ":method": "POST", ":path": STREAM_PATH }, " ".repeat(65_537));
    expect(tooLarge.headers[":status"]).toBe(413);
    one.stream.close();
    await server.untilSessions(1);
    client.session.destroy();
    await server.untilSessions(0);
  });

  it("uni 83: a shutdown tells 3001 and ends stream and connection", async () => {
    await using server = await runServer(OPEN);
    using client = new Http2Client(server.origin);
    const closed = once(client.session, "close");
    const response = await client.request({ ":path": "/connection/uni_sse" });
    await response.until('"connect"');
    expect(await server.stop()).toBe(true);
    expect(await response.untilEnd()).toContain('{"disconnect":{"code":3001,"reason":"shutdown"}}');
    await closed;
  });

  it("cuts a stream whose window stays shut", async () => {
    await using server = await runServer({ ...OPEN, client: { ...OPEN.client, queue_max_size: 100_000 } });
    using client = new Http2Client(server.origin);
    const response = await client.request({ ":method": "POST", ":path": STREAM_PATH }, SUBSCRIBE_A);
    await response.until('"connect"');
    response.stream.pause();
    for (let count = 0; count < 100 && (await server.sessionCount()) > 0; count++) {
      await server.publish("a", "x".repeat(20_000));
      await new Promise(setImmediate);
    }
    expect(await server.sessionCount()).toBe(0);
  });
});

/** One GET over TLS with HTTP/1.1. */
function getOverTls(port: number, path: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host: "127.0.0.1", port, path, agent, ...NO_CHECK }, resolve);
    request.once("error", reject);
    request.end();
  });
}

describe("uni over TLS", () => {
  it("serves SSE to HTTP/1.1 clients, and tells them of a shutdown", async () => {
    await using server = await runServer(TLS);
    const agent = new Agent({ keepAlive: true });
    const query = `?cf_connect=${encodeURIComponent(SUBSCRIBE_A)}`;
    const response = await getOverTls(server.port, `/connection/uni_sse${query}`, agent);
    response.setEncoding("utf8");
    let text = "";
    response.on("data", (part: string) => (text += part));
    await once(response, "data");
    await server.publish("a", "x".repeat(100_000));
    expect(await server.stop()).toBe(true);
    if (!response.readableEnded) await once(response, "end");
    expect(text).toContain('x"}}\n\ndata: {"disconnect":{"code":3001,"reason":"shutdown"}}\n\n');
    agent.destroy();
  });

  it("serves WebSockets", async () => {
    await using server = await runServer(TLS);
    using client = await openWebSocket(server, { subs: { a: {} } }, NO_CHECK);
    await client.next();
    await server.publish("a", 1);
    expect((await client.next()).pub?.data).toBe(1);
    await server.disconnect("", 3503, "bye");
    expect((await client.next()).disconnect?.code).toBe(3503);
    expect(await client.untilClosed()).toEqual({ code: 3503, reason: "bye" });
    const refused = await WebSocketClient.open(server.url("uni_websocket"), {
      ...NO_CHECK,
      origin: "https://a.example",
    }).catch((error: unknown) => error);
    expect(refused instanceof UpgradeRefused && refused.response.statusCode).toBe(403);
  });

  it("takes a connect request of 60 KB in the query", async () => {
    await using server = await runServer(TLS);
    const agent = new Agent();
    const subs = { ["a".repeat(60_000)]: {} };
    const path = `/connection/uni_sse?cf_connect=${encodeURIComponent(JSON.stringify({ subs }))}`;
    const response = await getOverTls(server.port, path, agent);
    expect(response.statusCode).toBe(200);
    response.destroy();
    agent.destroy();
  });

  it("waits on shutdown neither for idle connections nor for handshakes", async () => {
    await using server = await runServer(TLS);
    using handshaking = await RawConnection.open(server.port);
    const idle = connectTls({
      port: server.port,
      host: "127.0.0.1",
      ALPNProtocols: ["http/1.1"],
      ...NO_CHECK,
    });
    await once(idle, "secureConnect");
    const idleClosed = once(idle, "close");
    const agent = new Agent({ keepAlive: true });
    const response = await getOverTls(server.port, "/elsewhere", agent);
    expect(response.statusCode).toBe(404);
    response.resume();
    await once(response, "end");
    const startMs = performance.now();
    expect(await server.stop()).toBe(true);
    // What has something under way has 5 s.
    expect(performance.now() - startMs).toBeLessThan(4500);
    await Promise.all([handshaking.untilClosed(), idleClosed]);
    agent.destroy();
  });
});

/** An HTTP server of somebody else, listening. */
async function hostServer(): Promise<Server & AsyncDisposable> {
  const server = createServer((request, response) => {
    response.end(`host:${request.method}:${request.url}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  return response.text();
}

describe("uni on an HTTP server of the host", () => {
  it("serves its own paths and leaves all others to the host", async () => {
    await using host = await hostServer();
    await using server = await attachServer(host, OPEN);
    expect(await textOf(`${server.origin}/mine`)).toBe("host:GET:/mine");
    await using lines = await openHttpStream(server, { subs: { a: {} } });
    await using events = await openSse(server, { subs: { a: {} } });
    using webSocket = await openWebSocket(server, { subs: { a: {} } });
    const clients = [lines, events, webSocket];
    for (const client of clients) expect((await client.next()).connect).toBeDefined();
    await server.publish("a", 1);
    for (const client of clients) expect((await client.next()).pub?.data).toBe(1);
    expect(await textOf(`${server.origin}/mine`)).toBe("host:GET:/mine");
  });

  it("leaves the host's own WebSockets alone", async () => {
    await using host = await hostServer();
    const own = new WebSocketServer({ server: host, path: "/own" });
    own.on("connection", (socket) => socket.send('{"connect":{"client":"host"}}'));
    await using server = await attachServer(host, OPEN);
    using theirs = await WebSocketClient.open(`${server.origin.replace("http", "ws")}/own`);
    expect((await theirs.next()).connect?.client).toBe("host");
    using ours = await openWebSocket(server);
    expect((await ours.next()).connect?.client).toHaveLength(36);
    own.close();
  });

  it("does not make the host hang on offers to upgrade that it never took", async () => {
    await using host = await hostServer();
    await using server = await attachServer(host, OPEN);
    for (const path of ["/mine", STREAM_PATH]) {
      using connection = await RawConnection.open(server.port);
      const headers = { Connection: "Upgrade", Upgrade: "h2c" };
      connection.send(httpRequest("POST", path, { headers, body: "{}" }));
      expect(parseResponse(await connection.until("\r\n\r\n")).statusLine).toBe("HTTP/1.1 200 OK");
    }
  });

  it("survives a client that resets in the middle of a refused upgrade", async () => {
    await using host = await hostServer();
    await using server = await attachServer(host, OPEN);
    for (let count = 0; count < 20; count++) {
      const connection = await RawConnection.open(server.port);
      const headers = { Connection: "Upgrade", Upgrade: "websocket", Origin: "https://evil.example" };
      connection.send(httpRequest("GET", "/connection/uni_websocket", { headers }));
      connection.socket.resetAndDestroy();
    }
    expect(await textOf(`${server.origin}/mine`)).toBe("host:GET:/mine");
  });

  it("tells its clients of its stop, and gives everything back to the host", async () => {
    await using host = await hostServer();
    await using server = await attachServer(host, OPEN);
    await using lines = await openHttpStream(server);
    using webSocket = await openWebSocket(server);
    await Promise.all([lines.next(), webSocket.next()]);
    expect(await server.stop()).toBe(true);
    expect((await lines.next()).disconnect?.code).toBe(3001);
    expect(await webSocket.untilClosed()).toEqual({ code: 3001, reason: "shutdown" });
    await using after = await openStream(server.url("uni_sse"));
    expect(await after.untilEnd()).toBe("host:GET:/connection/uni_sse");
    // Without listeners of its own for upgrades the host answers them like any request.
    const upgraded = httpRequestOf(server.url("uni_sse"), {
      headers: { Connection: "Upgrade", Upgrade: "websocket" },
    });
    upgraded.end();
    const [response]: IncomingMessage[] = await once(upgraded, "response");
    expect(response?.statusCode).toBe(200);
    response?.destroy();
  });
});
