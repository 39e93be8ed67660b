import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it, vi } from "vitest";
import { PublishRequestSchema } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { API_CONFIG, API_KEY } from "../support/api-client.ts";
import { CONSUME } from "../support/grpc-push-stream.ts";
import { openSse } from "../support/push-stream.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { rawEnvelope } from "../support/rpc-call.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { PATIENCE_MS, Signal } from "../support/signal.ts";

type Http2Input = NonNullable<NonNullable<ConfigInput["uni_grpc"]>["http2"]>;

const GRPC = { ":method": "POST", "content-type": "application/grpc" };
const CONNECT_REQUEST = rawEnvelope(Buffer.from([0x1a, 0x03, 0x0a, 0x01, 0x61]));

function runHttp2Server(http2: Http2Input = {}): Promise<RunningServer> {
  const grpc = { enabled: true, address: "127.0.0.1", port: 0, http2 };
  return runServer({
    ...OPEN,
    client: { ...OPEN.client, queue_max_size: 4_000_000 },
    http_server: { http2 },
    http_api: API_CONFIG,
    uni_grpc: grpc,
    grpc_api: { ...grpc, key: API_KEY },
  });
}

/** Every port that takes HTTP/2, with a stream on it that lasts and one that needs a body. */
const PORTS = [
  [
    "the HTTP port",
    (server: RunningServer) => server.port,
    { ":path": "/connection/uni_sse?cf_connect=%7B%7D" },
    { ":method": "POST", ":path": "/connection/uni_http_stream" },
  ],
  [
    "the port of uni_grpc",
    (server: RunningServer) => server.addresses.uniGrpc?.port,
    { ...GRPC, ":path": `/${CONSUME}` },
    { ...GRPC, ":path": `/${CONSUME}` },
  ],
  [
    "the port of grpc_api",
    (server: RunningServer) => server.addresses.grpcApi?.port,
    { ...GRPC, ":path": "/grpc.health.v1.Health/Watch" },
    { ...GRPC, ":path": "/centrifugal.centrifugo.api.CentrifugoApi/Info" },
  ],
] as const;

const [DATA, HEADERS, RST_STREAM, SETTINGS, PING] = [0, 1, 3, 4, 6] as const;
/** Flag of a head in one piece. */
const END_HEADERS = 4;
const PUBLISH = toBinary(
  PublishRequestSchema,
  create(PublishRequestSchema, { channel: "a", data: Buffer.from("1") }),
);

/** A frame (RFC 9113 §4.1) without END_STREAM. */
function frame(type: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(type === HEADERS ? END_HEADERS : 0, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.of(0, name.length),
    Buffer.from(name),
    Buffer.of(value.length),
    Buffer.from(value),
  ]);
}

/** One connection, and what became of it. */
class Connection implements Disposable {
  readonly session: ClientHttp2Session;
  readonly #signal = new Signal();

  constructor(port: number | undefined) {
    this.session = connect(`http://127.0.0.1:${port}`);
    this.session.on("error", () => undefined);
  }

  get isOpen(): boolean {
    return !this.session.closed && !this.session.destroyed;
  }

  async maxConcurrentStreams(): Promise<number | undefined> {
    const [settings] = (await once(this.session, "remoteSettings")) as [{ maxConcurrentStreams?: number }];
    return settings.maxConcurrentStreams;
  }

  /** A stream that has been answered something, and goes on. */
  async openLasting(headers: Readonly<Record<string, string>>): Promise<ClientHttp2Stream> {
    const stream = this.open(headers);
    if (headers[":method"] === "POST") stream.end(rawEnvelope(""));
    await once(stream, "data");
    return stream;
  }

