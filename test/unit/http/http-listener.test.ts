import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants } from "node:http2";
import { join } from "node:path";
import { connect as connectTls, type SecureContextOptions } from "node:tls";
import { describe, expect, it, vi } from "vitest";
import { HttpApp, type RequestHandler } from "../../../src/http/http-app.ts";
import { HttpListener, type HttpListenerOptions } from "../../../src/http/http-listener.ts";
import { DEFAULT_HTTP2_LIMITS } from "../../../src/lib/http2-limits.ts";
import { Http2Client } from "../../support/http2-client.ts";
import { HALF_A_HEADER_BLOCK, HTTP2_START } from "../../support/http2-frames.ts";
import { httpRequest, parseResponse, RawConnection } from "../../support/raw-connection.ts";
import { silentLogger } from "../../support/silent-logger.ts";
import { probesClient, SHOWS_KEEPALIVE } from "../../support/tcp-keepalive.ts";
import { certificateOf, createIdentity } from "../../support/tls-identity.ts";

const sayHello: RequestHandler = (_request, response) => {
  response.end("hello");
};
const TIMEOUT_MS = 200;
const HALF_A_HEAD = "GET / HTTP/1.1\r\nHo";

/** A listener with short limits; disposing closes it. */
async function listen(
  tls?: HttpListenerOptions["tls"],
  handle: RequestHandler = sayHello,
  timeoutMs = TIMEOUT_MS,
): Promise<AsyncDisposable & { readonly port: number; readonly listener: HttpListener }> {
  const requestTimeoutMs = 2 * timeoutMs;
  const http2 = { ...DEFAULT_HTTP2_LIMITS, requestTimeoutMs };
  return start({ tls, headersTimeoutMs: timeoutMs, requestTimeoutMs, http2 }, handle);
}

/** A listener as it is; disposing closes it. */
async function start(
  options: Partial<HttpListenerOptions> = {},
  handle: RequestHandler = sayHello,
): Promise<AsyncDisposable & { readonly port: number; readonly listener: HttpListener }> {
  const app = new HttpApp([{ path: "/", handle }], silentLogger);
  const listener = new HttpListener(app, { host: "127.0.0.1", port: 0, tls: undefined, ...options });
  const { port } = await listener.start();
  return {
    port,
    listener,
    async [Symbol.asyncDispose]() {
      listener.stopAccepting();
      await listener.drain(AbortSignal.abort());
    },
  };
}

describe("HttpListener", () => {
  it.each([
    ["sends nothing", ""],
    ["sends a part of its headers", HALF_A_HEAD],
    ["sends a part of HTTP/2's preface", "PRI"],
  ])("cuts a client that %s", async (_name, text) => {
    await using listener = await listen();
    const startMs = performance.now();
    using client = await RawConnection.open(listener.port);
    if (text !== "") client.send(text);
    await client.untilEnd();
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 10);
  });

  it("serves a connection once it is prepared for", async () => {
    const served: unknown[] = [];
    const asked = Promise.withResolvers<void>();
    const prepared = Promise.withResolvers<void>();
    const prepare = (): Promise<void> => {
      asked.resolve();
      return prepared.promise;
    };
    await using listener = await start({ prepare }, (request, response) => {
      served.push(request.url);
      response.end("hello");
    });
    using client = await RawConnection.open(listener.port);
    client.send(httpRequest("GET", "/"));
    await asked.promise;
    expect(served).toEqual([]);
    prepared.resolve();
    await client.until((text) => text.endsWith("hello"));
    expect(served).toEqual(["/"]);
  });

  it("leaves a client alone that takes its time between requests", async () => {
    await using listener = await listen();
    using client = await RawConnection.open(listener.port);
    using slow = await RawConnection.open(listener.port);
    for (const count of [1, 2]) {
      client.send(httpRequest("GET", "/"));
      await client.until((text) => text.split("hello").length > count);
      // A client that is cut shows that the limit has passed.
      if (count === 1) slow.send(HALF_A_HEAD);
      if (count === 1) await slow.untilEnd();
    }
    expect(client.isClosed).toBe(false);
  });

  it("cuts a client over TLS that does not finish its handshake, or its headers", async () => {
    await using listener = await listen(createIdentity());
    using shaking = await RawConnection.open(listener.port);
    const options = { host: "127.0.0.1", port: listener.port, ALPNProtocols: ["http/1.1"] };
    const asking = connectTls({ ...options, rejectUnauthorized: false });
    asking.on("error", () => undefined);
    await once(asking, "secureConnect");
    asking.write(HALF_A_HEAD);
    asking.resume();
    const askingClosed = once(asking, "close");
    expect(await shaking.untilEnd()).toBe("");
    await askingClosed;
  });

  it("closes an HTTP/2 connection without streams, and no other", async () => {
    const pending: ServerResponse[] = [];
    await using listener = await listen(undefined, (_request, response) => void pending.push(response));
    using idle = new Http2Client(`http://127.0.0.1:${listener.port}`);
    using busy = new Http2Client(`http://127.0.0.1:${listener.port}`);
    const answer = busy.request({ ":path": "/" });
    await once(idle.session, "close");
    // The limit of the busy one passes as well, before the answer.
    using another = new Http2Client(`http://127.0.0.1:${listener.port}`);
    await once(another.session, "close");
    for (const response of pending) response.end("late");
    expect(await (await answer).until("late")).toBe("late");
  });

  it("cuts an HTTP/2 connection whose first header block does not end", async () => {
    await using listener = await listen();
    const startMs = performance.now();
    using client = await RawConnection.open(listener.port);
    client.send(HTTP2_START);
    client.send(HALF_A_HEADER_BLOCK);
    await client.untilClosed();
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 10);
  });

  it("resets an HTTP/2 stream whose request does not end", async () => {
    const requests: IncomingMessage[] = [];
    await using listener = await listen(undefined, (request) => void requests.push(request));
    using client = new Http2Client(`http://127.0.0.1:${listener.port}`);
    const slow = client.session.request({ ":method": "POST", ":path": "/" });
    slow.on("error", () => undefined);
    slow.write("{");
    const startMs = performance.now();
    await once(slow, "close");
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(2 * TIMEOUT_MS - 10);
    expect(slow.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect(requests).toHaveLength(1);
  });

  it("takes a client that half-closes before it has sent anything as gone", async () => {
    await using listener = await listen(undefined, sayHello, 60_000);
    using client = await RawConnection.open(listener.port, { allowHalfOpen: true });
    client.socket.end();
    expect(await client.untilEnd()).toBe("");
  });
});

