import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { HttpApp } from "../../../src/http/http-app.ts";
import { HttpListener } from "../../../src/http/http-listener.ts";
import { frameBody, ResponseStream } from "../../../src/http/response-stream.ts";
import { TimerWheel } from "../../../src/lib/timer-wheel.ts";
import { survivorsOf } from "../../support/collect-garbage.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { httpRequest, parseChunks, parseResponse, RawConnection } from "../../support/raw-connection.ts";
import { Signal } from "../../support/signal.ts";
import { silentLogger } from "../../support/silent-logger.ts";

const PUSH = "push\n";
const REQUEST = httpRequest("GET", "/stream");

/** One response of the endpoint under test. */
class TestStream {
  readonly body: ResponseStream;
  readonly wheel: TimerWheel;
  /** Node's objects, for as long as Node or we keep them. */
  readonly nodeObjects: readonly WeakRef<object>[];
  closedCount = 0;
  readonly #signal = new Signal();

  constructor(request: IncomingMessage, response: ServerResponse, wheel: TimerWheel) {
    this.wheel = wheel;
    this.nodeObjects = [request, response, request.socket].map((object) => new WeakRef(object));
    this.body = new ResponseStream(request, response, this);
    this.body.start(200, { "Content-Type": "text/plain" });
  }

  onStreamClosed(): void {
    this.closedCount += 1;
    this.#signal.notify();
  }

  push(text = PUSH): void {
    this.body.write(frameBody(Buffer.from(text), this.body.framing));
  }

  untilClosed(): Promise<void> {
    return this.#signal.until(() => this.closedCount > 0, "end of the stream");
  }
}

/** Serves streams at `/stream` and a text everywhere else, on a listener of our own or of the host process. */
class StreamServer implements AsyncDisposable {
  readonly streams: TestStream[] = [];
  readonly clock = new FakeClock();
  readonly app: HttpApp;
  port = 0;
  readonly #wheel = new TimerWheel(this.clock);
  readonly #signal = new Signal();
  readonly listener: HttpListener;

