import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import type {
  BidiConnection,
  BidiHost,
  BidiProtocol,
  BidiRefusal,
  BidiRequest,
  BidiSettings,
  BidiTransport,
  MessageEncoding,
} from "../../../../src/core/bidi-protocol.ts";
import { LiveValue } from "../../../../src/core/live.ts";
import { EncodedPush, type Push } from "../../../../src/core/push.ts";
import { RefusalLog } from "../../../../src/core/refusal-log.ts";
import type { Codec } from "../../../../src/core/wire-format.ts";
import { ConnectionGate } from "../../../../src/http/connection-gate.ts";
import { HttpApp } from "../../../../src/http/http-app.ts";
import { HttpListener } from "../../../../src/http/http-listener.ts";
import { OriginPolicy } from "../../../../src/http/origin-policy.ts";
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

const PAGE = "https://a.example";
const LONG_TEXT = "quote ".repeat(200);

/** Codec of pushes as text, with something in front. */
function codecOf(id: string, prefix: (text: string) => Uint8Array): Codec {
  return {
    id,
    encode(push: Push) {
      const text = push.type === "disconnect" ? push.reason : push.type;
      return Buffer.concat([prefix(text), Buffer.from(text)]);
    },
  };
}

/** Texts, each a message by itself. */
const TEXTS: MessageEncoding = {
  codec: codecOf("texts", () => Buffer.alloc(0)),
  deltaCodecs: {
    whole: codecOf("texts-whole", () => Buffer.from("=")),
    patch: codecOf("texts-patch", () => Buffer.from("+")),
  },
  label: "json",
  messages: "text",
  separator: undefined,
};
/** Texts with their length in front, of which several make a message. */
const LENGTHS: MessageEncoding = {
  codec: codecOf("lengths", (text) => Buffer.from([text.length % 256])),
  deltaCodecs: undefined,
  label: "protobuf",
  messages: "binary",
  separator: new Uint8Array(0),
};

/** A connection that keeps what it is told. */
class Quotes implements BidiConnection {
  readonly transport: BidiTransport;
  readonly received: (message: Uint8Array) => void;
  readonly messages: Buffer[] = [];
  /** Times that something was heard. */
  heardCount = 0;
  isClosed = false;
  readonly #signal: Signal;

  constructor(transport: BidiTransport, signal: Signal) {
    this.transport = transport;
    this.#signal = signal;
    this.received = (message) => {
      this.messages.push(Buffer.from(message));
      signal.notify();
    };
  }

