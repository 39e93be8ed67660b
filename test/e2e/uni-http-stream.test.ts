import { describe, expect, it } from "vitest";
import { openHttpStream, openStream } from "../support/push-stream.ts";
import {
  headerLines,
  httpRequest,
  parseChunks,
  parseResponse,
  RawConnection,
  type RawResponse,
} from "../support/raw-connection.ts";
import { OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const PATH = "/connection/uni_http_stream";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;
const ORIGINS = { client: { allowed_origins: ["https://*.example.com"] } };

/** Sends one request and resolves with the response once `until` has come, or the connection's end. */
async function exchange(server: RunningServer, request: string, until: string): Promise<RawResponse> {
  using connection = await RawConnection.open(server.port);
  connection.send(request);
  return parseResponse(await connection.until(until));
}

function headersOf(response: RawResponse): Readonly<Record<string, string>> {
  return Object.fromEntries(response.headers);
}

describe("uni_http_stream: connect request", () => {
  it("uni 1: without credentials, one line tells 3501, then the body ends", async () => {
    await using server = await runServer();
    await using stream = await openHttpStream(server);
    expect(await stream.untilEnd()).toBe('{"disconnect":{"code":3501,"reason":"bad request"}}\n');
    expect(stream.status).toBe(200);
  });

  it("uni 2: an anonymous connect push has ids, version and ping, and nothing else", async () => {
    await using server = await runServer({ client: { allow_anonymous_connect_without_token: true } });
    await using stream = await openHttpStream(server);
    const push = await stream.next();
    expect(push).toEqual({
      connect: {
        client: expect.stringMatching(UUID),
        version: expect.any(String),
        ping: 25,
        session: expect.stringMatching(UUID),
      },
    });
    expect(push.connect?.client).not.toBe(push.connect?.session);
  });

  it("uni 3: a valid token connects; the version ends in OSS", async () => {
    await using server = await runServer();
    await using stream = await openHttpStream(server, { token: hmacToken({ sub: "u" }) });
    expect((await stream.next()).connect?.version).toMatch(/^\S+ OSS$/u);
  });

  it.each(["", "not json", "[]", '{"token":1}'])("uni 4: body %j gets an empty 400", async (body) => {
    await using server = await runServer();
    await using stream = await openHttpStream(server, body);
    expect([stream.status, await stream.untilEnd()]).toEqual([400, ""]);
  });

  it("uni 5: an offset in quotes is malformed", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openHttpStream(server, { subs: { a: { offset: "1" } } });
    expect([stream.status, await stream.untilEnd()]).toEqual([400, ""]);
  });

  it.each([
    ["uni 6: null is an empty request", "null"],
    ["uni 7: what follows the request is ignored", "{} x"],
    ["uni 7: white space around the request is ignored", " \r\n\t{}\n"],
    ["uni §2.1: a field that is null is unset", '{"token":null,"subs":null,"data":null}'],
    ["uni §2.1: null in place of a subscription request is an empty one", '{"subs":{"a":null}}'],
  ])("%s", async (_name, body) => {
    await using server = await runServer(OPEN);
    await using stream = await openHttpStream(server, body);
    expect(Object.keys(await stream.next())).toEqual(["connect"]);
  });

  it("uni 8: keys match in any case, unknown ones are ignored", async () => {
    await using server = await runServer();
    await using stream = await openHttpStream(server, { TOKEN: hmacToken({ sub: "u" }), zzz: 1 });
    await stream.next();
    expect(await server.connectionsOf("u")).toHaveLength(1);
  });

  it("uni 9: a body of 65537 bytes gets 413, one of 65536 does not", async () => {
    await using server = await runServer(OPEN);
    await using over = await openHttpStream(server, "{}".padEnd(65_537));
    expect([over.status, await over.untilEnd()]).toEqual([413, ""]);
    await using within = await openHttpStream(server, "{}".padEnd(65_536));
    expect((await within.next()).connect).toBeDefined();
  });

  it("uni 9: the limit also holds for a body that does not tell its length", async () => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("POST", PATH, { headers: { "Transfer-Encoding": "chunked" } }));
    const chunk = "8000\r\n" + " ".repeat(0x8000) + "\r\n";
    connection.send(chunk.repeat(3));
    expect(parseResponse(await connection.until("\r\n\r\n")).statusLine).toBe(
      "HTTP/1.1 413 Payload Too Large",
    );
    await connection.untilEnd();
  });

  it("uni 9: a client hears of the limit while it is still sending ten megabytes", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openHttpStream(server, " ".repeat(10_000_000));
    expect(stream.status).toBe(413);
  });

  it.each(["GET", "PUT", "DELETE", "HEAD"])("uni 10: %s gets 405", async (method) => {
    await using server = await runServer(OPEN);
    await using stream = await openStream(server.url("uni_http_stream"), { method });
    expect([stream.status, await stream.untilEnd()]).toEqual([405, ""]);
  });
});

