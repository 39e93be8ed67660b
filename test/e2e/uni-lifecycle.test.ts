import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { GrpcPushStream } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse, openStream } from "../support/push-stream.ts";
import { WEBSOCKET_HANDSHAKE, httpRequest, RawConnection } from "../support/raw-connection.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { openWebSocket, WebSocketClient } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const SUBSCRIBE_A = { subs: { a: {} } };
const NOTHING = { clients: 0, users: 0, channels: 0, subs: 0 };

function openConfig(client: NonNullable<ConfigInput["client"]>): ConfigInput {
  return { ...OPEN, client: { ...OPEN.client, ...client } };
}

/** A client that has asked for channel `a` over HTTP streaming. */
async function openRaw(server: RunningServer): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port);
  const body = JSON.stringify(SUBSCRIBE_A);
  connection.send(httpRequest("POST", "/connection/uni_http_stream", { body }));
  await connection.until('"connect"');
  return connection;
}

/** The preface of HTTP/2 with empty SETTINGS (RFC 9113 §3.4). */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");

/** A client that reads, and sends nothing behind its first words. It keeps its half open. */
async function openSending(port: number, words: string | Buffer): Promise<RawConnection> {
  const connection = await RawConnection.open(port, { allowHalfOpen: true });
  connection.send(words);
  return connection;
}

/** A WebSocket whose client answers nothing. */
async function openBare(port: number, path: string): Promise<RawConnection> {
  const connection = await openSending(port, httpRequest("GET", path, { headers: WEBSOCKET_HANDSHAKE }));
  await connection.until("101 Switching Protocols");
  return connection;
}

/** Publishes to `a`, a turn each, until nobody listens any more; resolves to the bytes published. */
async function publishUntilAlone(server: RunningServer, payload: string, maxBytes: number): Promise<number> {
  let bytes = 0;
  while (bytes < maxBytes && (await server.sessionCount()) > 0) {
    await server.publish("a", payload);
    await new Promise(setImmediate);
    bytes += payload.length;
  }
  return bytes;
}

describe("uni: pings and heartbeat", () => {
  const fast = openConfig({ ping_interval: "400ms", pong_timeout: "200ms" });

  it("uni 86: the first ping comes after half to one interval, the others after one each", async () => {
    await using server = await runServer(fast);
    const startMs = performance.now();
    await using stream = await openHttpStream(server);
    await stream.next();
    for (let count = 0; count < 3; count++) {
      expect(await stream.nextText()).toBe("{}");
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(190 + count * 400 - 20);
    }
  });

  it("uni 85: a WebSocket that does not answer PING frames is dropped without a close frame", async () => {
    await using server = await runServer(fast);
    const startMs = performance.now();
    using client = await openWebSocket(server, {}, { autoPong: false });
    client.socket.once("ping", () => client.socket.send("data does not help"));
    expect(await client.untilClosed()).toEqual({ code: 1006, reason: "" });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(590);
    expect(client.frames.filter((frame) => frame.includes("disconnect"))).toEqual([]);
    await server.untilSessions(0);
  });

  it("uni 85: one that answers stays; PING frames are empty", async () => {
    await using server = await runServer(openConfig({ ping_interval: "2s", pong_timeout: "1900ms" }));
    using client = await openWebSocket(server);
    for (let count = 0; count < 2; count++) {
      const [payload] = await once(client.socket, "ping");
      expect(payload).toEqual(Buffer.alloc(0));
    }
    expect(client.socket.readyState).toBe(client.socket.OPEN);
  });

  it("uni §2.2: the client's own PING frames are answered", async () => {
    await using server = await runServer(OPEN);
    using client = await openWebSocket(server);
    client.socket.ping("payload");
    const [payload] = await once(client.socket, "pong");
    expect(String(payload)).toBe("payload");
  });
});