  open(headers: Readonly<Record<string, string>>): ClientHttp2Stream {
    const stream = this.session.request(headers, { endStream: headers[":method"] !== "POST" });
    stream.on("error", () => undefined);
    stream.on("close", () => this.#signal.notify());
    return stream;
  }

  /** Resolves once all of them have closed. */
  untilClosed(streams: readonly ClientHttp2Stream[]): Promise<void> {
    return this.#signal.until(() => streams.every((stream) => stream.destroyed), "end of the streams");
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

describe.each(PORTS)("HTTP/2 on %s", (_name, portOf, lasting, withBody) => {
  it("tells how many streams may be open at a time", async () => {
    await using server = await runHttp2Server();
    using connection = new Connection(portOf(server));
    expect(await connection.maxConcurrentStreams()).toBe(1000);
    await using other = await runHttp2Server({ max_concurrent_streams: 7 });
    using limited = new Connection(portOf(other));
    expect(await limited.maxConcurrentStreams()).toBe(7);
  });

  it("thousands of cancelled streams end no other stream of the connection", async () => {
    await using server = await runHttp2Server();
    using connection = new Connection(portOf(server));
    const stream = await connection.openLasting(lasting);
    for (let round = 0; round < 30; round++) {
      const cancelled = Array.from({ length: 100 }, () => connection.open(withBody));
      for (const each of cancelled) each.close(constants.NGHTTP2_CANCEL);
      await connection.untilClosed(cancelled);
    }
    expect([connection.isOpen, stream.closed]).toEqual([true, false]);
  });

  it("streams that come and go at the limit end no other stream either", async () => {
    await using server = await runHttp2Server({ max_concurrent_streams: 20 });
    using connection = new Connection(portOf(server));
    await connection.maxConcurrentStreams();
    const stream = await connection.openLasting(lasting);
    for (let round = 0; round < 60; round++) {
      const cancelled = Array.from({ length: 19 }, () => connection.open(withBody));
      await new Promise(setImmediate);
      for (const each of cancelled) each.close(constants.NGHTTP2_CANCEL);
    }
    await new Promise<void>((resolve) => connection.session.ping(() => resolve()));
    expect([connection.isOpen, stream.closed]).toEqual([true, false]);
  });

  it("resets beyond the configured rate end the connection", async () => {
    await using server = await runHttp2Server({ max_stream_resets_per_second: 1 });
    using connection = new Connection(portOf(server));
    await connection.openLasting(lasting);
    while (connection.isOpen) {
      connection.open(withBody).close(constants.NGHTTP2_CANCEL);
      await new Promise(setImmediate);
    }
    expect(connection.isOpen).toBe(false);
  });

  it("a request may have hundreds of header fields; one with too many costs its stream only", async () => {
    await using server = await runHttp2Server();
    using connection = new Connection(portOf(server));
    const fields = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "v"]));
    const stream = await connection.openLasting({ ...lasting, ...fields(500) });
    const refused = connection.open({ ...withBody, ...fields(1500) });
    await connection.untilClosed([refused]);
    expect(refused.rstCode).not.toBe(0);
    expect([connection.isOpen, stream.closed]).toEqual([true, false]);
  });

  it("a stream whose request never comes ends, and no other one", async () => {
    await using server = await runHttp2Server({ request_timeout: "200ms" });
    using connection = new Connection(portOf(server));
    const stream = await connection.openLasting(lasting);
    const silent = connection.open(withBody);
    let answered: IncomingHttpHeaders = {};
    silent.on("response", (headers) => (answered = headers));
    const half = connection.open(withBody);
    half.write(Buffer.of(0));
    silent.resume();
    half.resume();
    await connection.untilClosed([silent, half]);
    // Deadline exceeded, where the protocol is gRPC.
    expect(answered["grpc-status"]).toBe("content-type" in withBody ? "4" : undefined);
    expect([connection.isOpen, stream.closed]).toEqual([true, false]);
  });

  it("a stream whose client goes on sending after its answer ends", async () => {
    await using server = await runHttp2Server({ request_timeout: "500ms" });
    using connection = new Connection(portOf(server));
    const answered = connection.open({ ...withBody, ":path": "/nowhere" });
    answered.write(Buffer.alloc(10));
    answered.resume();
    await connection.untilClosed([answered]);
    expect([answered.rstCode, connection.isOpen]).toEqual([constants.NGHTTP2_NO_ERROR, true]);
  });
});