function pemText(name: string): string {
  return readFileSync(join(import.meta.dirname, "../../support/tls", name), "utf8");
}

/** Sends text over TLS with HTTP/1.1; resolves with all that came until the server closed, or until `expected`. */
async function talkOverTls(
  port: number,
  text: string,
  expected: string,
  identity: SecureContextOptions = {},
): Promise<string> {
  const options = { host: "127.0.0.1", port, ALPNProtocols: ["http/1.1"], rejectUnauthorized: false };
  const socket = connectTls({ ...options, ...identity });
  socket.write(text);
  let received = "";
  for await (const bytes of socket) {
    received += String(bytes);
    if (received.includes(expected)) break;
  }
  return received;
}

describe("idle connections between requests", () => {
  it("are kept longer than load balancers keep them, and clients are told", async () => {
    await using plain = await start();
    using client = await RawConnection.open(plain.port);
    client.send(httpRequest("GET", "/"));
    expect(await client.until("hello")).toMatch(/^Keep-Alive: timeout=75\r$/mu);
    await using secure = await start({ tls: createIdentity() });
    const text = await talkOverTls(secure.port, httpRequest("GET", "/"), "hello");
    expect(text).toMatch(/^Keep-Alive: timeout=75\r$/mu);
  });

  it("are closed when their time is over", async () => {
    await using listener = await start({ keepAliveTimeoutMs: 1 });
    using client = await RawConnection.open(listener.port);
    client.send(httpRequest("GET", "/"));
    expect(await client.untilEnd()).toContain("hello");
    using http2 = new Http2Client(`http://127.0.0.1:${listener.port}`);
    // It may be over before the answer has been read.
    const closed = once(http2.session, "close");
    await (await http2.request({ ":path": "/" })).until("hello");
    await closed;
  });

  it("over HTTP/2 are closed though a stream was open when the time was over first", async () => {
    const pending: ServerResponse[] = [];
    const timeouts = { keepAliveTimeoutMs: TIMEOUT_MS, headersTimeoutMs: TIMEOUT_MS };
    await using listener = await start(timeouts, (_request, response) => void pending.push(response));
    using busy = new Http2Client(`http://127.0.0.1:${listener.port}`);
    const answer = busy.request({ ":path": "/" });
    using idle = new Http2Client(`http://127.0.0.1:${listener.port}`);
    await once(idle.session, "close");
    await vi.waitFor(() => expect(pending).toHaveLength(1));
    const closed = once(busy.session, "close");
    for (const response of pending) response.end("late");
    expect(await (await answer).until("late")).toBe("late");
    await closed;
  });
});

describe("TLS", () => {
  it("tells a client in plain text to use TLS", async () => {
    await using listener = await start({ tls: createIdentity() });
    using client = await RawConnection.open(listener.port);
    client.send(httpRequest("POST", "/", { body: "x".repeat(100_000) }));
    const { statusLine, body } = parseResponse(await client.untilEnd());
    expect(statusLine).toBe("HTTP/1.1 400 Bad Request");
    expect(body).toBe("This port takes TLS only, and got plain text: use https:// or wss://.\n");
    using late = await RawConnection.open(listener.port);
    late.socket.end();
    expect(await late.untilEnd()).toBe("");
  });

  it("with an authority of clients, takes those alone that have a certificate of it, before and after a renewal", async () => {
    const tls = { ...createIdentity(), clientCa: pemText("ca.pem") };
    await using server = await start({ tls });
    const known = { cert: pemText("client.pem"), key: pemText("client-key.pem") };
    const { cert, key } = createIdentity();
    for (const renewed of [tls, { ...createIdentity(), clientCa: tls.clientCa }]) {
      server.listener.renewTls(renewed);
      const answers = [known, { cert, key }, {}].map((client) =>
        talkOverTls(server.port, httpRequest("GET", "/"), "hello", client).catch(() => ""),
      );
      const isServed = (await Promise.all(answers)).map((text) => text.includes("hello"));
      expect(isServed).toEqual([true, false, false]);
    }
  });

  it("shows a renewed certificate to new connections, and leaves those that are there", async () => {
    const [before, after] = [createIdentity(), createIdentity()];
    await using server = await start({ tls: before });
    using client = new Http2Client(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false });
    await (await client.request({ ":path": "/" })).until("hello");
    expect(await certificateOf(server.port)).toBe(before.cert);
    server.listener.renewTls(after);
    expect(await certificateOf(server.port)).toBe(after.cert);
    expect(await (await client.request({ ":path": "/" })).until("hello")).toBe("hello");
  });
});

describe.skipIf(!SHOWS_KEEPALIVE)("TCP keepalive", () => {
  it.each([
    ["plain text", undefined],
    ["TLS", createIdentity()],
  ])("probes clients that are silent: %s", async (_name, tls) => {
    await using listener = await start({ tls });
    using client = await RawConnection.open(listener.port);
    await vi.waitFor(() => expect(probesClient(client.socket)).toBe(true));
  });
});
