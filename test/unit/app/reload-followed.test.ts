import { createAmbient } from "../../../src/core/ambient.ts";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request, type RequestOptions } from "node:https";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { CentrifugoApi } from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { type Config, configSchema, parseConfig } from "../../../src/app/config.ts";
import { openPorts } from "../../../src/app/ports.ts";
import { LocalPusherEvents } from "../../../src/app/pusher.ts";
import type { ServerAddresses } from "../../../src/app/server.ts";
import { ServingNode } from "../../../src/app/serving-node.ts";
import { type Outline, outlineOf } from "../../../src/config/outline.ts";
import { NO_METRICS } from "../../../src/core/metrics.ts";
import { callUnary } from "../../support/grpc-calls.ts";
import { freePort } from "../../support/free-port.ts";
import { silentLogger } from "../../support/silent-logger.ts";
import { type WatchedConfig, watchConfig } from "../../support/watched-config.ts";
import { hmacToken } from "../auth/tokens.ts";

const OUTLINE = outlineOf(configSchema);
const TLS_FOLDER = join(import.meta.dirname, "../../support/tls");
const CA = readFileSync(join(TLS_FOLDER, "ca.pem"));
const TLS = {
  enabled: true,
  cert_pem: join(TLS_FOLDER, "server.pem"),
  key_pem: join(TLS_FOLDER, "server-key.pem"),
};
const LOCAL = { address: "127.0.0.1", port: 0 };
const FOR_ALL = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };

/** Everything that has reloadable options, switched on. */
function everything(internalPort: number): Config {
  return parseConfig({
    http_server: { ...LOCAL, internal_port: internalPort, tls: TLS, internal_tls: TLS },
    client: {
      token: { hmac_secret_key: "k" },
      subscription_token: { enabled: true, hmac_secret_key: "k" },
      allow_anonymous_connect_without_token: true,
      subscribe_to_user_personal_channel: { enabled: true, personal_channel_namespace: "ns" },
      user_connection_limit: 10,
      connection_limit: 10,
      connection_rate_limit: 1000,
      connect_code_to_unidirectional_disconnect: {
        enabled: true,
        transforms: [{ code: 100, to: { code: 4000 } }],
      },
    },
    channel: { without_namespace: FOR_ALL, namespaces: [{ name: "ns" }] },
    uni_sse: { enabled: true },
    uni_grpc: { ...LOCAL, enabled: true, tls: TLS },
    pusher: {
      enabled: true,
      apps: [{ id: "a", key: "key", secret: "s", webhooks: [] }],
      rate_limiter: { enabled: true, websocket_rate_limit: { max_requests: 1000 } },
    },
    http_api: { external: true, key: "k" },
    grpc_api: { ...LOCAL, enabled: true, key: "k", tls: TLS },
  }).config;
}

/** Status of the answer to a request, of whose body no more than the beginning is read. */
async function ask(port: number, path: string, options: RequestOptions = {}): Promise<number> {
  const sent = request({ host: "127.0.0.1", port, path, ca: CA, agent: false, ...options }).end();
  const [response] = await once(sent, "response");
  response.on("error", () => undefined);
  await new Promise((resolve) => response.once("data", resolve).once("end", resolve));
  response.destroy();
  return response.statusCode;
}

/** Has clients and backends of every kind come by, all of whom are let in. */
async function comeBy({ http, grpcApi }: ServerAddresses): Promise<void> {
  const port = http?.port ?? 0;
  for (const token of [hmacToken({ sub: "42" }), hmacToken({ sub: "" }), ""]) {
    const connect = encodeURIComponent(JSON.stringify({ token, subs: { news: {}, "ns:a": {} } }));
    expect(await ask(port, `/connection/uni_sse?cf_connect=${connect}`)).toBe(200);
  }
  expect(await ask(port, "/api/info", { method: "POST", headers: { "X-API-Key": "k" } })).toBe(400);
  expect(await ask(port, "/apps/a/channels?auth_key=key")).toBe(401);
  const pusher = new WebSocket(`wss://127.0.0.1:${port}/app/key`, { ca: CA });
  await once(pusher, "message");
  pusher.send('{"event":"pusher:subscribe","data":{"channel":"news"}}');
  await once(pusher, "message");
  pusher.terminate();
  const api = new Client(`localhost:${grpcApi?.port}`, credentials.createSsl(CA));
  await callUnary(api, CentrifugoApi.method.info, {}, { authorization: "apikey k" });
  api.close();
}

/** The options that are marked as reloadable: the mark stands for everything below. */
function markedPaths(outline: Outline, path = ""): readonly string[] {
  if (outline.isReloadable) return [path];
  if (outline.type !== "section") return [];
  return [...outline.members].flatMap(([key, member]) =>
    markedPaths(member, path === "" ? key : `${path}.${key}`),
  );
}

describe("options that are marked as reloadable", () => {
  let before: WatchedConfig;
  let after: WatchedConfig;
  const resources = new AsyncDisposableStack();

  beforeAll(async () => {
    const config = everything(await freePort());
    before = watchConfig(config, OUTLINE);
    after = watchConfig(config, OUTLINE);
    const serving = await ServingNode.assemble(before.config, createAmbient(silentLogger, NO_METRICS), {
      ports: resources.use(await openPorts(config)),
      connectPusher: (parts) => new LocalPusherEvents(parts),
      isDev: false,
    });
    resources.defer(() => serving.stop(AbortSignal.abort()));
    const addresses = await serving.start();
    await comeBy(addresses);
    await serving.reload(after.config);
    await comeBy(addresses);
  });
  afterAll(() => resources.disposeAsync());

  it.each(markedPaths(OUTLINE))("%s is read after a reload", (path) => {
    const isBelow = (read: string): boolean =>
      read === path || read.startsWith(`${path}.`) || read.startsWith(`${path}[`);
    expect([...after.reads.keys()].filter(isBelow)).not.toEqual([]);
  });

  it("are read again by whoever has read them before it: nobody keeps a copy", () => {
    const copies = [...before.reads].flatMap(([path, sites]) => {
      const again = after.reads.get(path);
      return [...sites].filter((site) => again?.has(site) !== true).map((site) => `${path} in ${site}`);
    });
    expect(copies).toEqual([]);
  });
});
