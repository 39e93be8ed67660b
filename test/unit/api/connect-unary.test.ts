import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  BatchRequestSchema,
  CentrifugoApi,
  PublishRequestSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { AnswerQueue } from "../../../src/api/answer-queue.ts";
import { ApiKeys, createHttpAuth } from "../../../src/api/api-key.ts";
import { createConnectHandlers, createConnectRoutes } from "../../../src/api/connect/routes.ts";
import type { HttpDoorOptions } from "../../../src/api/http-door.ts";
import { createApiEncoder } from "../../../src/api/http-json/json-endpoint.ts";
import { createServerApi } from "../../../src/api/index.ts";
import { LiveValue } from "../../../src/core/live.ts";
import { HttpApp, type Route } from "../../../src/http/http-app.ts";
import { headerLines, parseResponse, RawConnection } from "../../support/raw-connection.ts";
import { apiContext, ErrorLog, FakeApiNode, KEY } from "./fake-api.ts";

const MAX_BODY_BYTES = 1000;
const SERVICE = `/${CentrifugoApi.typeName}`;
/** Answers of more bytes than are sent without compression. */
const MANY_NODES = Array.from({ length: 30 }, (_, at) => ({
  uid: `u${at}`,
  name: "a rather long name of a node",
  version: "v",
  numClients: at,
  numUsers: 0,
  numChannels: 0,
  numSubs: 2,
  uptimeSec: 3,
}));

type Headers = Readonly<Record<string, string>>;

interface OddRequest {
  readonly method?: string;
  readonly rpc?: string;
  readonly query?: string;
  readonly headers?: Headers;
  readonly body?: string | Uint8Array;
  readonly transportErrors?: boolean;
}

/** What was answered, and what the node was asked to do. */
interface Served {
  readonly status: string;
  readonly headers: readonly string[];
  readonly body: string;
  readonly published: FakeApiNode["published"];
}

