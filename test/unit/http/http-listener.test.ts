import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants } from "node:http2";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { HttpApp } from "../../../src/http/http-app.ts";
import { HttpListener, type HttpListenerOptions } from "../../../src/http/http-listener.ts";
import type { RequestHandler } from "../../../src/http/route.ts";
import { Http2Client } from "../../support/http2-client.ts";
import { httpRequest, RawConnection } from "../../support/raw-connection.ts";
import { silentLogger } from "../../support/silent-logger.ts";
import { selfSignedCertificate } from "../auth/self-signed-certificate.ts";

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
): Promise<AsyncDisposable & { readonly port: number }> {
  const app = new HttpApp([{ path: "/", handle }], silentLogger);
  const limits = { headersTimeoutMs: timeoutMs, requestTimeoutMs: 2 * timeoutMs };
  const listener = new HttpListener(app, { host: "127.0.0.1", port: 0, tls, ...limits });
  const { port } = await listener.start();
  return {
    port,
    async [Symbol.asyncDispose]() {
      listener.stopAccepting();
      await listener.drain(AbortSignal.abort());
    },
  };
}

function certificate(): NonNullable<HttpListenerOptions["tls"]> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { cert: selfSignedCertificate(publicKey, privateKey), key };
}

describe("HttpListener", () => {
  it.each([
    ["sends nothing", ""],
    ["sends a part of its headers", HALF_A_HEAD],
    ["sends a part of HTTP/2's preface", "PRI"],
  ])("cuts a client that %s", async (_name, text) => {
    await using listener = await listen();
    using client = await RawConnection.open(listener.port);
    if (text !== "") client.send(text);
    const startMs = performance.now();
    await client.untilEnd(3000);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 10);
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
      if (count === 1) await slow.untilEnd(3000);
    }
    expect(client.isClosed).toBe(false);
  });

  it("cuts a client over TLS that does not finish its handshake, or its headers", async () => {
    await using listener = await listen(certificate());
    using shaking = await RawConnection.open(listener.port);
    const options = { host: "127.0.0.1", port: listener.port, ALPNProtocols: ["http/1.1"] };
    const asking = connectTls({ ...options, rejectUnauthorized: false });
    asking.on("error", () => undefined);
    await once(asking, "secureConnect");
    asking.write(HALF_A_HEAD);
    asking.resume();
    const askingClosed = once(asking, "close");
    expect(await shaking.untilEnd(3000)).toBe("");
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