  /** Sends pushes with these texts in one write. */
  quote(...texts: readonly string[]): void {
    const { format } = this.transport;
    const frames = texts.map((text) => quoteOf(text).frameFor(format) ?? Buffer.alloc(0));
    this.transport.write(frames.length > 1 ? format.join(frames) : (frames[0] ?? Buffer.alloc(0)));
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

function quoteOf(reason: string): EncodedPush {
  return new EncodedPush({ type: "disconnect", code: 0, reason });
}

/** A protocol in two encodings, of which the subprotocol says one. */
class QuoteProtocol implements BidiProtocol {
  readonly name = "quotes";
  readonly subprotocols = ["quotes.texts", "quotes.lengths"];
  readonly connections: Quotes[] = [];
  readonly signal: Signal = new Signal();
  readonly #settings: Partial<BidiSettings>;

  constructor(settings: Partial<BidiSettings>) {
    this.#settings = settings;
  }

  open({ subprotocol, query }: BidiRequest): BidiHost | BidiRefusal {
    if (query.has("nobody")) return { status: 410, text: "nobody quotes any more\n" };
    return {
      settings: {
        encoding: subprotocol === "quotes.lengths" ? LENGTHS : TEXTS,
        pingIntervalMs: 0,
        heartbeat: undefined,
        sendsDisconnectPush: false,
        closeMessage: ({ code, reason }) => ({ message: new Uint8Array(0), code, reason }),
        ...this.#settings,
      },
      accept: (transport) => {
        const quotes = new Quotes(transport, this.signal);
        this.connections.push(quotes);
        this.signal.notify();
        return quotes;
      },
    };
  }

  /** The connection of the client that came in this place, once it has. */
  async connection(at = 0): Promise<Quotes> {
    await this.signal.until(() => this.connections.length > at, "connection");
    const connection = this.connections[at];
    if (connection === undefined) throw new Error("no connection");
    return connection;
  }
}

interface QuoteServer extends AsyncDisposable {
  readonly protocol: QuoteProtocol;
  readonly port: number;
  readonly clock: FakeClock;
}

interface QuoteServerOptions {
  readonly settings?: Partial<BidiSettings>;
  readonly compression?: WebSocketEndpointOptions["compression"];
  /** Clients that may come in a second, and from where. */
  readonly screening?: { readonly rate: number; readonly origins: readonly string[] };
}

async function serve(options: QuoteServerOptions = {}): Promise<QuoteServer> {
  const { settings = {}, compression, screening } = options;
  const protocol = new QuoteProtocol(settings);
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const context: WebSocketEndpointContext =
    screening === undefined ? { wheel } : { wheel, screening: screeningOf(screening, clock) };
  const routes = createWebSocketRoutes(context, {
    protocol,
    path: "/quotes",
    isPrefix: false,
    messageSizeLimit: 10_000,
    writeTimeoutMs: 1000,
    compression,
  });
  const app = new HttpApp(routes, silentLogger);
  const listener = new HttpListener(app, { host: "127.0.0.1", port: 0, tls: undefined });
  const { port } = await listener.start();
  return {
    protocol,
    port,
    clock,
    async [Symbol.asyncDispose]() {
      listener.stopAccepting();
      await listener.drain(AbortSignal.abort());
      wheel[Symbol.dispose]();
    },
  };
}

function screeningOf(
  { rate, origins }: NonNullable<QuoteServerOptions["screening"]>,
  clock: FakeClock,
): NonNullable<WebSocketEndpointContext["screening"]> {
  const limits = new LiveValue({ connectionLimit: 0, connectionRateLimit: rate });
  return {
    gate: new ConnectionGate({ limits, connectionCount: () => 0, clock }),
    origins: new OriginPolicy(origins),
    refusals: new RefusalLog(silentLogger, clock),
  };
}

/** A client that keeps the messages that it gets, and whether they were binary. */
class QuoteClient implements Disposable {
  readonly socket: WebSocket;
  readonly messages: (readonly [data: string, isBinary: boolean])[] = [];
  readonly #signal = new Signal();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, isBinary) => {
      this.messages.push([data.toString("latin1"), isBinary]);
      this.#signal.notify();
    });
  }

  static async open(
    { port }: QuoteServer,
    subprotocol: string,
    options: ClientOptions = {},
  ): Promise<QuoteClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/quotes`, subprotocol, {
      perMessageDeflate: false,
      ...options,
    });
    const client = new QuoteClient(socket);
    await once(socket, "open");
    return client;
  }

  async until(count: number): Promise<QuoteClient["messages"]> {
    await this.#signal.until(() => this.messages.length >= count, "message");
    return this.messages;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

describe("WebSocket endpoint: encodings", () => {
  it("the subprotocol says whether messages are text or binary, and what the Connections API calls them", async () => {
    await using server = await serve();
    using texts = await QuoteClient.open(server, "quotes.texts");
    using lengths = await QuoteClient.open(server, "quotes.lengths");
    expect([texts.socket.protocol, lengths.socket.protocol]).toEqual(["quotes.texts", "quotes.lengths"]);
    for (const at of [0, 1]) (await server.protocol.connection(at)).quote("one");
    expect([await texts.until(1), await lengths.until(1)]).toEqual([[["one", false]], [["\x03one", true]]]);
    expect(server.protocol.connections.map(({ transport }) => [transport.name, transport.protocol])).toEqual([
      ["quotes", "json"],
      ["quotes", "protobuf"],
    ]);
  });

  it("pushes of one flush are a message each, or one with the encoding's separator between them", async () => {
    await using server = await serve();
    using texts = await QuoteClient.open(server, "quotes.texts");
    using lengths = await QuoteClient.open(server, "quotes.lengths");
    for (const at of [0, 1]) (await server.protocol.connection(at)).quote("one", "two");
    expect((await texts.until(2)).map(([data]) => data)).toEqual(["one", "two"]);
    expect((await lengths.until(1)).map(([data]) => data)).toEqual(["\x03one\x03two"]);
  });

  it("takes messages of either kind, whatever goes out", async () => {
    await using server = await serve();
    using client = await QuoteClient.open(server, "quotes.lengths");
    const connection = await server.protocol.connection();
    client.socket.send(Buffer.from([0, 255]));
    client.socket.send("text");
    await server.protocol.signal.until(() => connection.messages.length === 2, "messages");
    expect(connection.messages).toEqual([Buffer.from([0, 255]), Buffer.from("text")]);
  });

  it("has formats for differences where the encoding has", async () => {
    await using server = await serve();
    using clients = new DisposableStack();
    for (const subprotocol of server.protocol.subprotocols) {
      clients.use(await QuoteClient.open(server, subprotocol));
    }
    const [texts, lengths] = [await server.protocol.connection(0), await server.protocol.connection(1)];
    const frameOf = (format: BidiTransport["format"] | undefined): string | undefined =>
      format === undefined ? undefined : quoteOf("a").frameFor(format)?.toString();
    expect(frameOf(texts.transport.deltaFormats?.patch)).toContain("+a");
    expect(lengths.transport.deltaFormats).toBeUndefined();
  });
});

describe("WebSocket endpoint: compression of any protocol", () => {
  const compression = { level: 1, minBytes: 100, inflatedMaxBytes: 10_000 };

  it("compresses for those who offer it, once for all of them", async () => {
    await using server = await serve({ compression });
    const offering = { perMessageDeflate: true };
    using one = await QuoteClient.open(server, "quotes.lengths", offering);
    using two = await QuoteClient.open(server, "quotes.lengths", offering);
    using plain = await QuoteClient.open(server, "quotes.lengths");
    await server.protocol.connection(2);
    const push = quoteOf(LONG_TEXT);
    const frames = server.protocol.connections.map(({ transport }) => push.frameFor(transport.format));
    expect(frames[0]).toBe(frames[1]);
    expect(frames.map((frame) => frame?.[0])).toEqual([0xc2, 0xc2, 0x82]);
    for (const connection of server.protocol.connections) connection.quote(LONG_TEXT);
    for (const client of [one, two, plain]) {
      const [message] = await client.until(1);
      expect([message?.[0].slice(1), message?.[1]]).toEqual([LONG_TEXT, true]);
    }
  });

  it("takes compressed messages, as large as they may grow", async () => {
    await using server = await serve({ compression });
    using client = await QuoteClient.open(server, "quotes.lengths", {
      perMessageDeflate: { threshold: 0 },
    });
    const connection = await server.protocol.connection();
    client.socket.send(Buffer.alloc(10_000, "x"));
    await server.protocol.signal.until(() => connection.messages.length === 1, "message");
    expect(connection.messages[0]).toEqual(Buffer.alloc(10_000, "x"));
    client.socket.send(Buffer.alloc(10_001, "x"));
    const [code] = await once(client.socket, "close");
    expect(code).toBe(1009);
  });

  it("once messages matter no more, decompresses none", async () => {
    await using server = await serve({ compression });
    using client = await QuoteClient.open(server, "quotes.lengths", {
      perMessageDeflate: { threshold: 0 },
    });
    const connection = await server.protocol.connection();
    connection.transport.dropMessages();
    client.socket.send(LONG_TEXT);
    await server.protocol.signal.until(() => connection.messages.length === 1, "message");
    expect(connection.messages[0]).toEqual(Buffer.alloc(0));
  });
});

describe("WebSocket endpoint: who is let in", () => {
  async function responseTo(
    server: QuoteServer,
    target: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<ReturnType<typeof parseResponse>> {
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("GET", target, { headers }));
    await connection.until("\r\n\r\n");
    const response = parseResponse(connection.text);
    return response.statusLine.includes("101") ? response : parseResponse(await connection.untilEnd());
  }

  const CORS = ["Access-Control-Allow-Origin", PAGE];

  it.each([
    ["a handshake", WEBSOCKET_HANDSHAKE],
    ["another request", { Connection: "close" }],
  ])("the protocol can refuse %s with a status", async (_what, headers) => {
    await using server = await serve({ screening: { rate: 0, origins: [PAGE] } });
    const response = await responseTo(server, "/quotes?nobody", { ...headers, Origin: PAGE });
    expect([response.statusLine, response.body]).toEqual(["HTTP/1.1 410 Gone", "nobody quotes any more\n"]);
    expect(response.headers).toContainEqual(CORS);
    expect(server.protocol.connections).toEqual([]);
  });

  it("with origins to check, refuses others with 403 and answers pages of theirs with CORS headers", async () => {
    await using server = await serve({ screening: { rate: 0, origins: [PAGE] } });
    const origins = [PAGE, "https://b.example"];
    const taken = origins.map((Origin) => responseTo(server, "/quotes", { ...WEBSOCKET_HANDSHAKE, Origin }));
    expect((await Promise.all(taken)).map(({ statusLine }) => statusLine)).toEqual([
      "HTTP/1.1 101 Switching Protocols",
      "HTTP/1.1 403 Forbidden",
    ]);
    const headers = { ...WEBSOCKET_HANDSHAKE, "Sec-WebSocket-Version": "8", Origin: PAGE };
    expect((await responseTo(server, "/quotes", headers)).headers).toContainEqual(CORS);
  });

  it("with limits to keep, refuses what is beyond them with 503", async () => {
    await using server = await serve({ screening: { rate: 1, origins: ["*"] } });
    const statusLines: string[] = [];
    for (let count = 0; count < 2; count++) {
      statusLines.push((await responseTo(server, "/quotes", WEBSOCKET_HANDSHAKE)).statusLine);
    }
    expect(statusLines).toEqual(["HTTP/1.1 101 Switching Protocols", "HTTP/1.1 503 Service Unavailable"]);
  });
});

describe("WebSocket endpoint: pings and the end", () => {
  const heartbeat = { intervalMs: 1000, timeoutMs: 200 };

  it("a heartbeat pings with frames, and knows how long the answers take", async () => {
    await using server = await serve({ settings: { heartbeat, pingIntervalMs: 5000 } });
    using client = await QuoteClient.open(server, "quotes.texts");
    const connection = await server.protocol.connection();
    const { transport } = connection;
    expect([transport.pingIntervalMs, transport.latencyMs]).toEqual([5000, -1]);
    for (let beat = 0; beat < 3; beat++) {
      server.clock.advance(1100);
      await server.protocol.signal.until(() => connection.heardCount > beat, "PONG");
      expect(transport.latencyMs).toBeGreaterThan(0);
    }
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  });

  it("a heartbeat without an answer cuts the connection", async () => {
    await using server = await serve({ settings: { heartbeat } });
    using client = await QuoteClient.open(server, "quotes.texts", { autoPong: false });
    const connection = await server.protocol.connection();
    const ended = once(client.socket, "close");
    const pinged = once(client.socket, "ping");
    server.clock.advance(1100);
    await pinged;
    server.clock.advance(300);
    expect((await ended)[0]).toBe(1006);
    await server.protocol.signal.until(() => connection.isClosed, "end");
  });
});
