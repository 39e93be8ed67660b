import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { fromBinary, toBinary, create, fromJsonString } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import {
  ConnectRequestSchema,
  type Push,
  PushSchema,
} from "../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { Command, runCommand } from "../support/command.ts";
import { BUF, BUF_GRPC, CONSUME, GrpcPushStream, pushJsonOf } from "../support/grpc-push-stream.ts";
import { Http2Client } from "../support/http2-client.ts";
import { openSse } from "../support/push-stream.ts";
import { callRaw, codeName, rawEnvelope, type RpcOutcome } from "../support/rpc-call.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";

/** The forms in which `Consume` can be asked for on the HTTP port: name, content type, header of compression and time. */
const FORMS = [
  ["Connect", "application/connect+proto", "connect-content-encoding", "connect-timeout-ms"],
  ["Connect with JSON", "application/connect+json", "connect-content-encoding", "connect-timeout-ms"],
  ["gRPC", "application/grpc", "grpc-encoding", "grpc-timeout"],
  ["gRPC with JSON", "application/grpc+json", "grpc-encoding", "grpc-timeout"],
  ["gRPC-Web", "application/grpc-web+proto", "grpc-encoding", "grpc-timeout"],
  ["gRPC-Web as text", "application/grpc-web-text", "grpc-encoding", "grpc-timeout"],
] as const;

const MAX_BYTES = 2000;

function runConsumeServer(config: ConfigInput = OPEN): Promise<RunningServer> {
  const uniGrpc = {
    enabled: true,
    address: "127.0.0.1",
    port: 0,
    max_receive_message_size: MAX_BYTES,
    ...config.uni_grpc,
  };
  return runServer({ ...config, uni_grpc: uniGrpc });
}

/** A connect request in the form that a content type wants. */
function requestIn(contentType: string, data = ""): Uint8Array {
  if (contentType.includes("json")) {
    return Buffer.from(JSON.stringify({ subs: { a: {} }, data: Buffer.from(data).toString("base64") }));
  }
  return toBinary(
    ConnectRequestSchema,
    create(ConnectRequestSchema, { subs: { a: {} }, data: Buffer.from(data) }),
  );
}

function pushIn(contentType: string, message: Buffer | undefined): Push {
  if (message === undefined) throw new Error("no push");
  return contentType.includes("json")
    ? fromJsonString(PushSchema, message.toString())
    : fromBinary(PushSchema, message);
}

