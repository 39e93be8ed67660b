import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type {
  BidiConnection,
  BidiHost,
  BidiProtocol,
  BidiRequest,
  BidiTransport,
  MessageEncoding,
} from "../../../../src/core/bidi-protocol.ts";
import { Disconnect } from "../../../../src/core/disconnect.ts";
import { EncodedPush, type Push } from "../../../../src/core/push.ts";
import { HttpApp } from "../../../../src/http/http-app.ts";
import { HttpListener } from "../../../../src/http/http-listener.ts";
import { TimerWheel } from "../../../../src/lib/timer-wheel.ts";
import type {
  WebSocketEndpointContext,
  WebSocketEndpointOptions,
} from "../../../../src/transports/websocket/endpoint.ts";
import { createWebSocketRoutes } from "../../../../src/transports/websocket/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import {
  WEBSOCKET_HANDSHAKE,
  httpRequest,
  parseResponse,
  RawConnection,
} from "../../../support/raw-connection.ts";
import { Signal } from "../../../support/signal.ts";
import { silentLogger } from "../../../support/silent-logger.ts";
import { UpgradeRefused, WebSocketClient } from "../../../support/web-socket-client.ts";

/** What every connection hears last. */
const LAST_MESSAGE = Buffer.from("bye");

/** A connection of the protocol of these tests. */
class Talk implements BidiConnection {
  readonly transport: BidiTransport;
  readonly received: (message: Uint8Array) => void;
  /** Times that something was heard. */
  heardCount = 0;
  readonly messages: string[] = [];
  isClosed = false;
  readonly #signal: Signal;

  constructor(transport: BidiTransport, signal: Signal) {
    this.transport = transport;
    this.#signal = signal;
    this.received = (message) => {
      this.messages.push(Buffer.from(message).toString());
      signal.notify();
    };
  }

  say(text: string): void {
    this.transport.write(this.transport.format.frame(Buffer.from(text)));
  }

  heard(): void {
    this.heardCount += 1;
    this.#signal.notify();
  }

  closed(): void {
    this.isClosed = true;
    this.#signal.notify();
  }
}

/** Every name is an app with an encoding of its own; all of them say what they say in the same way. */
class TalkProtocol implements BidiProtocol {
  readonly name = "talk";
  readonly subprotocols = ["talk.2", "talk.1"];
  readonly asked: unknown[] = [];
  readonly talks: Talk[] = [];
  /** What apps do with a connection besides keeping it. */
  onAccept: (talk: Talk) => void = () => undefined;
  readonly signal: Signal = new Signal();
  readonly #encodings = new Map<string, MessageEncoding>();

  open({ name, query, origin }: BidiRequest): BidiHost {
    this.asked.push({ name, query: query.toString(), origin });
    return {
      settings: {
        encoding: this.#encodingOf(name),
        pingIntervalMs: 0,
        heartbeat: undefined,
        sendsDisconnectPush: false,
        closeMessage: ({ code, reason }) => ({ message: LAST_MESSAGE, code: code + 1000, reason }),
      },
      accept: (transport) => {
        const talk = new Talk(transport, this.signal);
        this.talks.push(talk);
        this.signal.notify();
        this.onAccept(talk);
        return talk;
      },
    };
  }

  /** The connection of the first client, once it has come. */
  async first(): Promise<Talk> {
    await this.signal.until(() => this.talks.length > 0, "connection");
    const [talk] = this.talks;
    if (talk === undefined) throw new Error("no connection");
    return talk;
  }

  #encodingOf(name: string): MessageEncoding {
    let encoding = this.#encodings.get(name);
    if (encoding === undefined) {
      const codec = { id: `talk-${name}`, encode: (push: Push) => Buffer.from(`${name} ${push.type}`) };
      const form = { label: "json", messages: "text", separator: undefined } as const;
      encoding = { codec, deltaCodecs: undefined, ...form };
      this.#encodings.set(name, encoding);
    }
    return encoding;
  }
}

interface TalkServer extends AsyncDisposable {
  readonly protocol: TalkProtocol;
  readonly port: number;
  readonly clock: FakeClock;
  url(path: string): string;
}

