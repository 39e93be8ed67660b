import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer, request as httpsRequest } from "node:https";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { API_CONFIG, callApi } from "../support/api-client.ts";
import { openHttpStream, openSse } from "../support/push-stream.ts";
import { httpRequest, parseResponse, RawConnection } from "../support/raw-connection.ts";
import { attachServer, OPEN, type RunningServer } from "../support/running-server.ts";
import { createIdentity } from "../support/tls-identity.ts";
import { openWebSocket, WebSocketClient } from "../support/web-socket-client.ts";

/** An HTTP server of the host without any routes; it closes with the test. */
async function listen<T extends Server>(server: T): Promise<T> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return server;
}

/** What Express does with every request that it has no route for. */
const answerAll: RequestListener = (request, response) => {
  response.writeHead(404).end(`host has no ${request.url}`);
};

/** What the host of a test adds to its server. */
const HOSTS: readonly (readonly [name: string, addTo: (server: Server) => void])[] = [
  ["an app that answers everything", (server) => void server.on("request", answerAll)],
  [
    "a WebSocket server at a path, which aborts all other handshakes",
    (server) => {
      server.on("request", answerAll);
      const own = new WebSocketServer({ server, path: "/own" });
      own.on("connection", (socket) => socket.send("own"));
      onTestFinished(() => own.close());
    },
  ],
  [
    "a WebSocket server that takes the place of other listeners, as socket.io does",
    (server) => {
      server.on("request", answerAll);
      const others = server.listeners("request") as RequestListener[];
      server.removeAllListeners("request");
      server.on("request", (request, response) => {
        if (request.url === "/engine") response.end("engine");
        else for (const other of others) other.call(server, request, response);
      });
      server.removeAllListeners("upgrade");
      server.on("upgrade", (_request, socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    },
  ],
];

/** What the host's own WebSocket server says. */
async function greetingOf(server: RunningServer): Promise<string> {
  using own = await WebSocketClient.open(`${server.origin.replace("http", "ws")}/own`);
  return own.nextText();
}

/** Has a client on each transport hear a publication, and the server API answer. */
async function useAll(server: RunningServer): Promise<void> {
  const request = { subs: { a: {} } };
  await using lines = await openHttpStream(server, request);
  await using events = await openSse(server, request);
  using webSocket = await openWebSocket(server, request);
  const clients = [lines, events, webSocket];
  for (const client of clients) expect((await client.next()).connect).toBeDefined();
  expect((await callApi(server, "publish", { channel: "a", data: 1 })).status).toBe(200);
  for (const client of clients) expect((await client.next()).pub?.data).toBe(1);
}

const CONFIG = { ...OPEN, http_api: API_CONFIG };

describe.each(HOSTS)("beside %s", (name, addTo) => {
  it.each(["before", "after"])("that was added %s, both serve what is theirs", async (when) => {
    const host = await listen(createServer());
    if (when === "before") addTo(host);
    await using server = await attachServer(host, CONFIG);
    if (when === "after") addTo(host);
    await useAll(server);
    expect(await (await fetch(`${server.origin}/mine`)).text()).toBe("host has no /mine");
    expect(name.includes("at a path") ? await greetingOf(server) : "own").toBe("own");
    await server.stop();
    const after = await fetch(server.url("uni_sse"));
    expect(await after.text()).toBe("host has no /connection/uni_sse");
  });
});

describe("an attached server", () => {
  it("answers 404 to what is not its own, as long as the host listens to nothing", async () => {
    const host = await listen(createServer());
    await using server = await attachServer(host, CONFIG);
    await using other = await attachServer(host, { ...CONFIG, uni_sse: { handler_prefix: "/other" } });
    const statusOf = async (path: string): Promise<number> => {
      const response = await fetch(`${server.origin}${path}`, { signal: AbortSignal.timeout(2000) });
      await response.body?.cancel();
      return response.status;
    };
    expect([await statusOf("/mine"), await statusOf("/other")]).toEqual([404, 200]);
    expect(await statusOf("/connection/uni_sse")).toBe(200);
    // Ours listens to upgrades once one has come.
    using webSocket = await openWebSocket(server, { subs: { a: {} } });
    await webSocket.next();
    using client = await RawConnection.open(server.port);
    client.send(httpRequest("GET", "/mine", { headers: { Connection: "Upgrade", Upgrade: "websocket" } }));
    expect(await client.untilEnd()).toMatch(/^HTTP\/1.1 404 Not Found\r\n/u);
    host.once("request", (_request, response) => response.end("host"));
    expect([await statusOf("/mine"), await statusOf("/mine")]).toEqual([200, 404]);
    await other.stop();
  });

  it("serves requests that wait for 100 Continue, whatever the host does with its own", async () => {
    const host = await listen(createServer());
    await using server = await attachServer(host, CONFIG);
    host.on("request", answerAll);
    host.on("checkContinue", (_request, response) => response.writeHead(417).end("host"));
    using client = await RawConnection.open(server.port);
    const headers = { Expect: "100-continue", "X-API-Key": API_CONFIG.key ?? "" };
    client.send(httpRequest("POST", "/api/info", { headers, body: "{}" }));
    expect(await client.until("}")).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/u);
    using other = await RawConnection.open(server.port);
    other.send(httpRequest("POST", "/mine", { headers, body: "{}" }));
    expect(parseResponse(await other.until("host")).statusLine).toBe("HTTP/1.1 417 Expectation Failed");
  });

  it("leaves the host's time limits alone", async () => {
    const host = await listen(createServer({ keepAliveTimeout: 7000 }));
    await using server = await attachServer(host, CONFIG);
    const response = await fetch(`${server.origin}/api/info`, { method: "POST", body: "{}" });
    expect(response.headers.get("Keep-Alive")).toBe("timeout=7");
    await response.body?.cancel();
    expect(host.keepAliveTimeout).toBe(7000);
  });

  it("serves on a server with TLS", async () => {
    const { cert, key } = createIdentity();
    const host = await listen(createHttpsServer({ cert, key }, answerAll));
    await using server = await attachServer(host, CONFIG);
    const call = httpsRequest({
      host: "127.0.0.1",
      port: server.port,
      path: "/api/info",
      method: "POST",
      headers: { "X-API-Key": API_CONFIG.key },
      rejectUnauthorized: false,
      agent: false,
    });
    call.end("{}");
    const [response]: IncomingMessage[] = await once(call, "response");
    expect(response?.statusCode).toBe(200);
    response?.resume();
  });

  it.each([
    ["first", 0],
    ["last", 1],
  ])("shares the host with another one, and the one attached %s can leave", async (_which, leaving) => {
    const host = await listen(createServer(answerAll));
    const servers = [
      await attachServer(host, CONFIG),
      await attachServer(host, { ...CONFIG, uni_sse: { handler_prefix: "/other" } }),
    ];
    const status = async (path: string): Promise<number> => {
      const response = await fetch(`${servers[0]?.origin}${path}`);
      await response.body?.cancel();
      return response.status;
    };
    expect([await status("/connection/uni_sse"), await status("/other")]).toEqual([200, 200]);
    await servers[leaving]?.stop();
    const expected = leaving === 0 ? [404, 200] : [200, 404];
    expect([await status("/connection/uni_sse"), await status("/other")]).toEqual(expected);
    await servers[1 - leaving]?.stop();
    expect([await status("/connection/uni_sse"), await status("/other")]).toEqual([404, 404]);
    for (const offer of ["/connection/uni_websocket", "/mine"]) {
      using client = await RawConnection.open(servers[0]?.port ?? 0);
      client.send(httpRequest("GET", offer, { headers: { Connection: "Upgrade", Upgrade: "websocket" } }));
      expect(await client.until("host has no")).toContain("404");
    }
    expect(host.listenerCount("upgrade")).toBe(0);
  });
});
