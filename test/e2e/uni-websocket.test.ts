import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { WEBSOCKET_HANDSHAKE, httpRequest, RawConnection } from "../support/raw-connection.ts";
import { type ConfigInput, OPEN, runServer } from "../support/running-server.ts";
import { openWebSocket, WebSocketClient } from "../support/web-socket-client.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const PATH = "/connection/uni_websocket";
const CONNECT_PUSH = /^\{"connect":\{[^\n]*\}\}$/u;
const FORCED = '{"disconnect":{"code":3503,"reason":"force disconnect"}}';

/** OPEN with options of the transport. */
function webSocketConfig(options: NonNullable<ConfigInput["uni_websocket"]>): ConfigInput {
  return { ...OPEN, uni_websocket: options };
}

function upgradeRequest(headers: Readonly<Record<string, string>> = {}, method = "GET", query = ""): string {
  return httpRequest(method, PATH + query, { headers: { ...WEBSOCKET_HANDSHAKE, ...headers } });
}

describe("uni_websocket: connect request", () => {
  it.each([
    ["text", false],
    ["binary", true],
  ])("uni 21: a %s frame with {} gets one text frame with the connect push", async (_name, binary) => {
    await using server = await runServer(OPEN);
    using client = await WebSocketClient.open(server.url("uni_websocket"));
    client.socket.send("{}", { binary });
    expect(await client.nextText()).toMatch(CONNECT_PUSH);
    expect(client.frames).toHaveLength(1);
  });

  it("uni 22: cf_connect in the query connects without a message", async () => {
    await using server = await runServer(OPEN);
    using client = await WebSocketClient.open(server.url("uni_websocket", { subs: { a: {} } }));
    expect((await client.next()).connect?.subs).toEqual({ a: {} });
  });

  it("uni 22: null in the query counts as absent", async () => {
    await using server = await runServer(OPEN);
    using client = await WebSocketClient.open(server.url("uni_websocket", null));
    client.send({});
    expect(await client.nextText()).toMatch(CONNECT_PUSH);
  });

  it("uni 24: a malformed first message is refused with the close frame 3501 alone", async () => {
    await using server = await runServer(OPEN);
    using client = await WebSocketClient.open(server.url("uni_websocket"));
    client.socket.send("bad");
    expect(await client.untilClosed()).toEqual({ code: 3501, reason: "bad request" });
    expect(client.frames).toEqual([]);
  });

  it("uni 25: a silent client is told 3502 and closed with it", async () => {
    await using server = await runServer({ client: { stale_close_delay: "200ms" } });
    using client = await WebSocketClient.open(server.url("uni_websocket"));
    expect(await client.nextText()).toBe('{"disconnect":{"code":3502,"reason":"stale"}}');
    expect(await client.untilClosed()).toEqual({ code: 3502, reason: "stale" });
  });

  it("uni 26: a bad token is told 3500 and closed with it", async () => {
    await using server = await runServer(OPEN);
    using client = await openWebSocket(server, { token: "bad" });
    expect(await client.nextText()).toBe('{"disconnect":{"code":3500,"reason":"invalid token"}}');
    expect(await client.untilClosed()).toEqual({ code: 3500, reason: "invalid token" });
  });

  it("uni 28: later messages have no effect", async () => {
    await using server = await runServer(OPEN);
    using client = await openWebSocket(server, { subs: { a: {} } });
    await client.next();
    client.send({ subs: { b: {} } });
    client.socket.send("bad");
    client.socket.ping();
    await once(client.socket, "pong");
    await server.publish("a", 1);
    expect(await client.nextText()).toBe('{"channel":"a","pub":{"data":1}}');
    expect(await server.counts()).toEqual({ clients: 1, users: 1, channels: 1, subs: 1 });
  });
});

