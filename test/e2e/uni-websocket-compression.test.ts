import { once } from "node:events";
import { constants, inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parsePush } from "../support/push-stream.ts";
import { WEBSOCKET_HANDSHAKE, httpRequest, parseResponse, RawConnection } from "../support/raw-connection.ts";
import { type ConfigInput, OPEN, runServer } from "../support/running-server.ts";
import { openWebSocket, WebSocketClient } from "../support/web-socket-client.ts";

/** A handshake of a bare client that connects in the query and makes the given offers. */
function upgradeRequest(offers: string): string {
  const query = encodeURIComponent('{"subs":{"a":{}}}');
  const headers = { ...WEBSOCKET_HANDSHAKE, "Sec-WebSocket-Extensions": offers };
  return httpRequest("GET", `/connection/uni_websocket?cf_connect=${query}`, { headers });
}

const AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/** OPEN with options of the transport. */
function webSocketConfig(options: NonNullable<ConfigInput["uni_websocket"]>): ConfigInput {
  return { ...OPEN, uni_websocket: options };
}

describe("uni_websocket: compression", () => {
  const payload = "abc".repeat(1000);

  it.each([-2, -1, 0, 1, 9])(
    "serves ws clients that offer permessage-deflate, at level %d",
    async (level) => {
      await using server = await runServer(webSocketConfig({ compression: true, compression_level: level }));
      using client = await openWebSocket(server, { subs: { a: {} } }, { perMessageDeflate: true });
      expect(client.socket.extensions).toContain("permessage-deflate");
      await client.next();
      for (let count = 0; count < 3; count++) await server.publish("a", payload);
      for (let count = 0; count < 3; count++) expect((await client.next()).pub?.data).toBe(payload);
      await server.disconnect("", 3503, "force disconnect");
      expect((await client.next()).disconnect?.code).toBe(3503);
      expect((await client.untilClosed()).code).toBe(3503);
    },
  );

  it("serves clients that do not offer it beside those that do", async () => {
    await using server = await runServer(webSocketConfig({ compression: true }));
    using plain = await openWebSocket(server, { subs: { a: {} } });
    using deflating = await openWebSocket(server, { subs: { a: {} } }, { perMessageDeflate: true });
    await Promise.all([plain.next(), deflating.next()]);
    await server.publish("a", payload);
    expect(plain.socket.extensions).toBe("");
    expect((await plain.next()).pub?.data).toBe(payload);
    expect((await deflating.next()).pub?.data).toBe(payload);
  });

  it("does not negotiate it when it is switched off", async () => {
    await using server = await runServer(OPEN);
    using client = await openWebSocket(server, {}, { perMessageDeflate: true });
    expect(client.socket.extensions).toBe("");
    await client.next();
  });

  it.each([
    ["permessage-deflate", AGREED],
    ["permessage-deflate; client_max_window_bits", AGREED],
    ["permessage-deflate; server_max_window_bits=15", AGREED.replace(";", "; server_max_window_bits=15;")],
    ["permessage-deflate; server_max_window_bits=10", undefined],
    ["permessage-deflate; server_max_window_bits=10, permessage-deflate", AGREED],
    ["permessage-deflate; server_max_window_bits", undefined],
    ["permessage-deflate; client_no_context_takeover=1", undefined],
    [
      "permessage-deflate; level=9, permessage-deflate; client_max_window_bits=99, permessage-deflate",
      AGREED,
    ],
    ["x-webkit-deflate-frame", undefined],
    ["permessage-deflate; ;", undefined],
  ])("answers the offer %j with %j, and lets the client in", async (offers, agreed) => {
    await using server = await runServer(webSocketConfig({ compression: true }));
    // The `ws` client insists on what it offered, so a bare one asks.
    using connection = await RawConnection.open(server.port);
    connection.send(upgradeRequest(offers));
    const response = parseResponse(await connection.until("\r\n\r\n"));
    expect(response.statusLine).toBe("HTTP/1.1 101 Switching Protocols");
    const headers = new Map(response.headers);
    expect(headers.get("Sec-WebSocket-Extensions")).toBe(agreed);
    await server.untilSessions(1);
  });

  it("compresses without context takeover, and only payloads above compression_min_size", async () => {
    const push = '{"channel":"a","pub":{"data":"aaaa"}}';
    const options = { compression: true, compression_min_size: push.length };
    await using server = await runServer(webSocketConfig(options));
    using connection = await RawConnection.open(server.port);
    connection.send(upgradeRequest("permessage-deflate"));
    const head = await connection.until((text) => text.includes("\r\n\r\n") && !text.endsWith("\r\n\r\n"));
    expect(head).toContain(
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    );
    const before = connection.bytes.length;
    await server.publish("a", "aaaa");
    await server.publish("a", "aaaaa");
    await server.publish("a", "aaaaa");
    await connection.untilBytes(before + 2 + push.length + 20);
    const [plain, first, second] = readFrames(connection.bytes.subarray(before));
    expect([plain?.firstByte, plain?.payload.toString()]).toEqual([0x81, push]);
    expect([first?.firstByte, second?.firstByte]).toEqual([0xc1, 0xc1]);
    expect(second?.payload).toEqual(first?.payload);
    expect(inflate(first?.payload)).toBe('{"channel":"a","pub":{"data":"aaaaa"}}');
  });

  it("compresses joined pushes as one message", async () => {
    await using server = await runServer(webSocketConfig({ compression: true, join_push_messages: true }));
    using client = await openWebSocket(server, { subs: { a: {} } }, { perMessageDeflate: true });
    await client.next();
    await Promise.all([1, 2, 3].map((data) => server.publish("a", data)));
    const pushes = (await client.nextText()).split("\n").map(parsePush);
    expect(pushes.map((push) => push.pub?.data)).toEqual([1, 2, 3]);
  });
});

