import { createServer } from "node:http2";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Code, ConnectError, createClient, type Client, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { createConnectTransport as createWebTransport } from "@connectrpc/connect-web";
import { describe, expect, it, onTestFinished } from "vitest";
import { CentrifugoApi, ErrorSchema } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { httpApiConfig } from "../../../src/api/config.ts";
import { ApiKeys, createApiRoutes, createServerApi } from "../../../src/api/index.ts";
import { LiveValue } from "../../../src/core/live.ts";
import { HttpApp } from "../../../src/http/http-app.ts";
import { bufCurl } from "../../support/grpc-calls.ts";
import { apiContext, ErrorLog, FakeApiNode, KEY, send, startApi } from "./fake-api.ts";

type ApiClient = Client<typeof CentrifugoApi>;

const WITH_KEY = { headers: { "X-API-Key": KEY } };
const TRANSPORT = { headers: { "X-API-Key": KEY, "X-Centrifugo-Error-Mode": "transport" } };
const PUBLISH_PATH = `/${CentrifugoApi.typeName}/Publish`;

const TRANSPORTS: readonly [string, (baseUrl: string) => Transport][] = [
  ["Connect", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true })],
  ["Connect with JSON", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
  ["connect-web", (baseUrl) => createWebTransport({ baseUrl, useBinaryFormat: true })],
  ["connect-web with JSON", (baseUrl) => createWebTransport({ baseUrl })],
  ["gRPC-Web", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
];

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call succeeded");
}

describe.each(TRANSPORTS)("%s", (_name, createTransport) => {
  const clientOf = (url: string): ApiClient => createClient(CentrifugoApi, createTransport(url));

  it("publishes with any form of the key", async () => {
    const { url, node } = await startApi();
    const client = clientOf(url);
    const request = { channel: "a", data: Buffer.from("\x01\x02") };
    for (const headers of [{ "X-API-Key": KEY }, { Authorization: `APIKEY ${KEY}` }]) {
      expect(await client.publish(request, { headers })).toMatchObject({ result: { offset: 0n } });
    }
    expect(node.published).toMatchObject([{ data: "\x01\x02", knownJson: false }, { channel: "a" }]);
  });

  it("nobody gets in without the key", async () => {
    const client = clientOf((await startApi()).url);
    for (const call of [client.publish({}), client.deviceList({}), client.batch({})]) {
      const { code, rawMessage } = await errorOf(call);
      expect([code, rawMessage]).toEqual([
        Code.Unauthenticated,
        "unauthenticated: send the API key as `X-API-Key: <key>` or `Authorization: apikey <key>`",
      ]);
    }
  });

  it("API errors are part of the response, or errors of the protocol where asked for", async () => {
    const client = clientOf((await startApi()).url);
    const request = { channel: "x:y", data: Buffer.from("1") };
    expect(await client.publish(request, WITH_KEY)).toMatchObject({ error: { code: 102 } });
    const error = await errorOf(client.publish(request, TRANSPORT));
    expect([error.code, error.rawMessage]).toEqual([Code.NotFound, "unknown channel"]);
    expect(error.findDetails(ErrorSchema)).toMatchObject([{ code: 102, message: "unknown channel" }]);
    const byConfig = clientOf((await startApi({ error_mode: "transport" })).url);
    expect((await errorOf(byConfig.publish({}, WITH_KEY))).code).toBe(Code.InvalidArgument);
  });

  it("batch never fails", async () => {
    const client = clientOf((await startApi()).url);
    const { replies } = await client.batch({ commands: [{ publish: {} }, { info: {} }] }, TRANSPORT);
    expect(replies).toMatchObject([{ error: { code: 107 } }, { info: { nodes: [{ uid: "u" }] } }]);
  });

  it("what is not implemented says so", async () => {
    const client = clientOf((await startApi()).url);
    const error = await errorOf(client.deviceList({}, WITH_KEY));
    expect([error.code, error.rawMessage]).toEqual([Code.Unimplemented, "method DeviceList not implemented"]);
  });

  it("a request over the limit is refused", async () => {
    const client = clientOf((await startApi({ max_request_body_size: 1000 })).url);
    const call = client.publish({ channel: "a", data: new Uint8Array(2000) }, WITH_KEY);
    expect((await errorOf(call)).code).toBe(Code.ResourceExhausted);
  });
});

it("the key may stand in the query", async () => {
  const { url } = await startApi();
  const init = {
    method: "POST",
    body: '{"channel":"a","data":"MQ=="}',
    headers: { "Content-Type": "application/json" },
  };
  expect(await send(`${url}${PUBLISH_PATH}?api_key=${KEY}`, init)).toMatchObject({
    status: 200,
    text: '{"result":{}}',
  });
  expect((await send(url + PUBLISH_PATH, init)).status).toBe(401);
});

it("buf curl speaks Connect to it", async () => {
  const { url, node } = await startApi();
  const header = `X-API-Key: ${KEY}`;
  const schema = ["--schema", "proto/api"];
  const called = await bufCurl([
    ...schema,
    "-H",
    header,
    "-d",
    '{"channel":"a","data":"MQ=="}',
    url + PUBLISH_PATH,
  ]);
  expect([called.code, JSON.parse(called.stdout)]).toEqual([0, { result: {} }]);
  expect(node.published).toMatchObject([{ channel: "a", data: "1" }]);
});

it.each<[string, (baseUrl: string) => Transport]>([
  ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
  ["Connect", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })],
])("%s works over HTTP/2 on the same port", async (_name, createTransport) => {
  const config = httpApiConfig.parse({ key: KEY, max_request_body_size: 0 });
  const keys = new ApiKeys("http_api", new LiveValue(config));
  const routes = createApiRoutes(
    createServerApi(apiContext(new FakeApiNode(), new ErrorLog())),
    config,
    keys,
  );
  const app = new HttpApp(routes, new ErrorLog());
  const server = createServer((request, response) =>
    // As the HTTP listener does it.
    app.handle(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const client = createClient(CentrifugoApi, createTransport(`http://127.0.0.1:${port}`));
  expect(await client.publish({ channel: "a", data: Buffer.from("1") }, WITH_KEY)).toMatchObject({
    result: {},
  });
  expect((await errorOf(client.publish({}))).code).toBe(Code.Unauthenticated);
  expect(await client.publish({ channel: "a", data: new Uint8Array(1 << 20) }, WITH_KEY)).toMatchObject({
    result: {},
  });
});