describe("uni_http_stream: headers", () => {
  it("uni 11: OPTIONS gets 204 with what a preflight asks for", async () => {
    await using server = await runServer();
    const response = await exchange(server, httpRequest("OPTIONS", PATH), "\r\n\r\n");
    expect(response.statusLine).toBe("HTTP/1.1 204 No Content");
    expect(headersOf(response)).toMatchObject({
      "Access-Control-Max-Age": "300",
      "Access-Control-Allow-Methods": "POST, OPTIONS",
    });
  });

  it("uni 12: success headers are exactly these, with those of HTTP itself and CORS", async () => {
    await using server = await runServer(OPEN);
    const response = await exchange(server, httpRequest("POST", PATH, { body: "{}" }), '"connect"');
    expect(response.statusLine).toBe("HTTP/1.1 200 OK");
    expect(headerLines(response)).toEqual([
      "Access-Control-Allow-Credentials: true",
      "Access-Control-Allow-Origin: ",
      "Cache-Control: private, no-cache, no-store, must-revalidate, max-age=0",
      "Connection: keep-alive",
      "Content-Type: text/plain; charset=utf-8",
      expect.stringMatching(/^Date: /u),
      "Expire: 0",
      "Pragma: no-cache",
      "Transfer-Encoding: chunked",
      "X-Accel-Buffering: no",
    ]);
  });

  it("uni 31: a page of another origin gets its stream, without CORS headers", async () => {
    await using server = await runServer(OPEN);
    const request = httpRequest("POST", PATH, { headers: { Origin: "https://evil.example" }, body: "{}" });
    const response = await exchange(server, request, '"connect"');
    expect(response.statusLine).toBe("HTTP/1.1 200 OK");
    expect(response.headers.filter(([name]) => name.startsWith("Access-Control"))).toEqual([]);
  });

  it("uni 32: an allowed origin is echoed as it was sent", async () => {
    await using server = await runServer(ORIGINS);
    const request = httpRequest("POST", PATH, { headers: { Origin: "https://A.Example.com" }, body: "{}" });
    expect(headersOf(await exchange(server, request, "\r\n\r\n"))).toMatchObject({
      "Access-Control-Allow-Origin": "https://A.Example.com",
      "Access-Control-Allow-Credentials": "true",
    });
  });

  it("uni 33: without Origin the header is there, and empty", async () => {
    await using server = await runServer(ORIGINS);
    const response = await exchange(server, httpRequest("POST", PATH, { body: "{}" }), "\r\n\r\n");
    expect(headersOf(response)["Access-Control-Allow-Origin"]).toBe("");
    expect(response.headers.map(([name]) => name)).not.toContain("Vary");
  });

  it.each([
    ["x-a", "x-a"],
    ["", undefined],
    ["null", undefined],
  ])("uni 34: a preflight that asks for headers %j is allowed %j", async (wanted, allowed) => {
    await using server = await runServer(ORIGINS);
    const headers = { Origin: "https://a.example.com", "Access-Control-Request-Headers": wanted };
    const response = await exchange(server, httpRequest("OPTIONS", PATH, { headers }), "\r\n\r\n");
    expect(headersOf(response)["Access-Control-Allow-Headers"]).toBe(allowed);
  });
});