describe("uni: expiry", () => {
  it("uni 77, core 12: ttl tells the seconds left; 3005 comes expired_close_delay after them", async () => {
    await using server = await runServer({ client: { expired_close_delay: "300ms" } });
    const exp = Math.floor(Date.now() / 1000) + 3;
    const token = hmacToken({ sub: "u", exp });
    await using stream = await openHttpStream(server, { token });
    const { connect } = await stream.next();
    expect(connect).toMatchObject({ expires: true });
    // 3, unless a new second has begun in the meantime.
    expect(connect?.ttl).toBeLessThanOrEqual(3);
    expect(connect?.ttl).toBeGreaterThanOrEqual(exp - Math.floor(Date.now() / 1000));
    expect((await stream.next()).disconnect).toEqual({ code: 3005, reason: "connection expired" });
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000 + 300);
    await stream.untilEnd();
  });
});

describe("uni: queue", () => {
  const small = openConfig({ queue_max_size: 100_000 });

  it("uni 84: a push over queue_max_size ends the streams without a disconnect push", async () => {
    await using server = await runServer(small);
    await using lines = await openHttpStream(server, SUBSCRIBE_A);
    await using events = await openSse(server, SUBSCRIBE_A);
    await Promise.all([lines.next(), events.next()]);
    await server.publish("a", "small");
    await server.publish("a", "x".repeat(100_000));
    for (const stream of [lines, events]) {
      await stream.untilOver();
      expect(stream.text).not.toContain("disconnect");
      expect(stream.text).not.toContain("xxx");
    }
    expect(await server.sessionCount()).toBe(0);
  });

  it("uni 84: a WebSocket gets the close frame 3008 alone", async () => {
    await using server = await runServer(small);
    using client = await openWebSocket(server, SUBSCRIBE_A);
    await client.next();
    await server.publish("a", "x".repeat(100_000));
    expect(await client.untilClosed()).toEqual({ code: 3008, reason: "slow" });
    expect(client.frames).toHaveLength(1);
  });

  it("uni §6.2: other disconnects let out first what is queued", async () => {
    await using server = await runServer(OPEN);
    await using lines = await openHttpStream(server, SUBSCRIBE_A);
    using webSocket = await openWebSocket(server, SUBSCRIBE_A);
    await Promise.all([lines.next(), webSocket.next()]);
    await Promise.all([
      ...[1, 2, 3].map((data) => server.publish("a", data)),
      server.disconnect("", 4000, "bye"),
    ]);
    const pushes = [1, 2, 3].map((data) => `{"channel":"a","pub":{"data":${data}}}`);
    const goodbye = '{"disconnect":{"code":4000,"reason":"bye"}}';
    expect((await lines.untilEnd()).split("\n").slice(1)).toEqual([...pushes, goodbye, ""]);
    await webSocket.untilClosed();
    expect(webSocket.frames.slice(1)).toEqual([...pushes, goodbye]);
  });

  it("uni §6.2: a client that does not read is cut when its queue is full, and others go on", async () => {
    await using server = await runServer(openConfig({ queue_max_size: 500_000 }));
    const stalled = await openRaw(server);
    using reading = await openRaw(server);
    stalled.socket.pause();
    const payload = "x".repeat(50_000);
    let published = 0;
    while ((await server.sessionCount()) > 1 && published < 1000) {
      await server.publish("a", payload);
      published += 1;
      await reading.untilBytes(published * 50_000);
    }
    expect(await server.sessionCount()).toBe(1);
    stalled.socket.resume();
    expect(await stalled.untilEnd()).not.toContain("disconnect");
    await server.publish("a", "last");
    await reading.until('"last"');
  });

  it("uni §6.2: a client that takes nothing for the write timeout is cut, with a queue of any size", async () => {
    await using server = await runServer({
      ...openConfig({ queue_max_size: 0 }),
      uni_websocket: { write_timeout: "300ms" },
    });
    const stalled = await openRaw(server);
    using webSocket = await openWebSocket(server, SUBSCRIBE_A);
    await webSocket.next();
    stalled.socket.pause();
    webSocket.socket.pause();
    for (let count = 0; count < 40; count++) await server.publish("a", "x".repeat(500_000));
    await server.untilSessions(0);
    expect(await server.sessionCount()).toBe(0);
    stalled[Symbol.dispose]();
  });

  it("uni §6.2: a client that reads slowly but steadily stays", async () => {
    await using server = await runServer({
      ...openConfig({ queue_max_size: 0 }),
      uni_websocket: { write_timeout: "2s" },
    });
    using client = await openWebSocket(server, SUBSCRIBE_A);
    await client.next();
    client.socket.pause();
    // More than the kernel takes for a client that does not read.
    for (let count = 0; count < 40; count++) await server.publish("a", "x".repeat(500_000));
    for (let count = 0; count < 10; count++) {
      client.socket.resume();
      await client.nextText();
      client.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(await server.sessionCount()).toBe(1);
  });
});

describe("uni: shutdown", () => {
  it("uni 83: every transport tells 3001 last, WebSocket closes with it", async () => {
    await using server = await runServer(OPEN);
    await using lines = await openHttpStream(server);
    await using events = await openSse(server);
    using webSocket = await openWebSocket(server);
    await Promise.all([lines.next(), events.next(), webSocket.next()]);
    const startMs = performance.now();
    expect(await server.stop()).toBe(true);
    // What has something under way has 5 s.
    expect(performance.now() - startMs).toBeLessThan(4500);
    const goodbye = '{"disconnect":{"code":3001,"reason":"shutdown"}}';
    expect((await lines.untilEnd()).endsWith(`\n${goodbye}\n`)).toBe(true);
    expect((await events.untilEnd()).endsWith(`\n\ndata: ${goodbye}\n\n`)).toBe(true);
    expect(await webSocket.untilClosed()).toEqual({ code: 3001, reason: "shutdown" });
    expect(webSocket.frames.at(-1)).toBe(goodbye);
    await expect(openHttpStream(server)).rejects.toThrow("fetch failed");
  });

  it("uni 83 (deviation): a WebSocket that stays silent gets the close frame 3001 too", async () => {
    await using server = await runServer(OPEN);
    using silent = await WebSocketClient.open(server.url("uni_websocket"));
    expect(await server.stop()).toBe(true);
    expect(await silent.untilClosed()).toEqual({ code: 3001, reason: "shutdown" });
    expect(silent.frames).toEqual([]);
  });

  it("waits for nobody who has nothing under way", async () => {
    await using server = await runServer(OPEN);
    using silent = await RawConnection.open(server.port);
    using halfway = await RawConnection.open(server.port);
    halfway.send("POST /connection/uni_http_stream HTTP/1.1\r\nHo");
    using reused = await RawConnection.open(server.port);
    reused.send(httpRequest("GET", "/elsewhere"));
    await reused.until("404 page not found");
    // `fetch` keeps its connection for the next request as well.
    await using kept = await openStream(`${server.origin}/elsewhere`);
    await kept.untilEnd();
    const startMs = performance.now();
    expect(await server.stop()).toBe(true);
    // What has something under way has 5 s.
    expect(performance.now() - startMs).toBeLessThan(4500);
    await Promise.all([silent, halfway, reused].map((connection) => connection.untilClosed()));
  });

  it("cuts who answers no close frame, reads nothing or does not hang up, long before shutdown.timeout", async () => {
    const pusher = { enabled: true, apps: [{ id: "app", key: "app-key", secret: "app-secret" }] };
    await using server = await runServer({
      ...openConfig({ queue_max_size: 0 }),
      pusher,
      uni_grpc: { enabled: true, address: "127.0.0.1", port: 0 },
      shutdown: { timeout: "60s" },
    });
    const { port, addresses } = server;
    const grpcPort = addresses.uniGrpc?.port ?? 0;
    using silent = await openBare(port, "/connection/uni_websocket");
    using pusherClient = await openBare(port, "/app/app-key");
    using unfinished = await openSending(
      port,
      "POST /api/publish HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
    );
    using http2 = await openSending(port, HTTP2_PREFACE);
    using grpc = await openSending(grpcPort, HTTP2_PREFACE);
    await Promise.all([
      pusherClient.until("connection_established"),
      http2.untilBytes(9),
      grpc.untilBytes(9),
    ]);
    using stalled = await openRaw(server);
    using stalledCall = new GrpcPushStream(`127.0.0.1:${grpcPort}`, { subs: { a: {} } });
    await stalledCall.next();
    stalled.socket.pause();
    stalledCall.call.pause();
    for (let count = 0; count < 40; count++) await server.publish("a", "x".repeat(500_000));
    expect(await server.stop()).toBe(true);
    await Promise.all([silent, pusherClient, unfinished, http2, grpc].map((client) => client.untilEnd()));
  });

  it("cuts off past shutdown.timeout who does not leave", async () => {
    await using server = await runServer({ ...OPEN, shutdown: { timeout: "300ms" } });
    using webSocket = await openWebSocket(server);
    await webSocket.next();
    webSocket.socket.pause();
    expect(await server.stop()).toBe(false);
    webSocket.socket.resume();
    expect((await webSocket.untilClosed()).code).toBe(3001);
  });

  it("can be asked for more than once", async () => {
    await using server = await runServer(OPEN);
    expect(await Promise.all([server.stop(), server.stop()])).toEqual([true, true]);
    expect(await server.stop()).toBe(true);
  });
});

describe("uni: nothing is left behind", () => {
  it("forgets clients that leave, however they do it", async () => {
    await using server = await runServer(OPEN);
    const connect = { ...SUBSCRIBE_A, token: hmacToken({ sub: "u", channels: ["b"] }) };
    const lines = await openHttpStream(server, connect);
    const events = await openSse(server, connect);
    const closing = await openWebSocket(server, connect);
    const vanishing = await openWebSocket(server, SUBSCRIBE_A);
    const reset = await openRaw(server);
    await Promise.all([lines.next(), events.next(), closing.next(), vanishing.next()]);
    expect(await server.counts()).toEqual({ clients: 5, users: 2, channels: 2, subs: 8 });
    closing.socket.close();
    vanishing.socket.terminate();
    reset.socket.resetAndDestroy();
    await Promise.all([lines[Symbol.asyncDispose](), events[Symbol.asyncDispose]()]);
    await server.untilSessions(0);
    expect(await server.counts()).toEqual(NOTHING);
  });

  it("forgets a pipelined request whose connection ends before its turn", async () => {
    await using server = await runServer(OPEN);
    const connection = await RawConnection.open(server.port);
    const request = httpRequest("POST", "/connection/uni_http_stream", { body: JSON.stringify(SUBSCRIBE_A) });
    connection.send(request + request);
    await server.untilSessions(2);
    connection[Symbol.dispose]();
    await server.untilSessions(0);
    expect(await server.counts()).toEqual(NOTHING);
  });

  it("forgets everybody that it disconnects, and those it refuses", async () => {
    await using server = await runServer(OPEN);
    await using lines = await openHttpStream(server, SUBSCRIBE_A);
    using webSocket = await openWebSocket(server, SUBSCRIBE_A);
    await using refused = await openSse(server, { token: "bad", ...SUBSCRIBE_A });
    await Promise.all([lines.next(), webSocket.next(), refused.untilEnd()]);
    await server.disconnect("", 3503, "force disconnect");
    expect(await server.sessionCount()).toBe(0);
    expect(await server.counts()).toEqual(NOTHING);
    await Promise.all([lines.untilEnd(), webSocket.untilClosed()]);
  });

  it("holds no handles once it is stopped", async () => {
    const before = process.getActiveResourcesInfo().length;
    const server = await runServer(OPEN);
    const connections = [await openRaw(server), await openRaw(server)];
    await publishUntilAlone(server, "x", 10);
    await server.stop();
    await Promise.all(connections.map((connection) => connection.untilClosed()));
    await new Promise(setImmediate);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
  });
});