/** A server of the protocol below `/app/`. */
async function serve(
  options: Partial<WebSocketEndpointOptions> = {},
  admits?: NonNullable<WebSocketEndpointContext["admits"]>,
): Promise<TalkServer> {
  const protocol = new TalkProtocol();
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const context = admits === undefined ? { wheel } : { wheel, admits };
  const place = { path: "/app/", isPrefix: true };
  const limits = { messageSizeLimit: 1000, writeTimeoutMs: 1000, compression: undefined };
  const routes = createWebSocketRoutes(context, { protocol, ...place, ...limits, ...options });
  const app = new HttpApp(routes, silentLogger);
  const listener = new HttpListener(app, { host: "127.0.0.1", port: 0, tls: undefined });
  const { port } = await listener.start();
  return {
    protocol,
    port,
    clock,
    url: (path) => `ws://127.0.0.1:${port}${path}`,
    async [Symbol.asyncDispose]() {
      listener.stopAccepting();
      await listener.drain(AbortSignal.abort());
      wheel[Symbol.dispose]();
    },
  };
}

async function statusLineOf(port: number, path: string, headers: Record<string, string>): Promise<string> {
  using connection = await RawConnection.open(port);
  connection.send(httpRequest("GET", path, { headers }));
  return parseResponse(await connection.untilEnd()).statusLine;
}

describe("WebSocket endpoint: handshake", () => {
  it("tells the protocol name, query and headers", async () => {
    await using server = await serve();
    using _ = await WebSocketClient.open(server.url("/app/k%20ey?protocol=7&a=b"), {
      origin: "http://a",
    });
    await server.protocol.first();
    expect(server.protocol.asked).toEqual([{ name: "k%20ey", query: "protocol=7&a=b", origin: "http://a" }]);
  });

  it("finds the name in a target with scheme and host, as clients of a proxy send it", async () => {
    await using server = await serve();
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("GET", "http://example.com/app/key?a=b", { headers: WEBSOCKET_HANDSHAKE }));
    await connection.until("\r\n\r\n");
    expect(server.protocol.asked).toEqual([{ name: "key", query: "a=b", origin: undefined }]);
  });

  it("shares frames among connections of one encoding only", async () => {
    await using server = await serve();
    using clients = new DisposableStack();
    for (const name of ["a", "a", "c"]) {
      clients.use(await WebSocketClient.open(server.url(`/app/${name}`)));
    }
    await server.protocol.signal.until(() => server.protocol.talks.length === 3, "connections");
    const push = new EncodedPush({ type: "ping" });
    const [a, b, c] = server.protocol.talks.map(({ transport }) => push.frameFor(transport.format));
    expect(a).toBe(b);
    expect([a?.toString(), c?.toString()]).toEqual(["\u0081\u0006a ping", "\u0081\u0006c ping"].map(asUtf8));
  });

  it.each(["/app/", "/app/?a=b", "/app/a/b", "/app/a/"])("answers 404 for %s", async (path) => {
    await using server = await serve();
    expect(await statusLineOf(server.port, path, WEBSOCKET_HANDSHAKE)).toBe("HTTP/1.1 404 Not Found");
    const plain = await statusLineOf(server.port, path, { Connection: "close" });
    expect(plain).toBe("HTTP/1.1 404 Not Found");
    expect(server.protocol.asked).toEqual([]);
  });

  it.each([
    ["/talk", "HTTP/1.1 101 Switching Protocols"],
    ["/talk?a=b", "HTTP/1.1 101 Switching Protocols"],
    ["/talk/", "HTTP/1.1 404 Not Found"],
    ["/talk/a", "HTTP/1.1 404 Not Found"],
  ])("where nothing may follow its path, answers %s with %s", async (path, statusLine) => {
    await using server = await serve({ path: "/talk", isPrefix: false });
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("GET", path, { headers: WEBSOCKET_HANDSHAKE }));
    expect(parseResponse(await connection.until("\r\n\r\n")).statusLine).toBe(statusLine);
  });

  it.each([
    ["talk.3, talk.1,talk.2", "talk.1"],
    ["talk.3", undefined],
  ])("of the subprotocols %j takes %j: the first that it speaks", async (offers, chosen) => {
    await using server = await serve();
    using connection = await RawConnection.open(server.port);
    const headers = { ...WEBSOCKET_HANDSHAKE, "Sec-WebSocket-Protocol": offers };
    connection.send(httpRequest("GET", "/app/key", { headers }));
    const { headers: answer } = parseResponse(await connection.until("\r\n\r\n"));
    expect(new Map(answer).get("Sec-WebSocket-Protocol")).toBe(chosen);
  });

  it("answers 400 for a request that is no handshake", async () => {
    await using server = await serve();
    const plain = await statusLineOf(server.port, "/app/key", { Connection: "close" });
    const wrong = await statusLineOf(server.port, "/app/key", {
      ...WEBSOCKET_HANDSHAKE,
      "Sec-WebSocket-Key": "short",
    });
    expect([plain, wrong]).toEqual(["HTTP/1.1 400 Bad Request", "HTTP/1.1 400 Bad Request"]);
  });

  it("refuses with the status that the server's own rules say", async () => {
    await using server = await serve({}, () => 429);
    const refused = await WebSocketClient.open(server.url("/app/key")).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UpgradeRefused);
    expect(refused).toMatchObject({ response: { statusCode: 429 } });
    expect(server.protocol.asked).toEqual([]);
  });

  it("has no compression and takes any origin", async () => {
    await using server = await serve();
    const options = { perMessageDeflate: true, origin: "https://anywhere.example" };
    using client = await WebSocketClient.open(server.url("/app/key"), options);
    expect(client.socket.extensions).toBe("");
  });
});