describe("uni_http_stream: pushes", () => {
  it("uni 14: every push ends with one line feed; a ping is {}", async () => {
    await using server = await runServer({ ...OPEN, client: { ...OPEN.client, ...FAST_PINGS } });
    await using stream = await openHttpStream(server, { subs: { a: {} } });
    await stream.next();
    await server.publish("a", "x");
    expect(await stream.nextText()).toBe('{"channel":"a","pub":{"data":"x"}}');
    expect(await stream.nextText()).toBe("{}");
    await server.disconnect("", 3503, "force disconnect");
    expect(await stream.untilEnd()).toMatch(
      /^\{"connect":[^\n]*\n\{"channel"[^\n]*\n(\{\}\n)+\{"disconnect"[^\n]*\n$/u,
    );
  });

  it("uni 58: a payload arrives byte for byte", async () => {
    const payload = '{"input":   1, "big": 12345678901234567890.10, "esc": "\\u00e9é<&>"}';
    await using server = await runServer(OPEN);
    await using stream = await openHttpStream(server, { subs: { a: {} } });
    await stream.next();
    await server.publish("a", Buffer.from(payload));
    expect(await stream.nextText()).toBe(`{"channel":"a","pub":{"data":${payload}}}`);
  });

  it("uni 59 (deviation: CR is stripped too): line breaks between tokens are left out", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openHttpStream(server, { subs: { a: {} } });
    await stream.next();
    await server.publish("a", Buffer.from('{\r\n  "x":\n\t1\r\n}\n'));
    expect(await stream.nextText()).toBe('{"channel":"a","pub":{"data":{  "x":\t1}}}');
  });

  it("uni 61: tags appear only when published", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openHttpStream(server, { subs: { a: {} } });
    await stream.next();
    await server.publish("a", 1, { k: "<v>" });
    await server.publish("a", 2, {});
    await server.publish("a", 3);
    expect(await stream.nextText()).toBe('{"channel":"a","pub":{"data":1,"tags":{"k":"\\u003cv\\u003e"}}}');
    expect(await stream.nextText()).toBe('{"channel":"a","pub":{"data":2}}');
    expect(await stream.nextText()).toBe('{"channel":"a","pub":{"data":3}}');
  });

  it("uni 62: channel names are escaped as Go does it", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openHttpStream(server, { subs: { "a&b": {} } });
    expect(await stream.nextText()).toContain('"subs":{"a\\u0026b":{}}');
    await server.publish("a&b", 1);
    expect(await stream.nextText()).toBe('{"channel":"a\\u0026b","pub":{"data":1}}');
  });

  it("uni 63: a binary publication ends a JSON stream with 3506", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openHttpStream(server, { subs: { a: {} } });
    await stream.next();
    await server.publish("a", Buffer.of(0xff, 0x00));
    expect(await stream.nextText()).toBe('{"disconnect":{"code":3506,"reason":"inappropriate protocol"}}');
    await stream.untilEnd();
  });

  it("uni 93: numbers are number tokens, and no key has a default value", async () => {
    const open = { ...OPEN, client: { ...OPEN.client, connect_include_server_time: true } };
    await using server = await runServer(open);
    const token = hmacToken({ sub: "u", exp: Math.floor(Date.now() / 1000) + 100 });
    await using stream = await openHttpStream(server, { token, subs: { a: {} } });
    expect(await stream.nextText()).toMatch(
      /^\{"connect":\{"client":"[^"]+","version":"[^"]+","subs":\{"a":\{\}\},"expires":true,"ttl":\d+,"ping":25,"session":"[^"]+","time":\d+\}\}$/u,
    );
    await server.disconnect("u", 4000, "");
    expect(await stream.nextText()).toBe('{"disconnect":{"code":4000}}');
  });
});

const FAST_PINGS = { ping_interval: "300ms", pong_timeout: "100ms" };