describe.each(FORMS)("Consume on the HTTP port: %s", (_name, contentType, encodingHeader, timeoutHeader) => {
  const consume = (
    server: RunningServer,
    body: Buffer,
    headers: Readonly<Record<string, string>> = {},
    endsRequest = true,
  ): Promise<RpcOutcome> => {
    const bytes = contentType.includes("-text") ? Buffer.from(body.toString("base64")) : body;
    return callRaw(server.origin, { path: `/${CONSUME}`, contentType, body: bytes, headers, endsRequest });
  };
  /** The same number of milliseconds in either protocol's words. */
  const patience = (ms: number): Record<string, string> => ({
    [timeoutHeader]: timeoutHeader === "grpc-timeout" ? `${ms}m` : String(ms),
  });
  const request = requestIn(contentType);

  it.each([
    ["no envelope", Buffer.alloc(0), Code.Unimplemented],
    ["half a prefix", Buffer.of(0, 0), Code.InvalidArgument],
    ["half an envelope", rawEnvelope(request).subarray(0, 7), Code.InvalidArgument],
    ["two envelopes", Buffer.concat([rawEnvelope(request), rawEnvelope(request)]), Code.Unimplemented],
    ["unknown flags", rawEnvelope(request, 4), Code.InvalidArgument],
    ["a message that is none", rawEnvelope(Buffer.of(0xff, 0xff)), Code.InvalidArgument],
    ["a compressed message without a word about it", rawEnvelope(request, 1), Code.Internal],
    [
      "a message over the limit",
      rawEnvelope(requestIn(contentType, "x".repeat(MAX_BYTES))),
      Code.ResourceExhausted,
    ],
    [
      "a message that says it is over the limit",
      Buffer.of(0, 0xff, 0xff, 0xff, 0xff),
      Code.ResourceExhausted,
    ],
  ])("%s is an error of the protocol", async (_what, body, code) => {
    await using server = await runConsumeServer();
    const outcome = await consume(server, body);
    expect([outcome.status, codeName(outcome.code), outcome.messages]).toEqual([200, codeName(code), []]);
    expect(outcome.message).not.toBe("");
    expect(await server.sessionCount()).toBe(0);
  });

  it("a compressed request is read", async () => {
    await using server = await runConsumeServer({});
    const outcome = await consume(server, rawEnvelope(gzipSync(request), 1), { [encodingHeader]: "gzip" });
    expect(pushIn(contentType, outcome.messages[0]).disconnect?.code).toBe(3501);
    expect(codeName(outcome.code)).toBe("ok");
  });

  it("an unknown compression is refused with the known ones; what is no gzip, or too much of it, too", async () => {
    await using server = await runConsumeServer();
    const unknown = await consume(server, rawEnvelope(request, 1), { [encodingHeader]: "lzma" });
    expect([codeName(unknown.code), unknown.message]).toEqual([
      "Unimplemented",
      expect.stringContaining("gzip"),
    ]);
    const accepted = encodingHeader.replace("content-", "").replace("encoding", "accept-encoding");
    expect(unknown.headers[accepted]).toBe("gzip,br");
    const gzip = { [encodingHeader]: "gzip" };
    const garbage = await consume(server, rawEnvelope("no gzip", 1), gzip);
    expect(codeName(garbage.code)).toBe("InvalidArgument");
    const cut = await consume(server, rawEnvelope(gzipSync(request).subarray(0, 12), 1), gzip);
    expect(codeName(cut.code)).toBe("InvalidArgument");
    const bomb = await consume(server, rawEnvelope(gzipSync(Buffer.alloc(1_000_000)), 1), gzip);
    expect(codeName(bomb.code)).toBe("ResourceExhausted");
  });

  it("a time-out that is none is refused", async () => {
    await using server = await runConsumeServer();
    const outcome = await consume(server, rawEnvelope(request), { [timeoutHeader]: "soon" });
    expect([outcome.status, codeName(outcome.code)]).toEqual([200, "InvalidArgument"]);
  });

  it("a time-out ends the stream, and the session with it", async () => {
    await using server = await runConsumeServer();
    const outcome = await consume(server, rawEnvelope(request), patience(200));
    expect(pushIn(contentType, outcome.messages[0]).connect?.subs).toHaveProperty("a");
    expect([outcome.status, codeName(outcome.code)]).toEqual([200, "DeadlineExceeded"]);
    await server.untilSessions(0);
    expect(await server.counts()).toEqual({ clients: 0, users: 0, channels: 0, subs: 0 });
  });

  it("a time-out of years is none", async () => {
    await using server = await runConsumeServer({});
    const years = timeoutHeader === "grpc-timeout" ? "99999999H" : "9999999999";
    const outcome = await consume(server, rawEnvelope(request), { [timeoutHeader]: years });
    expect(codeName(outcome.code)).toBe("ok");
  });

  it("a time-out counts while the request is on its way", async () => {
    await using server = await runConsumeServer();
    const outcome = await consume(server, rawEnvelope(request).subarray(0, 3), patience(100), false);
    expect(codeName(outcome.code)).toBe("DeadlineExceeded");
  });

  it("over a limit of connections, the protocol says so", async () => {
    await using server = await runConsumeServer({ client: { ...OPEN.client, connection_limit: 1 } });
    await using other = await openSse(server);
    await other.next();
    const outcome = await consume(server, rawEnvelope(request));
    expect([outcome.status, codeName(outcome.code)]).toEqual([200, "Unavailable"]);
  });
});