describe("uni_websocket: limits on messages", () => {
  it("uni 27: a first message of 65537 bytes closes with 1009, one of 65536 does not", async () => {
    await using server = await runServer(OPEN);
    using over = await WebSocketClient.open(server.url("uni_websocket"));
    over.socket.send("{}".padEnd(65_537));
    expect(await over.untilClosed()).toEqual({ code: 1009, reason: "" });
    expect(over.frames).toEqual([]);
    using within = await WebSocketClient.open(server.url("uni_websocket"));
    within.socket.send("{}".padEnd(65_536));
    expect(await within.nextText()).toMatch(CONNECT_PUSH);
  });

  it("uni 27: a later message of 65537 bytes closes with 1009 too", async () => {
    await using server = await runServer(OPEN);
    using client = await openWebSocket(server);
    await client.next();
    client.socket.send(" ".repeat(65_537));
    expect(await client.untilClosed()).toEqual({ code: 1009, reason: "" });
    expect(client.frames).toHaveLength(1);
    await server.untilSessions(0);
  });

  it("uni §2.2: message_size_limit below 0 means no limit", async () => {
    await using server = await runServer(webSocketConfig({ message_size_limit: -1 }));
    using client = await WebSocketClient.open(server.url("uni_websocket"));
    client.socket.send("{}".padEnd(1_000_000));
    expect(await client.nextText()).toMatch(CONNECT_PUSH);
  });

  it("uni §2.2 (deviation: with compression the limit is decompressed_message_size_limit)", async () => {
    const limits = { message_size_limit: 1000, decompressed_message_size_limit: 5000 };
    await using server = await runServer(webSocketConfig({ compression: true, ...limits }));
    using within = await WebSocketClient.open(server.url("uni_websocket"), { perMessageDeflate: true });
    within.socket.send("{}".padEnd(5000));
    expect(await within.nextText()).toMatch(CONNECT_PUSH);
    using over = await WebSocketClient.open(server.url("uni_websocket"), { perMessageDeflate: true });
    over.socket.send("{}".padEnd(5001));
    expect((await over.untilClosed()).code).toBe(1009);
  });

  it("uni §2.2: a frame that is not masked closes with 1002", async () => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    connection.send(upgradeRequest());
    const { length } = await connection.until("\r\n\r\n");
    connection.send(Buffer.from([0x81, 0x02, 0x7b, 0x7d]));
    await connection.untilEnd();
    expect(connection.bytes.subarray(length)).toEqual(Buffer.from([0x88, 0x02, 0x03, 0xea]));
  });
});