describe("uni_http_stream: on the wire", () => {
  it("frames pushes of 200 KB as chunks of the right size", async () => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("POST", PATH, { body: '{"subs":{"a":{}}}' }));
    await connection.until('"connect"');
    const payload = "x".repeat(200_000);
    for (let count = 0; count < 3; count++) await server.publish("a", payload);
    await server.disconnect("", 3503, "bye");
    const text = await connection.until("\r\n0\r\n\r\n");
    const { chunks, isComplete, rest } = parseChunks(parseResponse(text).body);
    const push = `{"channel":"a","pub":{"data":"${payload}"}}\n`;
    expect(chunks.slice(1)).toEqual([push, push, push, '{"disconnect":{"code":3503,"reason":"bye"}}\n']);
    expect([isComplete, rest]).toEqual([true, ""]);
  });

  it("sends several publications of one turn in one write, each as a chunk of its own", async () => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("POST", PATH, { body: '{"subs":{"a":{}}}' }));
    const before = await connection.until("}}\n\r\n");
    const readsBefore = connection.readCount;
    await Promise.all([1, 2, 3, 4, 5].map((data) => server.publish("a", data)));
    const text = await connection.until('"data":5}}\n\r\n');
    expect(connection.readCount - readsBefore).toBe(1);
    expect(parseChunks(text.slice(before.length)).chunks).toEqual(
      [1, 2, 3, 4, 5].map((data) => `{"channel":"a","pub":{"data":${data}}}\n`),
    );
  });

  it("serves an HTTP/1.0 client without chunks, up to the end of the connection", async () => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    connection.send(`POST ${PATH} HTTP/1.0\r\nContent-Length: 17\r\n\r\n{"subs":{"a":{}}}`);
    await connection.until('"connect"');
    await server.publish("a", 1);
    await connection.until('"pub"');
    await server.disconnect("", 3503, "bye");
    const { headers, body } = parseResponse(await connection.untilEnd());
    expect(headers.map(([name]) => name)).not.toContain("Transfer-Encoding");
    expect(headers).toContainEqual(["Connection", "close"]);
    expect(body).toMatch(
      /^\{"connect":.*\}\n\{"channel":"a","pub":\{"data":1\}\}\n\{"disconnect":\{"code":3503,"reason":"bye"\}\}\n$/u,
    );
  });

  it("ends the connection behind the stream where the client asks for it", async () => {
    await using server = await runServer();
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("POST", PATH, { headers: { Connection: "close" }, body: "{}" }));
    const { headers, body } = parseResponse(await connection.untilEnd());
    expect(headers).toContainEqual(["Connection", "close"]);
    expect(parseChunks(body).isComplete).toBe(true);
  });

  it("answers a pipelined second request when the first stream has ended", async () => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    const first = httpRequest("POST", PATH, { body: JSON.stringify({ token: hmacToken({ sub: "1" }) }) });
    const second = httpRequest("POST", PATH, { body: '{"subs":{"a":{}}}' });
    connection.send(first + second);
    await connection.until('"connect"');
    await server.untilSessions(2);
    await server.publish("a", 1);
    await server.disconnect("1", 3503, "bye");
    const text = await connection.until('"pub"');
    const one = parseChunks(parseResponse(text).body);
    expect(one.chunks.at(-1)).toBe('{"disconnect":{"code":3503,"reason":"bye"}}\n');
    const two = parseResponse(one.rest);
    expect(two.statusLine).toBe("HTTP/1.1 200 OK");
    const pushes = parseChunks(two.body).chunks.join("").split("\n");
    expect(pushes).toEqual([expect.stringMatching(/^\{"connect"/u), '{"channel":"a","pub":{"data":1}}', ""]);
  });

  it("limits what waits for a pipelined request that never gets its turn", async () => {
    await using server = await runServer({
      ...OPEN,
      client: { ...OPEN.client, queue_max_size: 100_000 },
    });
    using connection = await RawConnection.open(server.port);
    const first = httpRequest("POST", PATH, { body: JSON.stringify({ token: hmacToken({ sub: "1" }) }) });
    connection.send(first + httpRequest("POST", PATH, { body: '{"subs":{"a":{}}}' }));
    await server.untilSessions(2);
    for (let count = 0; count < 30; count++) {
      await server.publish("a", "x".repeat(10_000));
      await new Promise(setImmediate);
    }
    expect(await server.connectionsOf("")).toHaveLength(0);
  });

  it("survives a client that leaves in the middle of its request", async () => {
    await using server = await runServer(OPEN);
    const left = await RawConnection.open(server.port);
    left.send(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"subs":`);
    // Another connection's answer proves that the server has read the first one's bytes.
    await using before = await openHttpStream(server);
    await before.next();
    left.socket.resetAndDestroy();
    await left.untilClosed();
    await using after = await openHttpStream(server);
    expect((await after.next()).connect).toBeDefined();
    expect(await server.sessionCount()).toBe(2);
  });

  it("ignores an offer to upgrade to something else", async () => {
    await using server = await runServer(OPEN);
    const headers = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABk" };
    const request = httpRequest("POST", PATH, { headers, body: "{}" });
    expect((await exchange(server, request, "\r\n\r\n")).statusLine).toBe("HTTP/1.1 200 OK");
  });
});