describe("WebSocket endpoint: signs of life", () => {
  it("a message, a part of one, a PING and a PONG are heard", async () => {
    await using server = await serve();
    using client = await WebSocketClient.open(server.url("/app/key"));
    const talk = await server.protocol.first();
    const signs: (() => void)[] = [
      () => client.socket.send("whole"),
      () => client.socket.send("half ", { fin: false }),
      () => client.socket.ping(),
      () => client.socket.pong(),
      () => client.socket.send("done", { fin: true }),
    ];
    for (const [at, give] of signs.entries()) {
      give();
      await server.protocol.signal.until(() => talk.heardCount > at, `sign ${at}`);
    }
    expect(talk.messages).toEqual(["whole", "half done"]);
  });

  it("a ping is a PING frame, whose PONG is heard; after the end it is nothing", async () => {
    await using server = await serve();
    using client = await WebSocketClient.open(server.url("/app/key"));
    const talk = await server.protocol.first();
    const pinged = once(client.socket, "ping");
    talk.transport.ping();
    await pinged;
    await server.protocol.signal.until(() => talk.heardCount > 0, "PONG");
    talk.transport.close(new Disconnect(3000, "over"));
    talk.transport.ping();
    expect((await client.untilClosed()).code).toBe(4000);
  });
});

describe("WebSocket endpoint: messages", () => {
  it("brings text and binary messages, whole, in order", async () => {
    await using server = await serve();
    using client = await WebSocketClient.open(server.url("/app/key"));
    client.socket.send("text é");
    client.socket.send(Buffer.from("binary"));
    client.socket.send("in ", { fin: false });
    client.socket.send("parts", { fin: true });
    const talk = await server.protocol.first();
    await server.protocol.signal.until(() => talk.messages.length === 3, "messages");
    expect(talk.messages).toEqual(["text é", "binary", "in parts"]);
  });

  it("brings messages that came together with the handshake", async () => {
    await using server = await serve();
    using connection = await RawConnection.open(server.port);
    const hello = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    const request = Buffer.from(httpRequest("GET", "/app/key", { headers: WEBSOCKET_HANDSHAKE }));
    connection.send(Buffer.concat([request, hello]));
    const talk = await server.protocol.first();
    await server.protocol.signal.until(() => talk.messages.length > 0, "message");
    expect(talk.messages).toEqual(["hi"]);
  });

  it("answers pings of the client with what they carry", async () => {
    await using server = await serve();
    using client = await WebSocketClient.open(server.url("/app/key"));
    client.socket.ping("are you there");
    const [data] = (await once(client.socket, "pong")) as [Buffer];
    expect(data.toString()).toBe("are you there");
  });

  it("cuts a client that pings on and on and reads no answer", async () => {
    await using server = await serve();
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("GET", "/app/key", { headers: WEBSOCKET_HANDSHAKE }));
    const talk = await server.protocol.first();
    await connection.until("\r\n\r\n");
    connection.socket.pause();
    const text = "x".repeat(1_000_000);
    for (let written = 0; talk.transport.bufferedBytes === 0 && written < 100; written += 1) talk.say(text);
    const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);
    connection.send(Buffer.concat(Array.from({ length: 61 }, () => ping)));
    await server.protocol.signal.until(() => talk.isClosed, "end");
    expect(talk.messages).toEqual([]);
  });

  it("closes with 1009 when a message is too large", async () => {
    await using server = await serve({ messageSizeLimit: 10 });
    using client = await WebSocketClient.open(server.url("/app/key"));
    client.socket.send("x".repeat(10));
    client.socket.send("x".repeat(11));
    expect(await client.untilClosed()).toEqual({ code: 1009, reason: "" });
    const talk = await server.protocol.first();
    await server.protocol.signal.until(() => talk.isClosed, "end");
    expect(talk.messages).toEqual(["x".repeat(10)]);
  });

  it("closes with 1007 when text is not UTF-8", async () => {
    await using server = await serve();
    using client = await WebSocketClient.open(server.url("/app/key"));
    client.socket.send(Buffer.from([0xff]), { binary: false });
    expect((await client.untilClosed()).code).toBe(1007);
    await server.protocol.signal.until(() => server.protocol.talks[0]?.isClosed === true, "end");
  });
});

