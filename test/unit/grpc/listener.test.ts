import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { afterEach, describe, expect, onTestFinished, it, vi } from "vitest";
import { CentrifugoApi, PublishResponseSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import {
  Health,
  type HealthCheckRequest,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from "../../../gen/grpc/health/v1/health_pb.ts";
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import { GrpcListener, type GrpcListenerOptions } from "../../../src/grpc/listener.ts";
import { DEFAULT_HTTP2_LIMITS } from "../../../src/lib/http2-limits.ts";
import { bufCurl, callUnary } from "../../support/grpc-calls.ts";
import { HALF_A_HEADER_BLOCK, HTTP2_START } from "../../support/http2-frames.ts";
import { httpRequest, RawConnection } from "../../support/raw-connection.ts";
import { probesClient, SHOWS_KEEPALIVE } from "../../support/tcp-keepalive.ts";
import { createIdentity } from "../../support/tls-identity.ts";

const PLAIN: GrpcListenerOptions = {
  host: "127.0.0.1",
  port: 0,
  maxReceiveMessageBytes: 0,
  tls: undefined,
  reflection: true,
};
const NOW = AbortSignal.abort();
const NO_NAME_CHECK = { checkServerIdentity: () => undefined };

/** A listener with the server API, of which `publish` answers and `info` never does. */
async function startListener(
  options: Partial<GrpcListenerOptions> = {},
): Promise<{ listener: GrpcListener; port: number }> {
  const listener = new GrpcListener({ ...PLAIN, ...options });
  listener.addService(CentrifugoApi, {
    publish: (_call: unknown, callback: (error: null, value: unknown) => void) =>
      callback(null, create(PublishResponseSchema, { result: { offset: 7n } })),
    info: () => undefined,
  });
  onTestFinished(() => listener.stop(NOW));
  return { listener, port: (await listener.start()).port };
}

function connect(port: number, creds = credentials.createInsecure()): Client {
  const client = new Client(`127.0.0.1:${port}`, creds, { "grpc.ssl_target_name_override": "localhost" });
  onTestFinished(() => client.close());
  return client;
}

function watch(client: Client, service: string): ClientReadableStream<unknown> {
  return client.makeServerStreamRequest(
    "/grpc.health.v1.Health/Watch",
    (request: HealthCheckRequest) => Buffer.from(toBinary(HealthCheckRequestSchema, request)),
    (bytes) => fromBinary(HealthCheckResponseSchema, bytes).status,
    create(HealthCheckRequestSchema, { service }),
  );
}

/** Publishes and returns the offset that the fake handler answers with. */
async function publish(client: Client): Promise<bigint | undefined> {
  const { result } = await callUnary(client, CentrifugoApi.method.publish, {});
  return result?.offset;
}

/** Stops with a deadline that never comes. */
async function stopPatiently(listener: GrpcListener): Promise<"stopped"> {
  await listener.stop(new AbortController().signal);
  return "stopped";
}

function pemText(name: string): string {
  return readFileSync(join(import.meta.dirname, "../../support/tls", name), "utf8");
}

async function codeOf(call: Promise<unknown>): Promise<{ code: status; details: string }> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as ServiceError,
  );
  return { code: error?.code ?? status.OK, details: error?.details ?? "" };
}

