import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { CentrifugoApi, PublishRequestSchema } from "../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { API_CONFIG, API_KEY } from "../support/api-client.ts";
import { httpRequest, parseResponse, RawConnection } from "../support/raw-connection.ts";
import { callRaw, codeName, rawEnvelope, type RpcOutcome } from "../support/rpc-call.ts";
import { type RunningServer, runServer } from "../support/running-server.ts";

const MAX_BYTES = 2000;
const PATH = `/${CentrifugoApi.typeName}/Publish`;
const REQUEST = toBinary(
  PublishRequestSchema,
  create(PublishRequestSchema, { channel: "a", data: Buffer.from("1") }),
);
const TOO_LARGE = toBinary(
  PublishRequestSchema,
  create(PublishRequestSchema, { data: Buffer.alloc(MAX_BYTES) }),
);
const MALFORMED = Buffer.of(0xff, 0xff);

function runApiServer(): Promise<RunningServer> {
  return runServer({
    http_api: { ...API_CONFIG, max_request_body_size: MAX_BYTES },
    grpc_api: {
      enabled: true,
      address: "127.0.0.1",
      port: 0,
      key: API_KEY,
      max_receive_message_size: MAX_BYTES,
    },
  });
}

/** Doors that carry messages in envelopes: name, content type, whether on the port of gRPC. */
const ENVELOPE_DOORS = [
  ["gRPC on the HTTP port", "application/grpc", false],
  ["gRPC-Web", "application/grpc-web+proto", false],
  ["gRPC on its own port", "application/grpc", true],
] as const;