describe("Consume on the HTTP port: plain gRPC", () => {
  it("is served as on its own port", async () => {
    await using server = await runConsumeServer();
    using stream = new GrpcPushStream(`127.0.0.1:${server.port}`, { subs: { a: {} } });
    expect((await stream.next()).connect?.subs).toHaveProperty("a");
    await server.publish("a", { x: 1 });
    expect(pushJsonOf(await stream.next())).toEqual({ channel: "a", pub: { data: { x: 1 } } });
    expect(await server.connectionsOf("")).toMatchObject([{ transport: "uni_grpc", protocol: "protobuf" }]);
    await server.disconnect("", 4501, "bye");
    expect((await stream.next()).disconnect).toMatchObject({ code: 4501, reason: "bye" });
    expect((await stream.untilStatus()).code).toBe(0);
  });

  it("tells its schema to who asks, and does not wait for them at the end", async () => {
    await using server = await runConsumeServer();
    const url = `http://127.0.0.1:${server.port}`;
    await using buf = new Command(BUF, [...BUF_GRPC, "-d", '{"subs":{"a":{}}}', `${url}/${CONSUME}`]);
    await buf.untilPrinted('"connect"');
    const listed = await runCommand(BUF, [...BUF_GRPC, "--list-methods", url]);
    expect(listed.stdout).toContain(CONSUME);
    for (const version of ["v1", "v1alpha"]) {
      const asked = await callRaw(server.origin, {
        path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        contentType: "application/grpc",
        body: rawEnvelope(Buffer.of(0x3a, 1, 0x2a)),
      });
      expect([codeName(asked.code), asked.messages.toString()]).toEqual([
        "ok",
        expect.stringContaining("CentrifugoUniStream"),
      ]);
      const nothing = await callRaw(server.origin, {
        path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        contentType: "application/grpc",
        body: rawEnvelope(""),
      });
      expect(codeName(nothing.code)).toBe("InvalidArgument");
    }
    using client = new Http2Client(server.origin);
    const open = client.session.request({
      ":method": "POST",
      ":path": "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      "content-type": "application/grpc",
    });
    open.write(rawEnvelope(Buffer.of(0x3a, 1, 0x2a)));
    await once(open, "data");
    const ended = once(open, "trailers");
    expect(await server.stop()).toBe(true);
    expect((await ended)[0]).toMatchObject({ "grpc-status": "0" });
  });

  it("keeps its schema for itself where reflection is off", async () => {
    await using server = await runConsumeServer({ ...OPEN, uni_grpc: { reflection: false } });
    const response = await fetch(
      `${server.origin}/grpc.reflection.v1.ServerReflection/ServerReflectionInfo`,
      { method: "POST", headers: { "Content-Type": "application/grpc" } },
    );
    expect(response.status).toBe(404);
  });

  it("a client that does not read is dropped with RESOURCE_EXHAUSTED", async () => {
    await using server = await runConsumeServer({
      ...OPEN,
      client: { ...OPEN.client, queue_max_size: 100_000 },
    });
    using stream = new GrpcPushStream(`127.0.0.1:${server.port}`, { subs: { a: {} } });
    await stream.next();
    stream.call.pause();
    await server.publish("a", "x".repeat(100_001));
    await server.untilSessions(0);
    stream.call.resume();
    expect((await stream.untilStatus()).code).toBe(Code.ResourceExhausted);
  });

  it("over HTTP/1.1, which has no place for its errors, it gets 505", async () => {
    await using server = await runConsumeServer();
    const response = await fetch(`${server.origin}/${CONSUME}`, {
      method: "POST",
      headers: { "Content-Type": "application/grpc" },
      body: new Uint8Array(5),
    });
    expect(response.status).toBe(505);
  });
});