describe("GrpcListener", () => {
  it("serves on a port that the system chose", async () => {
    const { port } = await startListener();
    expect(port).toBeGreaterThan(0);
    expect(await publish(connect(port))).toBe(7n);
  });

  it("an empty host means all interfaces", async () => {
    const { port } = await startListener({ host: "" });
    expect(await publish(connect(port))).toBe(7n);
  });

  it("a port that is taken is an error of start", async () => {
    const other = createServer();
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const listener = new GrpcListener({ ...PLAIN, port });
    await expect(listener.start()).rejects.toMatchObject({
      code: "EADDRINUSE",
      port,
    });
  });

  it("methods without handler are unimplemented", async () => {
    const { port } = await startListener();
    const call = callUnary(connect(port), CentrifugoApi.method.connections, {});
    expect(await codeOf(call)).toEqual({
      code: status.UNIMPLEMENTED,
      details: "method Connections not implemented",
    });
  });

  it("a message over the limit is refused", async () => {
    const { port } = await startListener({ maxReceiveMessageBytes: 1000 });
    const client = connect(port);
    await callUnary(client, CentrifugoApi.method.publish, { data: new Uint8Array(900) });
    const call = callUnary(client, CentrifugoApi.method.publish, { data: new Uint8Array(1001) });
    expect((await codeOf(call)).code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it("cuts a connection whose header block does not end, and none that is idle", async () => {
    const requestTimeoutMs = 200;
    const { port } = await startListener({ http2: { ...DEFAULT_HTTP2_LIMITS, requestTimeoutMs } });
    using idle = await RawConnection.open(port);
    idle.send(HTTP2_START);
    const client = connect(port);
    expect(await publish(client)).toBe(7n);
    const state = client.getChannel().getConnectivityState(false);
    using stuck = await RawConnection.open(port);
    const startMs = performance.now();
    stuck.send(HTTP2_START);
    stuck.send(HALF_A_HEADER_BLOCK);
    await stuck.untilClosed();
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(requestTimeoutMs - 10);
    expect(client.getChannel().getConnectivityState(false)).toBe(state);
    expect(idle.isClosed).toBe(false);
  });

  it("stop waits for calls in flight no longer than its deadline", async () => {
    const { listener, port } = await startListener();
    const client = connect(port);
    expect(await publish(client)).toBe(7n);
    const pending = codeOf(callUnary(client, CentrifugoApi.method.info, {}));
    expect(await publish(client)).toBe(7n);
    const deadline = new AbortController();
    const stopped = listener.stop(deadline.signal);
    deadline.abort();
    await stopped;
    expect((await pending).code).not.toBe(status.OK);
    await listener.stop(deadline.signal);
  });

  it("stop resolves by itself when nothing is in flight", async () => {
    const { listener, port } = await startListener();
    expect(await publish(connect(port))).toBe(7n);
    expect(await stopPatiently(listener)).toBe("stopped");
  });
});

describe("TLS", () => {
  const ca = Buffer.from(pemText("ca.pem"));
  const identity = { cert: pemText("server.pem"), key: pemText("server-key.pem"), clientCa: undefined };

  it("serves with its certificate", async () => {
    const { port } = await startListener({ tls: identity });
    expect(await publish(connect(port, credentials.createSsl(ca)))).toBe(7n);
  });

  it("with an authority of clients, a client needs a certificate of it", async () => {
    const { port } = await startListener({ tls: { ...identity, clientCa: pemText("ca.pem") } });
    const known = credentials.createSsl(
      ca,
      Buffer.from(pemText("client-key.pem")),
      Buffer.from(pemText("client.pem")),
    );
    expect(await publish(connect(port, known))).toBe(7n);
    const call = callUnary(connect(port, credentials.createSsl(ca)), CentrifugoApi.method.publish, {});
    expect((await codeOf(call)).code).toBe(status.UNAVAILABLE);
  });

  it("tells a client in plain text to use TLS", async () => {
    const { port } = await startListener({ tls: identity });
    using client = await RawConnection.open(port);
    client.send(httpRequest("GET", "/"));
    expect(await client.untilEnd()).toMatch(/^HTTP\/1.1 400 Bad Request\r\n[^]*This port takes TLS only/u);
  });

  it("shows a renewed certificate to new connections, and leaves those that are there", async () => {
    const { listener, port } = await startListener({ tls: identity });
    const client = connect(port, credentials.createSsl(ca));
    expect(await publish(client)).toBe(7n);
    const renewed = createIdentity();
    listener.renewTls(renewed);
    const another = connect(
      port,
      credentials.createSsl(Buffer.from(renewed.cert), null, null, NO_NAME_CHECK),
    );
    expect(await publish(another)).toBe(7n);
    expect(await publish(client)).toBe(7n);
  });

  it("stop does not wait for handshakes", async () => {
    const { listener, port } = await startListener({ tls: identity });
    using silent = await RawConnection.open(port);
    using shaking = await RawConnection.open(port);
    shaking.send(Uint8Array.of(0x16, 3, 1));
    await once(connectTls({ port, ALPNProtocols: ["h2"], rejectUnauthorized: false }), "secureConnect");
    expect(await stopPatiently(listener)).toBe("stopped");
    await Promise.all([silent.untilEnd(), shaking.untilEnd()]);
  });
});

it.skipIf(!SHOWS_KEEPALIVE)("TCP keepalive probes clients that are silent", async () => {
  const { port } = await startListener();
  using client = await RawConnection.open(port);
  await vi.waitFor(() => expect(probesClient(client.socket)).toBe(true));
});

describe("health", () => {
  it("known services serve, unknown ones are not found", async () => {
    const client = connect((await startListener()).port);
    for (const service of ["", CentrifugoApi.typeName]) {
      expect(await callUnary(client, Health.method.check, { service })).toMatchObject({
        status: ServingStatus.SERVING,
      });
    }
    expect((await codeOf(callUnary(client, Health.method.check, { service: "nope" }))).code).toBe(
      status.NOT_FOUND,
    );
    const { statuses } = await callUnary(client, Health.method.list, {});
    expect(Object.keys(statuses)).toEqual(["", CentrifugoApi.typeName]);
  });

  it("watchers hear that the server stops, and do not hold it up", async () => {
    const { listener, port } = await startListener();
    const client = connect(port);
    const known = watch(client, "");
    const unknown = watch(client, "nope");
    const heard: unknown[] = [];
    known.on("data", (value) => heard.push(value));
    const ends = Promise.all([known, unknown].map((stream) => once(stream, "error")));
    expect(await once(unknown, "data")).toEqual([ServingStatus.SERVICE_UNKNOWN]);
    await stopPatiently(listener);
    const codes = (await ends).map(([error]) => (error as ServiceError).code);
    expect(codes).toEqual([status.UNAVAILABLE, status.UNAVAILABLE]);
    expect(heard).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  });
});

describe("reflection", () => {
  type Stream = ClientDuplexStream<Uint8Array, ServerReflectionResponse>;
  let stream: Stream | undefined;
  afterEach(() => stream?.cancel());

  function open(client: Client, version = "v1"): Stream {
    const opened: Stream = client.makeBidiStreamRequest(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes) => fromBinary(ServerReflectionResponseSchema, bytes),
    );
    opened.on("error", () => undefined);
    stream = opened;
    return opened;
  }

  async function ask(
    opened: Stream,
    messageRequest: ServerReflectionRequest["messageRequest"],
  ): Promise<ServerReflectionResponse["messageResponse"]> {
    const request = create(ServerReflectionRequestSchema, { host: "h", messageRequest });
    opened.write(toBinary(ServerReflectionRequestSchema, request));
    const [response] = (await once(opened, "data")) as [ServerReflectionResponse];
    expect(response).toMatchObject({ validHost: "h", originalRequest: request });
    return response.messageResponse;
  }

  it.each(["v1", "v1alpha"])("%s answers every kind of question", async (version) => {
    const opened = open(connect((await startListener()).port), version);
    const services = await ask(opened, { case: "listServices", value: "" });
    expect(services.value).toMatchObject({
      service: [
        { name: "centrifugal.centrifugo.api.CentrifugoApi" },
        { name: "grpc.health.v1.Health" },
        { name: "grpc.reflection.v1.ServerReflection" },
        { name: "grpc.reflection.v1alpha.ServerReflection" },
      ],
    });
    const file = "centrifugal/centrifugo/api/api.proto";
    const found = await ask(opened, { case: "fileByFilename", value: file });
    const pkg = "centrifugal.centrifugo.api";
    const symbols = [
      "CentrifugoApi",
      "CentrifugoApi.Publish",
      "PublishRequest",
      "PublishRequest.tags",
      "PublishRequest.TagsEntry",
    ];
    for (const symbol of symbols) {
      expect(await ask(opened, { case: "fileContainingSymbol", value: `${pkg}.${symbol}` })).toEqual(found);
    }
    expect(found.case).toBe("fileDescriptorResponse");
    const health = "grpc.health.v1.HealthCheckResponse";
    for (const symbol of [`${health}.ServingStatus`, `${health}.SERVING`]) {
      expect(await ask(opened, { case: "fileContainingSymbol", value: symbol })).toMatchObject({
        case: "fileDescriptorResponse",
      });
    }
    expect(
      await ask(opened, { case: "allExtensionNumbersOfType", value: `${pkg}.PublishRequest` }),
    ).toMatchObject({
      case: "allExtensionNumbersResponse",
      value: { baseTypeName: `${pkg}.PublishRequest`, extensionNumber: [] },
    });
  });

  it("what is not there is an error response, and the stream goes on", async () => {
    const opened = open(connect((await startListener()).port));
    const questions: ServerReflectionRequest["messageRequest"][] = [
      { case: "fileByFilename", value: "nope.proto" },
      { case: "fileContainingSymbol", value: "nope.Nope" },
      { case: "allExtensionNumbersOfType", value: "nope.Nope" },
      {
        case: "fileContainingExtension",
        value: {
          $typeName: "grpc.reflection.v1.ExtensionRequest",
          containingType: "nope.Nope",
          extensionNumber: 1,
        },
      },
    ];
    for (const question of questions) {
      expect(await ask(opened, question)).toMatchObject({
        case: "errorResponse",
        value: { errorCode: status.NOT_FOUND },
      });
    }
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["garbage", Uint8Array.of(0xff, 0xff)],
  ])("a request of %s ends the stream", async (_what, bytes) => {
    const opened = open(connect((await startListener()).port));
    opened.write(bytes);
    const [error] = (await once(opened, "error")) as [ServiceError];
    expect(error.code).toBe(status.INVALID_ARGUMENT);
  });

  it("an open stream does not hold up the server", async () => {
    const { listener, port } = await startListener();
    const opened = open(connect(port));
    await ask(opened, { case: "listServices", value: "" });
    opened.resume();
    expect(await stopPatiently(listener)).toBe("stopped");
  });

  it("buf curl calls and lists without proto files", async () => {
    const { port } = await startListener();
    const base = ["--protocol", "grpc", "--http2-prior-knowledge"];
    const url = `http://127.0.0.1:${port}`;
    const called = await bufCurl([
      ...base,
      "-d",
      "{}",
      `${url}/centrifugal.centrifugo.api.CentrifugoApi/Publish`,
    ]);
    expect(called.code).toBe(0);
    expect(JSON.parse(called.stdout)).toEqual({ result: { offset: "7" } });
    const listed = await bufCurl([...base, "--list-methods", url]);
    expect(listed.stdout).toContain("centrifugal.centrifugo.api.CentrifugoApi/Publish");
    const health = await bufCurl([...base, "-d", "{}", `${url}/grpc.health.v1.Health/Check`]);
    expect(health.stdout).toContain("SERVING");
  });

  it("is off when not wanted", async () => {
    const opened = open(connect((await startListener({ reflection: false })).port));
    const [error] = (await once(opened, "error")) as [ServiceError];
    expect(error.code).toBe(status.UNIMPLEMENTED);
  });
});