describe.each(ENVELOPE_DOORS)("server API over %s", (_name, contentType, onGrpcPort) => {
  const call = (
    server: RunningServer,
    body: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RpcOutcome> => {
    const origin = onGrpcPort ? `http://127.0.0.1:${server.addresses.grpcApi?.port}` : server.origin;
    const key = { authorization: `apikey ${API_KEY}` };
    return callRaw(origin, { path: PATH, contentType, body, headers: { ...key, ...headers } });
  };

  it.each([
    ["nothing", Buffer.alloc(0), "Unimplemented"],
    ["two messages", Buffer.concat([rawEnvelope(REQUEST), rawEnvelope(REQUEST)]), "Unimplemented"],
    [
      "half an envelope",
      rawEnvelope(REQUEST).subarray(0, 8),
      onGrpcPort ? "Unimplemented" : "InvalidArgument",
    ],
    // What the libraries of gRPC say, and callers of Centrifugo see.
    ["no protobuf", rawEnvelope(MALFORMED), onGrpcPort ? "Internal" : "InvalidArgument"],
    ["a message over the limit", rawEnvelope(TOO_LARGE), "ResourceExhausted"],
    ["a length over the limit", Buffer.of(0, 0xff, 0xff, 0xff, 0xff), "ResourceExhausted"],
  ])("%s is an error of the protocol", async (_what, body, code) => {
    await using server = await runApiServer();
    const outcome = await call(server, body);
    expect([outcome.status, codeName(outcome.code), outcome.messages]).toEqual([200, code, []]);
  });

  it("compressed requests are read; what is no gzip is refused", async () => {
    await using server = await runApiServer();
    const gzip = { "grpc-encoding": "gzip" };
    const good = await call(server, rawEnvelope(gzipSync(REQUEST), 1), gzip);
    expect([codeName(good.code), good.messages.length]).toEqual(["ok", 1]);
    const garbage = await call(server, rawEnvelope("garbage", 1), gzip);
    expect(codeName(garbage.code)).toBe(onGrpcPort ? "Internal" : "InvalidArgument");
    const cut = await call(server, rawEnvelope(gzipSync(REQUEST).subarray(0, 12), 1), gzip);
    expect(codeName(cut.code)).toBe(onGrpcPort ? "Internal" : "InvalidArgument");
    const bomb = await call(server, rawEnvelope(gzipSync(Buffer.alloc(100_000)), 1), gzip);
    expect(codeName(bomb.code)).toBe("ResourceExhausted");
    const unknown = await call(server, rawEnvelope(REQUEST, 1), { "grpc-encoding": "lzma" });
    expect(codeName(unknown.code)).toBe("Unimplemented");
  });

  it("a time-out that is none is refused, one of years is none", async () => {
    await using server = await runApiServer();
    const soon = await call(server, rawEnvelope(REQUEST), { "grpc-timeout": "soon" });
    expect(codeName(soon.code)).toBe(onGrpcPort ? "Internal" : "InvalidArgument");
    const years = await call(server, rawEnvelope(REQUEST), { "grpc-timeout": "99999999H" });
    expect([codeName(years.code), years.messages.length]).toEqual(["ok", 1]);
  });

  it("without the key, what is wrong with the request is not told", async () => {
    await using server = await runApiServer();
    const outcome = await call(server, rawEnvelope(REQUEST), { authorization: "" });
    expect(codeName(outcome.code)).toBe("Unauthenticated");
  });
});

describe.each([
  ["binary", "application/proto", REQUEST, MALFORMED],
  ["JSON", "application/json", Buffer.from('{"channel":"a","data":"MQ=="}'), Buffer.from("{")],
] as const)("server API over Connect in %s", (_name, contentType, request, malformed) => {
  const call = (
    server: RunningServer,
    body: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RpcOutcome> => {
    return callRaw(server.origin, {
      path: PATH,
      contentType,
      body,
      headers: { "x-api-key": API_KEY, ...headers },
    });
  };

  it("a malformed message is 400 invalid_argument, compressed or not", async () => {
    await using server = await runApiServer();
    const plain = await call(server, malformed);
    expect([plain.status, codeName(plain.code)]).toEqual([400, "InvalidArgument"]);
    const gzip = { "content-encoding": "gzip" };
    const compressed = await call(server, gzipSync(malformed), gzip);
    expect([compressed.status, codeName(compressed.code)]).toEqual([400, "InvalidArgument"]);
    for (const body of [Buffer.from("garbage"), gzipSync(request).subarray(0, 12)]) {
      const garbage = await call(server, body, gzip);
      expect([garbage.status, codeName(garbage.code)]).toEqual([400, "InvalidArgument"]);
    }
    const bomb = await call(server, gzipSync(Buffer.alloc(100_000)), gzip);
    expect([bomb.status, codeName(bomb.code)]).toEqual([429, "ResourceExhausted"]);
    const unknown = await call(server, request, { "content-encoding": "lzma" });
    expect([unknown.status, codeName(unknown.code)]).toEqual([501, "Unimplemented"]);
  });

  it("compressed requests are read", async () => {
    await using server = await runApiServer();
    const outcome = await call(server, gzipSync(request), { "content-encoding": "gzip" });
    expect(codeName(outcome.code)).toBe("ok");
  });

  it("a message over the limit is 429 resource_exhausted", async () => {
    await using server = await runApiServer();
    const outcome = await call(server, Buffer.alloc(MAX_BYTES + 1, " "));
    expect([outcome.status, codeName(outcome.code)]).toEqual([429, "ResourceExhausted"]);
  });
});

describe("server API over gRPC-Web on HTTP/1", () => {
  it("a request without a host is 400, and none of our failures", async () => {
    await using server = await runApiServer();
    using connection = await RawConnection.open(server.port);
    const head = `POST ${PATH} HTTP/1.0\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: 0\r\n\r\n`;
    connection.send(head);
    expect(parseResponse(await connection.untilEnd()).statusLine).toBe("HTTP/1.1 400 Bad Request");
  });

  it("a caller that leaves in the middle of its request is nobody's failure", async () => {
    await using server = await runApiServer();
    using connection = await RawConnection.open(server.port);
    const headers = {
      "Content-Type": "application/grpc-web+proto",
      "X-API-Key": API_KEY,
      "Content-Length": "100",
    };
    connection.send(httpRequest("POST", PATH, { headers }) + "half");
    // Another call on another connection is answered behind it.
    connection.socket.destroy();
    const outcome = await callRaw(server.origin, {
      path: PATH,
      contentType: "application/proto",
      body: REQUEST,
      headers: { "x-api-key": API_KEY },
    });
    expect(codeName(outcome.code)).toBe("ok");
  });
});
