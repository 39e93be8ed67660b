import { expect, it } from "vitest";
import type { ConfigInput } from "../support/running-server.ts";
import { runServer } from "../support/running-server.ts";
import { parseLog, ServerProcess, Workplace } from "../support/server-process.ts";
import { UpgradeRefused, WebSocketClient } from "../support/web-socket-client.ts";

const APP = { id: "app", key: "app-key", secret: "app-secret" };

/** First message of a connection behind a proxy, or the status that refuses it. */
async function connect(origin: string, key: string, forwarded = ""): Promise<string> {
  const headers = forwarded === "" ? {} : { "X-Forwarded-For": forwarded };
  try {
    using client = await WebSocketClient.open(`${origin.replace("http", "ws")}/app/${key}`, { headers });
    const { event, data } = JSON.parse(await client.nextText());
    return event === "pusher:error" ? String(data.code) : event;
  } catch (error) {
    if (error instanceof UpgradeRefused) return error.message;
    throw error;
  }
}

const WELCOME = "pusher:connection_established";

it("new connections are limited for each client behind a trusted proxy, whatever the client says it is", async () => {
  const rateLimiter = { enabled: true, trust_hops: 1, websocket_rate_limit: { max_requests: 2 } };
  await using server = await runServer({ pusher: { enabled: true, apps: [APP], rate_limiter: rateLimiter } });
  const from = (forwarded: string): Promise<string> => connect(server.origin, APP.key, forwarded);
  expect(await from("198.51.100.7")).toBe(WELCOME);
  expect(await from("1.1.1.1, 198.51.100.7")).toBe(WELCOME);
  expect(await from("2.2.2.2, 198.51.100.7")).toBe("status 429");
  expect(await from("198.51.100.8")).toBe(WELCOME);
  expect(await connect(server.origin, APP.key)).toBe(WELCOME);
});

it("what is no handshake does not count against the connections of a second", async () => {
  await using server = await runServer({
    pusher: { enabled: true, apps: [APP] },
    client: { connection_rate_limit: 1 },
  });
  expect((await fetch(`${server.origin}/app/${APP.key}`)).status).toBe(400);
  expect(await connect(server.origin, APP.key)).toBe(WELCOME);
});

it("requests to the API are limited for each client, and told when to come back", async () => {
  const rateLimiter = { enabled: true, api_rate_limit: { max_requests: 1, window_seconds: 30 } };
  await using server = await runServer({ pusher: { enabled: true, apps: [APP], rate_limiter: rateLimiter } });
  const ask = (): Promise<Response> => fetch(`${server.origin}/apps/app/channels`);
  expect((await ask()).status).toBe(401);
  const refused = await ask();
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "30"]);
});

it("SIGHUP: new apps and limits are there without a restart, and connections stay", async () => {
  const config = (pusher: object): ConfigInput => ({
    http_server: { address: "127.0.0.1", port: 0 },
    pusher: { enabled: true, apps: [APP], ...pusher },
  });
  using workplace = new Workplace();
  await using server = await ServerProcess.start({
    workplace,
    config: config({}),
  });
  using before = await WebSocketClient.open(`${server.origin.replace("http", "ws")}/app/${APP.key}`);
  await before.nextText();
  expect(await connect(server.origin, "new-key")).toBe("4001");

  const apps = [
    { ...APP, secret: "changed" },
    { id: "new", key: "new-key", secret: "s" },
  ];
  const limits = { enabled: true, websocket_rate_limit: { max_requests: 1 } };
  workplace.write("config.json", config({ apps, rate_limiter: limits, path_prefix: "push" }));
  server.kill("SIGHUP");
  await server.untilLogged("configuration reloaded");
  expect(parseLog(server.stderr)).toContainEqual(
    expect.objectContaining({ message: "changed option needs a restart", option: "pusher.path_prefix" }),
  );
  expect(await connect(server.origin, "new-key")).toBe(WELCOME);
  expect(await connect(server.origin, "new-key")).toBe("status 429");
  before.send({ event: "pusher:ping", data: {} });
  expect(JSON.parse(await before.nextText())).toMatchObject({ event: "pusher:pong" });
});
