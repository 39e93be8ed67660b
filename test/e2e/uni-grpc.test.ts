import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { DisconnectSchema, PushSchema } from "../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { Command, ROOT, runCommand } from "../support/command.ts";
import { bufferBytesInUse } from "../support/collect-garbage.ts";
import { callUnary } from "../support/grpc-calls.ts";
import { BUF, BUF_GRPC, CONSUME, GrpcPushStream, pushJsonOf } from "../support/grpc-push-stream.ts";
import { openHttpStream, openSse } from "../support/push-stream.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { PATIENCE_MS } from "../support/signal.ts";
import { hmacToken } from "../unit/auth/tokens.ts";
import { HAS_WORKERS } from "../support/workers.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;
const GRPC = { enabled: true, address: "127.0.0.1", port: 0 };
const OK = { code: status.OK, details: "OK" };

function runGrpcServer(config: ConfigInput = OPEN): Promise<RunningServer> {
  return runServer({ ...config, uni_grpc: { ...GRPC, ...config.uni_grpc } });
}

function withQueue(maxBytes: number): ConfigInput {
  return { ...OPEN, client: { ...OPEN.client, queue_max_size: maxBytes } };
}

function addressOf(server: RunningServer): string {
  return `127.0.0.1:${server.addresses.uniGrpc?.port}`;
}

/** A stream that has had its connect push, subscribed to channel `a`. */
async function openSubscribed(server: RunningServer): Promise<GrpcPushStream> {
  const stream = new GrpcPushStream(addressOf(server), { subs: { a: {} } });
  expect((await stream.next()).connect?.subs).toHaveProperty("a");
  return stream;
}

function pem(name: string): string {
  return join(ROOT, "test/support/tls", name);
}

describe("uni_grpc: connect", () => {
  it("uni 38: a bad token is told 3500, then the call ends with OK", async () => {
    await using server = await runGrpcServer();
    using stream = new GrpcPushStream(addressOf(server), { token: "bad" });
    expect((await stream.next()).disconnect).toEqual(
      create(DisconnectSchema, { code: 3500, reason: "invalid token" }),
    );
    expect(await stream.untilStatus()).toEqual(OK);
  });

  it("without credentials, 3501 and OK", async () => {
    await using server = await runGrpcServer({});
    using stream = new GrpcPushStream(addressOf(server));
    expect((await stream.next()).disconnect).toMatchObject({ code: 3501, reason: "bad request" });
    expect(await stream.untilStatus()).toEqual(OK);
  });

  it("metadata is not believed to name the user: user_id_http_header is one of the HTTP endpoints", async () => {
    await using server = await runGrpcServer({ client: { user_id_http_header: "X-U" } });
    const metadata = new Metadata();
    metadata.set("x-u", "admin");
    using stream = new GrpcPushStream(addressOf(server), {}, undefined, metadata);
    expect((await stream.next()).disconnect).toMatchObject({ code: 3501 });
  });

  it("uni 39: the connect push names 25 s between pings, whatever is configured", async () => {
    const pings = { ping_interval: "5s", pong_timeout: "1s" };
    await using server = await runGrpcServer({ ...OPEN, client: { ...OPEN.client, ...pings } });
    using stream = new GrpcPushStream(addressOf(server));
    const { connect } = await stream.next();
    expect(connect).toMatchObject({
      client: expect.stringMatching(UUID),
      session: expect.stringMatching(UUID),
      version: expect.stringMatching(/^\S+ OSS$/u),
      ping: 25,
      pong: false,
      expires: false,
      subs: {},
    });
  });

  it("the connect push says what it says on SSE", async () => {
    await using server = await runGrpcServer();
    const exp = Math.floor(Date.now() / 1000) + 1000;
    const token = hmacToken({ sub: "u", exp, subs: { b: { data: { x: 1 } } } });
    const request = { token, subs: { a: {} } };
    using grpc = new GrpcPushStream(addressOf(server), request);
    await using sse = await openSse(server, request);
    const { connect } = await grpc.next();
    const shown = (await sse.next()).connect;
    expect(connect).toMatchObject({ version: shown?.version, expires: true, ttl: expect.any(Number) });
    expect(Math.abs((connect?.ttl ?? 0) - (shown?.ttl ?? 0))).toBeLessThanOrEqual(1);
    expect(Object.keys(connect?.subs ?? {}).toSorted()).toEqual(Object.keys(shown?.subs ?? {}).toSorted());
    expect(Buffer.from(connect?.subs["b"]?.data ?? []).toString()).toBe('{"x":1}');
  });

  it("a request over the limit gets RESOURCE_EXHAUSTED", async () => {
    await using server = await runGrpcServer({ ...OPEN, uni_grpc: { max_receive_message_size: 1000 } });
    using over = new GrpcPushStream(addressOf(server), { data: new Uint8Array(1000) });
    expect((await over.untilStatus()).code).toBe(status.RESOURCE_EXHAUSTED);
    using within = new GrpcPushStream(addressOf(server), { data: new Uint8Array(990) });
    expect((await within.next()).connect).toBeDefined();
    expect(await server.sessionCount()).toBe(1);
  });

  it("a request that is no protobuf gets INTERNAL, and the server goes on", async () => {
    await using server = await runGrpcServer();
    const client = new Client(addressOf(server), credentials.createInsecure());
    onTestFinished(() => client.close());
    const call = client.makeServerStreamRequest(
      `/${CONSUME}`,
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes) => bytes,
      Buffer.of(0xff, 0xff),
    );
    call.resume();
    const { promise, resolve } = Promise.withResolvers<number>();
    call.on("error", () => undefined);
    call.on("status", ({ code }) => resolve(code));
    expect(await promise).toBe(status.INTERNAL);
    using stream = await openSubscribed(server);
    expect(await server.sessionCount()).toBe(1);
    stream.call.cancel();
  });
});