async function serve(
  routesOf: (api: ReturnType<typeof createServerApi>, options: HttpDoorOptions) => readonly Route[],
  request: OddRequest,
): Promise<Served> {
  const node = new FakeApiNode();
  node.nodes = MANY_NODES;
  if (request.query === "?kept") node.position = { offset: 2 ** 40, epoch: "abcd" };
  const api = createServerApi(apiContext(node, new ErrorLog()));
  const keys = new ApiKeys("http_api", new LiveValue({ key: KEY, keys: [] }));
  const routes = routesOf(api, {
    auth: createHttpAuth({ keys, insecure: false, refusals: api.refusals }),
    refusals: api.refusals,
    logger: new ErrorLog(),
    maxBodyBytes: MAX_BODY_BYTES,
    transportErrors: request.transportErrors ?? false,
    encoder: createApiEncoder(false),
    answers: new AnswerQueue(),
  });
  const app = new HttpApp(routes, new ErrorLog());
  const server = createServer((incoming, response) => app.handle(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  using client = await RawConnection.open((server.address() as AddressInfo).port);
  client.send(bytesOf(request));
  const { statusLine, body, ...head } = parseResponse(await client.untilEnd());
  const headers = headerLines({ statusLine, body, ...head })
    .map((line) => line.slice(0, line.indexOf(":")).toLowerCase() + line.slice(line.indexOf(":")))
    .filter((line) => !line.startsWith("date:"))
    .toSorted();
  return { status: statusLine, headers, body, published: node.published };
}

function bytesOf({
  method = "POST",
  rpc = "Publish",
  query = "",
  headers = {},
  body = "",
}: OddRequest): Buffer {
  const all: Headers = {
    Host: "localhost",
    Connection: "close",
    "X-API-Key": KEY,
    "Content-Type": "application/json",
    ...("Transfer-Encoding" in headers ? {} : { "Content-Length": String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => (value === "" ? "" : `${name}: ${value}\r\n`));
  const head = `${method} ${SERVICE}/${rpc}${query} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

function chunked(...sizes: readonly number[]): string {
  const chunks = sizes.map((size) => `${size.toString(16)}\r\n${"x".repeat(size)}\r\n`);
  return `${chunks.join("")}0\r\n\r\n`;
}

const JSON_REQUEST = '{"channel":"a","data":"MQ=="}';
const BINARY = { "Content-Type": "application/proto" };
const CHUNKED = { "Transfer-Encoding": "chunked" };
const GZIP = { "Accept-Encoding": "deflate, gzip" };
const BINARY_REQUEST = toBinary(
  PublishRequestSchema,
  create(PublishRequestSchema, { channel: "ü", data: Buffer.from([0, 255]), tags: { a: "b" } }),
);
const BATCH = toBinary(
  BatchRequestSchema,
  create(BatchRequestSchema, { commands: [{ publish: { channel: "a", data: Buffer.from("1") } }, {}] }),
);

const REQUESTS: Readonly<Record<string, OddRequest>> = {
  JSON: { body: JSON_REQUEST },
  "JSON in another spelling": {
    headers: { "Content-Type": "Application/JSON; charset=UTF-8" },
    body: JSON_REQUEST,
  },
  "JSON with a position in the answer": { query: "?kept", body: JSON_REQUEST },
  binary: { headers: BINARY, body: BINARY_REQUEST },
  "binary with a position in the answer": { query: "?kept", headers: BINARY, body: BINARY_REQUEST },
  "base64 of the URL alphabet": { body: '{"channel":"a","data":"_-8"}' },
  "unknown and repeated fields": { body: '{"channel":"a","x":{"y":[1]},"channel":"b","data":"MQ=="}' },
  "names of the schema": { body: '{"channel":"a","data":"MQ==","idempotency_key":"k","skip_history":true}' },
  "64-bit integers": { body: '{"channel":"a","data":"MQ==","version":"18446744073709551615"}' },
  "the version of the protocol is not looked at": {
    headers: { "Connect-Protocol-Version": "2" },
    body: JSON_REQUEST,
  },
  "the empty body in JSON": {},
  "the empty body in binary": { headers: BINARY },
  null: { body: "null" },
  "a list": { body: "[]" },
  "not JSON": { body: "{" },
  "a byte order mark": { body: `\ufeff${JSON_REQUEST}` },
  "not UTF-8 in JSON": { body: Buffer.from([0x22, 0xff, 0x22]) },
  "a wrong type": { body: '{"channel":1}' },
  "bad base64": { body: '{"channel":"a","data":"*"}' },
  "an unknown binary field": {
    headers: BINARY,
    body: Buffer.from([0xf8, 0x07, 1, 0x0a, 1, 0x61, 0x12, 1, 0x31]),
  },
  "the wrong key": { headers: { "X-API-Key": "wrong" }, body: JSON_REQUEST },
  "no key and a bad body": { headers: { "X-API-Key": "" }, body: "{" },
  "no key and a bad deadline": {
    headers: { "X-API-Key": "", "Connect-Timeout-Ms": "x" },
    body: JSON_REQUEST,
  },
  "a deadline": { headers: { "Connect-Timeout-Ms": "5000" }, body: JSON_REQUEST },
  "a deadline that has passed": { headers: { "Connect-Timeout-Ms": "0" }, body: JSON_REQUEST },
  "a deadline of too many digits": { headers: { "Connect-Timeout-Ms": "12345678901" }, body: JSON_REQUEST },
  "a deadline below zero": { headers: { "Connect-Timeout-Ms": "-1" }, body: JSON_REQUEST },
  "a chunked body": { headers: CHUNKED, body: `1d\r\n${JSON_REQUEST}\r\n0\r\n\r\n` },
  "a body over the limit": { body: "x".repeat(MAX_BODY_BYTES + 1) },
  "a body at the limit": { body: JSON_REQUEST.padEnd(MAX_BODY_BYTES) },
  "a chunked body over the limit": { headers: CHUNKED, body: chunked(600, 600, 600) },
  "a compressed body": { headers: { "Content-Encoding": "gzip" }, body: gzipSync(JSON_REQUEST) },
  "a compression named identity": { headers: { "Content-Encoding": "identity" }, body: JSON_REQUEST },
  "a compression that is not there": { headers: { "Content-Encoding": "zstd" }, body: JSON_REQUEST },
  "a short answer is not compressed": { headers: GZIP, body: JSON_REQUEST },
  "a long answer": { rpc: "Info", body: "{}" },
  "a long answer in binary": { rpc: "Info", headers: BINARY },
  "a long answer, compressed": { rpc: "Info", headers: GZIP, body: "{}" },
  "a long answer, compressed as preferred": {
    rpc: "Info",
    headers: { "Accept-Encoding": "br,gzip" },
    body: "{}",
  },
  "a long answer with weights": { rpc: "Info", headers: { "Accept-Encoding": "gzip;q=1" }, body: "{}" },
  "an API error in JSON": { body: '{"channel":"x:y","data":"MQ=="}' },
  "an API error in binary": { headers: BINARY },
  "an API error as one of the protocol": {
    headers: { "X-Centrifugo-Error-Mode": "transport" },
    body: '{"channel":"x:y","data":"MQ=="}',
  },
  "an API error as one of the protocol, in binary": {
    headers: { ...BINARY, "X-Centrifugo-Error-Mode": "transport" },
  },
  "an API error as one of the protocol, by configuration": { transportErrors: true, body: "{}" },
  "a bug": { body: '{"channel":"broken","data":"MQ=="}' },
  "a bug as an error of the protocol": { transportErrors: true, body: '{"channel":"broken","data":"MQ=="}' },
  batch: { rpc: "Batch", headers: BINARY, body: BATCH },
  "batch with nothing": { rpc: "Batch", body: "{}" },
  "what is not implemented": { rpc: "DeviceList", body: "{}" },
  GET: { method: "GET", query: "?connect=v1&encoding=json&message=%7B%7D" },
  PUT: { method: "PUT", body: JSON_REQUEST },
  "another type": { headers: { "Content-Type": "text/plain" }, body: JSON_REQUEST },
  "no type": { headers: { "Content-Type": "" }, body: JSON_REQUEST },
  "the type of streams": { headers: { "Content-Type": "application/connect+json" }, body: JSON_REQUEST },
};

describe("a unary request is answered as connect-es would", () => {
  it.each(Object.entries(REQUESTS))("%s", async (_name, request) => {
    const ours = await serve(createConnectRoutes, request);
    const theirs = await serve((api, options) => {
      const handlers = [...createConnectHandlers(api, options)];
      return handlers.map(([path, handle]) => ({ path, handle }));
    }, request);
    expect(ours).toEqual(theirs);
  });
});

it.each([
  ["that ends early", BINARY_REQUEST.subarray(0, 6)],
  ["with text that is not UTF-8", Buffer.from([0x0a, 1, 0xff])],
])("a binary message %s is the caller's fault, and not ours as connect-es says", async (_what, body) => {
  const { status, body: answer } = await serve(createConnectRoutes, { headers: BINARY, body });
  expect([status, JSON.parse(answer)]).toMatchObject([
    "HTTP/1.1 400 Bad Request",
    { code: "invalid_argument" },
  ]);
});