  constructor() {
    const open: RequestListener = (request, response) => {
      // The end of the request is awaited as endpoints do that read a body.
      request.resume();
      this.streams.push(new TestStream(request, response, this.#wheel));
      this.#signal.notify();
    };
    const answer: RequestListener = (_request, response) => void response.end("plain answer");
    this.app = new HttpApp(
      [
        { path: "/stream", handle: open },
        { path: "/plain", handle: answer },
      ],
      silentLogger,
    );
    this.listener = new HttpListener(this.app, { host: "127.0.0.1", port: 0, tls: undefined });
  }

  static async start(): Promise<StreamServer> {
    const server = new StreamServer();
    server.port = (await server.listener.start()).port;
    return server;
  }

  /** A client of `/stream` with its first push, and the stream on the server's side. */
  async open(request = REQUEST, allowHalfOpen = false): Promise<readonly [RawConnection, TestStream]> {
    const client = await RawConnection.open(this.port, { allowHalfOpen });
    client.send(request);
    const stream = await this.untilStream(this.streams.length + 1);
    stream.push();
    await client.until(PUSH);
    return [client, stream];
  }

  async untilStream(count: number): Promise<TestStream> {
    await this.#signal.until(() => this.streams.length >= count, `stream number ${count}`);
    const stream = this.streams[count - 1];
    if (stream === undefined) throw new Error("no stream");
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listener.stopAccepting();
    await this.listener.drain(AbortSignal.abort());
  }
}

describe("a stream on a listener of our own", () => {
  it("keeps neither request nor response nor the socket that Node made", async () => {
    await using server = await StreamServer.start();
    const [client, stream] = await server.open();
    expect(await survivorsOf(stream.nodeObjects)).toEqual([]);
    stream.push("later");
    await client.until("later");
    client[Symbol.dispose]();
  });

  it("ends with the last chunk, and the connection serves further requests, streams among them", async () => {
    await using server = await StreamServer.start();
    const [client, first] = await server.open();
    first.body.end();
    expect(first.closedCount).toBe(1);
    client.send(httpRequest("GET", "/plain"));
    await client.until("plain answer");
    client.send(REQUEST);
    const second = await server.untilStream(2);
    second.push("second");
    await client.until("second");
    // What is done to a stream that has ended does nothing to those that follow it.
    first.push("stray");
    first.body.abort();
    second.body.end();
    const text = await client.until((all) => all.endsWith("0\r\n\r\n") && all.includes("second"));
    const { chunks, isComplete, rest } = parseChunks(parseResponse(text).body);
    expect([chunks.join(""), isComplete]).toEqual([PUSH, true]);
    expect(rest).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*plain answerHTTP\/1\.1 200 OK\r\n[^]*second/u);
    expect(client.isClosed).toBe(false);
    client[Symbol.dispose]();
  });

  it("closes the connection behind the last chunk for a client that wants it so", async () => {
    await using server = await StreamServer.start();
    const [client, stream] = await server.open(
      httpRequest("GET", "/stream", { headers: { Connection: "close" } }),
    );
    stream.body.end();
    const { body, headers } = parseResponse(await client.untilEnd());
    expect(parseChunks(body)).toEqual({ chunks: [PUSH], isComplete: true, rest: "" });
    expect(headers).toContainEqual(["Connection", "close"]);
  });

  it("serves a request that comes just before it ends", async () => {
    await using server = await StreamServer.start();
    const [client, stream] = await server.open();
    client.send(httpRequest("GET", "/plain"));
    stream.body.end();
    const text = await client.until((all) => all.includes("plain answer") || client.isClosed);
    expect(text).toMatch(/0\r\n\r\nHTTP\/1\.1 200 OK\r\n/u);
    client[Symbol.dispose]();
  });

  it("drops what its client sends meanwhile, and closes the connection in the end", async () => {
    await using server = await StreamServer.start();
    const [client, stream] = await server.open();
    // More than the system holds for a server that does not read.
    const requests = Buffer.alloc(30_000_000, httpRequest("GET", "/plain"));
    await new Promise<void>((resolve) => client.socket.write(requests, () => resolve()));
    stream.push("later");
    await client.until("later");
    stream.body.end();
    const { body } = parseResponse(await client.untilEnd());
    expect(parseChunks(body)).toEqual({ chunks: [PUSH, "later"], isComplete: true, rest: "" });
    expect(server.streams).toHaveLength(1);
  });

  it("leaves the connection with Node where another request has begun to come", async () => {
    await using server = await StreamServer.start();
    const next = httpRequest("GET", "/plain");
    const [client, stream] = await server.open(REQUEST + next.slice(0, 10));
    stream.push("later");
    await client.until("later");
    client.send(next.slice(10));
    stream.body.end();
    const { rest } = parseChunks(parseResponse(await client.until("plain answer")).body);
    expect(rest).toMatch(/^HTTP\/1\.1 200 OK\r\n/u);
    client[Symbol.dispose]();
  });

  it("is served in its turn behind a pipelined one", async () => {
    await using server = await StreamServer.start();
    const [client, first] = await server.open(REQUEST + REQUEST);
    const second = await server.untilStream(2);
    second.push("second");
    first.push("first");
    await client.until("first");
    expect(client.text).not.toContain("second");
    first.body.end();
    await client.until("second");
    client[Symbol.dispose]();
    await Promise.all([first.untilClosed(), second.untilClosed()]);
  });

  it("reads a request to its end first", async () => {
    await using server = await StreamServer.start();
    const request = httpRequest("POST", "/stream", { body: "12345" });
    const [client, stream] = await server.open(request.slice(0, -2));
    client.send(request.slice(-2) + httpRequest("GET", "/plain"));
    stream.push("later");
    await client.until("later");
    stream.body.end();
    expect(await client.until("plain answer")).toContain("0\r\n\r\nHTTP/1.1 200 OK\r\n");
    client[Symbol.dispose]();
  });

  it("cuts a client that takes nothing", async () => {
    await using server = await StreamServer.start();
    const [client, stream] = await server.open();
    client.socket.pause();
    while (stream.body.bufferedBytes === 0) {
      stream.push("x".repeat(1_000_000));
      await new Promise(setImmediate);
    }
    for (let seconds = 0; seconds < 3; seconds++) server.clock.advance(1000);
    await stream.untilClosed();
    expect(stream.body.bufferedBytes).toBe(0);
    client[Symbol.dispose]();
  });

  it("closes the connection when the listener stops, and is cut at the deadline", async () => {
    await using server = await StreamServer.start();
    const [leaving, stream] = await server.open();
    const [staying, cut] = await server.open();
    server.listener.stopAccepting();
    stream.body.end();
    expect((await leaving.untilEnd()).endsWith("0\r\n\r\n")).toBe(true);
    expect(cut.closedCount).toBe(0);
    await server.listener.drain(AbortSignal.abort());
    expect((await staying.untilEnd()).endsWith(`${PUSH}\r\n`)).toBe(true);
    await cut.untilClosed();
  });
});

describe("a stream on an HTTP server of the host", () => {
  it("stays in the host's hands, which can close it", async () => {
    await using server = new StreamServer();
    const host = createServer((request, response) => server.app.handle(request, response));
    await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
    server.port = (host.address() as AddressInfo).port;
    const [client, stream] = await server.open();
    stream.push("later");
    await client.until("later");
    host.closeAllConnections();
    const [text] = await Promise.all([client.untilEnd(), stream.untilClosed()]);
    expect(parseChunks(parseResponse(text).body)).toEqual({
      chunks: [PUSH, "later"],
      isComplete: false,
      rest: "",
    });
    host.close();
  });
});