describe("uni_websocket: what compressing clients send", () => {
  const limit = 600_000;
  const config = webSocketConfig({ compression: true, decompressed_message_size_limit: limit });

  it("survives clients that leave while their message is being inflated", async () => {
    await using server = await runServer(config);
    const request = "{}".padEnd(limit);
    for (let count = 0; count < 30; count++) {
      using client = await WebSocketClient.open(server.url("uni_websocket"), { perMessageDeflate: true });
      await new Promise((resolve) => client.socket.send(request, resolve));
    }
    using last = await openWebSocket(server, {}, { perMessageDeflate: true });
    expect((await last.next()).connect).toBeDefined();
    await server.untilSessions(1);
  });

  it.each(["query", "first message"])(
    "inflates nothing behind a connect request in the %s, however large it would get",
    async (place) => {
      await using server = await runServer(config);
      const request = { subs: { a: {} } };
      using client = await WebSocketClient.open(
        server.url("uni_websocket", place === "query" ? request : undefined),
        { perMessageDeflate: true },
      );
      if (place === "first message") client.send(request);
      await client.next();
      client.socket.send("x".repeat(limit + 1));
      client.socket.send("x".repeat(limit + 1));
      client.socket.ping();
      await once(client.socket, "pong");
      await server.publish("a", 1);
      expect((await client.next()).pub?.data).toBe(1);
    },
  );
});

interface Frame {
  readonly firstByte: number;
  readonly payload: Buffer;
}

/** Frames of less than 126 bytes, unmasked. */
function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 1 < bytes.length;) {
    const length = bytes.readUInt8(at + 1);
    frames.push({ firstByte: bytes.readUInt8(at), payload: bytes.subarray(at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return frames;
}

function inflate(payload: Buffer | undefined): string {
  const whole = Buffer.concat([payload ?? Buffer.alloc(0), Buffer.of(0, 0, 0xff, 0xff)]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}