describe("HTTP/2: what is shared", () => {
  it("clients that read nothing do not keep others on their connection from anything", async () => {
    await using server = await runHttp2Server();
    using connection = new Connection(server.port);
    const path = `/connection/uni_sse?cf_connect=${encodeURIComponent('{"subs":{"a":{}}}')}`;
    const slow = await Promise.all(
      Array.from({ length: 20 }, () => connection.openLasting({ ":path": path })),
    );
    for (const stream of slow) stream.pause();
    for (let count = 0; count < 3; count++) await server.publish("a", "x".repeat(1_000_000));
    const stream = await connection.openLasting({ ":path": "/connection/uni_sse?cf_connect=%7B%7D" });
    expect([connection.isOpen, stream.closed]).toEqual([true, false]);
  });

  it.each([
    [`/${CONSUME}`, "application/connect+proto"],
    [`/${CONSUME}`, "application/grpc"],
    ["/centrifugal.centrifugo.api.CentrifugoApi/Publish", "application/proto"],
    ["/centrifugal.centrifugo.api.CentrifugoApi/Publish", "application/grpc"],
    ["/api/publish", "application/json"],
    ["/connection/uni_sse", "application/json"],
  ])("a client that leaves in the middle of its request is nobody's failure: %s, %s", async (path, type) => {
    // It fails at the end where the server has logged an error.
    await using server = await runHttp2Server();
    using connection = new Connection(server.port);
    const left = connection.open({
      ":method": "POST",
      ":path": path,
      "content-type": type,
      "x-api-key": API_KEY,
    });
    left.write(Buffer.of(0, 0, 0));
    await new Promise<void>((resolve) => connection.session.ping(() => resolve()));
    left.close(constants.NGHTTP2_CANCEL);
    await connection.untilClosed([left]);
    await new Promise<void>((resolve) => connection.session.ping(() => resolve()));
    expect(connection.isOpen).toBe(true);
  });

  it.each([
    ["/centrifugal.centrifugo.api.CentrifugoApi/Publish", "application/proto", PUBLISH],
    ["/centrifugal.centrifugo.api.CentrifugoApi/Publish", "application/grpc", rawEnvelope(PUBLISH)],
    ["/api/publish", "application/json", Buffer.from('{"channel":"a","data":1}')],
  ])("a request that is cancelled before its end is not carried out: %s, %s", async (path, type, body) => {
    await using server = await runHttp2Server();
    await using listener = await openSse(server, { subs: { a: {} } });
    await listener.next();
    using raw = await RawConnection.open(server.port);
    raw.send(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(SETTINGS, 0)]));
    const fields = [
      ...Object.entries({ ":path": path, ":authority": "a", "content-type": type, "x-api-key": API_KEY }),
    ];
    // Two fields of HPACK's static table, and the others as literals (RFC 7541 §6).
    const head = Buffer.concat([
      Buffer.of(0x83, 0x86),
      ...fields.map(([name, value]) => literal(name, value)),
    ]);
    raw.send(Buffer.concat([frame(HEADERS, 1, head), frame(DATA, 1, body)]));
    // The answer to a PING comes when what was sent before it has been read.
    raw.send(frame(PING, 0, Buffer.from("1st ping")));
    await raw.until("1st ping");
    raw.send(frame(RST_STREAM, 1, Buffer.of(0, 0, 0, constants.NGHTTP2_CANCEL)));
    raw.send(frame(PING, 0, Buffer.from("2nd ping")));
    await raw.until("2nd ping");
    await server.publish("a", "behind it");
    expect((await listener.next()).pub?.data).toBe("behind it");
  });

  it("a time-out of months is none on the gRPC ports", async () => {
    await using server = await runHttp2Server();
    using connection = new Connection(server.addresses.uniGrpc?.port);
    const stream = connection.open({ ...GRPC, ":path": `/${CONSUME}`, "grpc-timeout": "2592000S" });
    stream.end(CONNECT_REQUEST);
    await once(stream, "data");
    const published = once(stream, "data");
    await server.publish("a", 1);
    await published;
    expect(stream.closed).toBe(false);
  });

  it("a time-out that is over ends the stream and its session on the gRPC port", async () => {
    await using server = await runHttp2Server();
    using connection = new Connection(server.addresses.uniGrpc?.port);
    const stream = connection.open({ ...GRPC, ":path": `/${CONSUME}`, "grpc-timeout": "100m" });
    stream.end(CONNECT_REQUEST);
    stream.resume();
    const [trailers] = (await once(stream, "trailers")) as [IncomingHttpHeaders];
    expect(trailers["grpc-status"]).toBe("4");
    await server.untilSessions(0);
  });

  it("a negative max_receive_message_size is no limit", async () => {
    await using server = await runServer({
      grpc_api: {
        enabled: true,
        address: "127.0.0.1",
        port: 0,
        max_receive_message_size: -2,
      },
    });
    using connection = new Connection(server.addresses.grpcApi?.port);
    const stream = connection.open({ ...GRPC, ":path": "/centrifugal.centrifugo.api.CentrifugoApi/Info" });
    stream.end(rawEnvelope(""));
    await vi.waitFor(async () => expect(await once(stream, "data")).toBeDefined(), { timeout: PATIENCE_MS });
  });
});