describe("uni_grpc: pushes", () => {
  it("a publication is the same push as on SSE", async () => {
    await using server = await runGrpcServer();
    using grpc = await openSubscribed(server);
    await using sse = await openSse(server, { subs: { a: {} } });
    await sse.next();
    await server.publish("a", { text: "ü<&>", big: 12345678901234 }, { k: "v" });
    expect(pushJsonOf(await grpc.next())).toEqual(await sse.next());
  });

  it("uni 63: a binary publication arrives as it is, and ends a JSON client of the channel with 3506", async () => {
    await using server = await runGrpcServer();
    using grpc = await openSubscribed(server);
    await using json = await openHttpStream(server, { subs: { a: {} } });
    await json.next();
    const payload = Buffer.of(0xff, 0x00, 0xfe, 0x0a);
    await server.publish("a", payload);
    const { channel, pub } = await grpc.next();
    expect([channel, Buffer.from(pub?.data ?? [])]).toEqual(["a", payload]);
    expect((await json.next()).disconnect).toEqual({ code: 3506, reason: "inappropriate protocol" });
    await server.publish("a", 1);
    expect(pushJsonOf(await grpc.next())).toEqual({ channel: "a", pub: { data: 1 } });
  });

  it("pushes of one turn arrive one by one and in order", async () => {
    await using server = await runGrpcServer();
    using stream = await openSubscribed(server);
    await Promise.all(Array.from({ length: 100 }, (_, index) => server.publish("a", index)));
    const received: unknown[] = [];
    while (received.length < 100) received.push(pushJsonOf(await stream.next()).pub?.data);
    expect(received).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it("a push larger than a client takes by default costs that client its stream only", async () => {
    await using server = await runGrpcServer({
      ...OPEN,
      client: { ...OPEN.client, queue_max_size: 20_000_000 },
    });
    using stream = await openSubscribed(server);
    await using sse = await openSse(server, { subs: { a: {} } });
    await sse.next();
    await server.publish("a", "x".repeat(5_000_000));
    expect((await stream.untilStatus()).code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await sse.next()).channel).toBe("a");
    await server.untilSessions(1);
  });
});

describe("uni_grpc: the end of a call", () => {
  it("a disconnect of the server API is the last push, and the call ends with OK", async () => {
    await using server = await runGrpcServer();
    using stream = await openSubscribed(server);
    await server.publish("a", 1);
    await server.disconnect("", 4501, "bye");
    expect((await stream.next()).pub).toBeDefined();
    expect((await stream.next()).disconnect).toMatchObject({ code: 4501, reason: "bye" });
    expect(await stream.untilStatus()).toEqual(OK);
  });

  it("a client that cancels leaves nothing behind", async () => {
    await using server = await runGrpcServer();
    using stream = await openSubscribed(server);
    stream.call.cancel();
    await server.untilSessions(0);
    expect(await server.counts()).toEqual({ clients: 0, users: 0, channels: 0, subs: 0 });
    expect(await server.stop()).toBe(true);
  });

  it("a client whose connection breaks leaves nothing behind", async () => {
    await using server = await runGrpcServer();
    await using buf = new Command(BUF, [
      ...BUF_GRPC,
      "-d",
      '{"subs":{"a":{}}}',
      `http://${addressOf(server)}/${CONSUME}`,
    ]);
    await buf.untilPrinted('"connect"');
    await buf[Symbol.asyncDispose]();
    await server.untilSessions(0);
    expect(await server.counts()).toEqual({ clients: 0, users: 0, channels: 0, subs: 0 });
  });

  it("uni 83: on shutdown the last push is 3001 and the status OK", async () => {
    await using server = await runGrpcServer();
    using stream = await openSubscribed(server);
    const stopped = server.stop();
    expect((await stream.next()).disconnect).toMatchObject({ code: 3001, reason: "shutdown" });
    expect(await stream.untilStatus()).toEqual(OK);
    expect(await stopped).toBe(true);
  });

  it("uni 84: a client that does not read is dropped without a disconnect push, and others go on", async () => {
    await using server = await runGrpcServer(withQueue(1_000_000));
    using reader = await openSubscribed(server);
    using stream = await openSubscribed(server);
    stream.call.pause();
    const payload = "x".repeat(100_000);
    let published = 0;
    while ((await server.sessionCount()) > 1) {
      await server.publish("a", payload);
      await reader.next();
      published += 1;
      expect(published).toBeLessThan(1000);
    }
    stream.call.resume();
    expect((await stream.untilStatus()).code).toBe(status.RESOURCE_EXHAUSTED);
    for (const bytes of stream.messages) expect(fromBinary(PushSchema, bytes).disconnect).toBeUndefined();
    await server.publish("a", 1);
    expect(pushJsonOf(await reader.next()).pub).toEqual({ data: 1 });
  });

  // What workers hold cannot be looked at from here.
  it.skipIf(HAS_WORKERS)(
    "uni 84: what was queued for a client that does not read is freed while it is still there",
    async () => {
      await using server = await runGrpcServer(withQueue(60_000_000));
      using stream = await openSubscribed(server);
      stream.call.pause();
      const before = await bufferBytesInUse();
      for (let count = 0; count < 50; count++) await server.publish("a", Buffer.alloc(1_000_000, 0xff));
      expect((await bufferBytesInUse()) - before).toBeGreaterThan(40_000_000);
      await server.publish("a", Buffer.alloc(20_000_000, 0xff));
      await server.untilSessions(0);
      // Node lets go of a stream that was reset some turns later.
      await vi.waitFor(async () => expect((await bufferBytesInUse()) - before).toBeLessThan(20_000_000), {
        timeout: PATIENCE_MS,
      });
    },
  );

  it("uni 84: a client that never reads again does not hold up the shutdown", async () => {
    await using server = await runGrpcServer({
      ...OPEN,
      client: { ...OPEN.client, queue_max_size: 100_000 },
    });
    using stream = await openSubscribed(server);
    stream.call.pause();
    await server.publish("a", "x".repeat(100_001));
    await server.untilSessions(0);
    expect(await server.stop()).toBe(true);
  });
});

describe("uni_grpc: other clients and services", () => {
  it("buf curl listens, knowing the schema by reflection", async () => {
    await using server = await runGrpcServer();
    const url = `http://${addressOf(server)}`;
    await using buf = new Command(BUF, [...BUF_GRPC, "-d", '{"subs":{"a":{}}}', `${url}/${CONSUME}`]);
    await buf.untilPrinted('"connect"');
    await server.publish("a", { input: 1 });
    await buf.untilPrinted('"pub"');
    expect(buf.stdout).toContain(Buffer.from('{"input":1}').toString("base64"));
    await server.disconnect("", 3503, "force disconnect");
    expect(await buf.untilEnd()).toEqual({ status: 0, signal: null });
    expect(buf.stdout).toContain('"force disconnect"');
    const listed = await runCommand(BUF, [...BUF_GRPC, "--list-methods", url]);
    expect(listed.stdout.split("\n")).toEqual(
      expect.arrayContaining([CONSUME, "grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch"]),
    );
  });

  it("health: the stream service serves, and watchers hear of the shutdown", async () => {
    await using server = await runGrpcServer();
    const client = new Client(addressOf(server), credentials.createInsecure());
    onTestFinished(() => client.close());
    const [service = ""] = CONSUME.split("/");
    expect(await callUnary(client, Health.method.check, { service })).toMatchObject({
      status: ServingStatus.SERVING,
    });
    await using watch = new Command(BUF, [
      ...BUF_GRPC,
      "-d",
      JSON.stringify({ service }),
      `http://${addressOf(server)}/grpc.health.v1.Health/Watch`,
    ]);
    await watch.untilPrinted('"SERVING"');
    expect(await server.stop()).toBe(true);
    await watch.untilPrinted('"NOT_SERVING"');
    expect((await watch.untilEnd()).status).not.toBe(0);
  });
});

describe("uni_grpc: TLS", () => {
  const identity = { enabled: true, cert_pem: pem("server.pem"), key_pem: pem("server-key.pem") };
  const ca = readFileSync(pem("ca.pem"));

  it("serves clients that trust the certificate's authority, and no plain text", async () => {
    await using server = await runGrpcServer({ ...OPEN, uni_grpc: { tls: identity } });
    using trusting = new GrpcPushStream(addressOf(server), {}, credentials.createSsl(ca));
    expect((await trusting.next()).connect).toBeDefined();
    using plain = new GrpcPushStream(addressOf(server));
    expect((await plain.untilStatus()).code).toBe(status.UNAVAILABLE);
    const port = server.addresses.uniGrpc?.port;
    await using buf = new Command(BUF, [
      "curl",
      "--protocol",
      "grpc",
      "--cacert",
      pem("ca.pem"),
      "-d",
      "{}",
      `https://localhost:${port}/${CONSUME}`,
    ]);
    await buf.untilPrinted('"connect"');
  });

  it("with an authority of clients, a client needs a certificate of it", async () => {
    const tls = { ...identity, client_ca_pem: pem("ca.pem") };
    await using server = await runGrpcServer({ ...OPEN, uni_grpc: { tls } });
    const key = readFileSync(pem("client-key.pem"));
    const known = credentials.createSsl(ca, key, readFileSync(pem("client.pem")));
    using accepted = new GrpcPushStream(addressOf(server), {}, known);
    expect((await accepted.next()).connect).toBeDefined();
    using refused = new GrpcPushStream(addressOf(server), {}, credentials.createSsl(ca));
    expect((await refused.untilStatus()).code).toBe(status.UNAVAILABLE);
  });
});