describe("uni_websocket: pushes and close", () => {
  it("uni 35: disable_disconnect_push leaves the close frame alone", async () => {
    await using server = await runServer(webSocketConfig({ disable_disconnect_push: true }));
    using client = await openWebSocket(server);
    await client.next();
    await server.disconnect("", 3503, "force disconnect");
    expect(await client.untilClosed()).toEqual({ code: 3503, reason: "force disconnect" });
    expect(client.frames).toHaveLength(1);
  });

  it("uni 36: disable_closing_handshake ends with the push and the connection", async () => {
    await using server = await runServer(webSocketConfig({ disable_closing_handshake: true }));
    using client = await openWebSocket(server);
    await client.next();
    await server.disconnect("", 3503, "force disconnect");
    expect(await client.nextText()).toBe(FORCED);
    // 1006 is what a client reports when no close frame came.
    expect(await client.untilClosed()).toEqual({ code: 1006, reason: "" });
  });

  it("uni 36: the connection goes even when the client keeps its half open", async () => {
    await using server = await runServer(webSocketConfig({ disable_closing_handshake: true }));
    using connection = await RawConnection.open(server.port, { allowHalfOpen: true });
    connection.send(upgradeRequest({}, "GET", "?cf_connect=%7B%7D"));
    await connection.until('"connect"');
    await server.disconnect("", 3503, "force disconnect");
    await connection.until("force disconnect");
    await connection.untilEnd();
    // The server has forgotten the connection, so it does not wait for it.
    expect(await server.stop()).toBe(true);
  });

  it("uni 37: join_push_messages puts up to 16 pushes of a turn in a frame, with line feeds between", async () => {
    await using server = await runServer(webSocketConfig({ join_push_messages: true }));
    using client = await openWebSocket(server, { subs: { a: {} } });
    expect(await client.nextText()).toMatch(CONNECT_PUSH);
    await Promise.all(Array.from({ length: 40 }, (_, index) => server.publish("a", index)));
    const frames = [await client.nextText(), await client.nextText(), await client.nextText()];
    const lines = frames.map((frame) => frame.split("\n"));
    expect(lines.map((line) => line.length)).toEqual([16, 16, 8]);
    expect(lines.flat()).toEqual(
      Array.from({ length: 40 }, (_, index) => `{"channel":"a","pub":{"data":${index}}}`),
    );
  });

  it("uni 75: a disconnect of the server API is push and close frame with its code and reason", async () => {
    await using server = await runServer();
    using client = await openWebSocket(server, { token: hmacToken({ sub: "u" }) });
    await client.next();
    await server.disconnect("u", 4501, "bye");
    expect(await client.nextText()).toBe('{"disconnect":{"code":4501,"reason":"bye"}}');
    expect(await client.untilClosed()).toEqual({ code: 4501, reason: "bye" });
  });

  it.each([
    [0, "88050000627965"],
    [1000, "880503e8627965"],
    [1005, "8800"],
    [5000, "88051388627965"],
    [70_000, "88051170627965"],
    [0xffff_ffff, "8805ffff627965"],
  ])("a disconnect with code %i ends with the close frame that its low 16 bits make", async (code, frame) => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    connection.send(upgradeRequest({}, "GET", "?cf_connect={}"));
    await connection.until('"connect"');
    const before = connection.byteLength;
    await server.disconnect("", code, "bye");
    const push = JSON.stringify({ disconnect: { code: code === 0 ? undefined : code, reason: "bye" } });
    const expected = Buffer.concat([
      Buffer.of(0x81, push.length),
      Buffer.from(push),
      Buffer.from(frame, "hex"),
    ]);
    await connection.untilBytes(before + expected.length);
    expect(connection.bytes.subarray(before)).toEqual(expected);
  });

  it("uni §2.2: a reason that a close frame cannot carry is in the push only", async () => {
    await using server = await runServer(OPEN);
    using client = await openWebSocket(server);
    await client.next();
    const reason = "r".repeat(124);
    await server.disconnect("", 4501, reason);
    expect((await client.next()).disconnect).toEqual({ code: 4501, reason });
    expect(await client.untilClosed()).toEqual({ code: 1006, reason: "" });
  });

  it("uni §2.2: the client's close is echoed with its code", async () => {
    await using server = await runServer(OPEN);
    using client = await openWebSocket(server);
    await client.next();
    client.socket.close(4000);
    expect(await client.untilClosed()).toEqual({ code: 4000, reason: "" });
    await server.untilSessions(0);
  });

  it("sends several publications of one turn in one write, each as a frame of its own", async () => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    connection.send(upgradeRequest({}, "GET", `?cf_connect=${encodeURIComponent('{"subs":{"a":{}}}')}`));
    await connection.until('"connect"');
    const { length } = connection.bytes;
    const readsBefore = connection.readCount;
    await Promise.all([1, 2, 3].map((data) => server.publish("a", data)));
    await connection.until('"data":3}}');
    expect(connection.readCount - readsBefore).toBe(1);
    const frames = [1, 2, 3].map((data) => `\u0081 {"channel":"a","pub":{"data":${data}}}`);
    expect(connection.bytes.subarray(length).toString("latin1")).toBe(frames.join(""));
  });

  it("carries pushes of 200 KB", async () => {
    await using server = await runServer(OPEN);
    using client = await openWebSocket(server, { subs: { a: {} } });
    await client.next();
    const payload = "é".repeat(100_000);
    await server.publish("a", payload);
    expect((await client.next()).pub?.data).toBe(payload);
  });
});