describe("WebSocket endpoint: end", () => {
  it("tells the protocol that the client has left", async () => {
    await using server = await serve();
    using client = await WebSocketClient.open(server.url("/app/key"));
    const talk = await server.protocol.first();
    client.socket.close(4000);
    expect(await client.untilClosed()).toEqual({ code: 4000, reason: "" });
    await server.protocol.signal.until(() => talk.isClosed, "end");
  });

  it.each([
    ["close frame", [0x88, 0x80, 0, 0, 0, 0]],
    ["bad frame", [0x83, 0x80, 0, 0, 0, 0]],
  ])("is over for the protocol with the client's %s, whenever TCP ends", async (_name, bytes) => {
    await using server = await serve();
    using connection = await RawConnection.open(server.port, { allowHalfOpen: true });
    connection.send(httpRequest("GET", "/app/key", { headers: WEBSOCKET_HANDSHAKE }));
    const talk = await server.protocol.first();
    connection.send(Buffer.from(bytes));
    await server.protocol.signal.until(() => talk.isClosed, "end");
    expect(connection.isClosed).toBe(false);
  });

  it("cuts a client that leaves a close frame without answer for 5 s", async () => {
    await using server = await serve();
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("GET", "/app/key", { headers: WEBSOCKET_HANDSHAKE }));
    const talk = await server.protocol.first();
    talk.transport.close(new Disconnect(3009, "why"));
    await connection.until("why");
    server.clock.advance(4900);
    await new Promise(setImmediate);
    expect([talk.isClosed, connection.isClosed]).toEqual([false, false]);
    server.clock.advance(200);
    await connection.untilClosed();
    await server.protocol.signal.until(() => talk.isClosed, "end");
  });

  it("hears nothing more of the client once it has closed", async () => {
    await using server = await serve();
    using client = await WebSocketClient.open(server.url("/app/key"));
    const talk = await server.protocol.first();
    client.socket.once("message", () => client.send("late"));
    talk.transport.close(new Disconnect(3009, ""));
    await client.untilClosed();
    await server.protocol.signal.until(() => talk.isClosed, "end");
    expect(talk.messages).toEqual([]);
  });

  it.each([
    ["é".repeat(100), "é".repeat(61)],
    [`a${"é".repeat(100)}`, `a${"é".repeat(61)}`],
    ["🙂".repeat(40), "🙂".repeat(30)],
    ["x".repeat(123), "x".repeat(123)],
  ])("cuts the reason %s to what fits, between characters", async (reason, cut) => {
    await using server = await serve();
    using client = await WebSocketClient.open(server.url("/app/key"));
    (await server.protocol.first()).transport.close(new Disconnect(3009, reason));
    expect(await client.untilClosed()).toEqual({ code: 4009, reason: cut });
  });
});

/** Text as it looks when the bytes of its characters are read as UTF-8. */
function asUtf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString();
}
