import { describe, expect, it } from "vitest";
import {
  WEBSOCKET_HANDSHAKE,
  httpRequest,
  parseResponse,
  RawConnection,
  type RawResponse,
} from "../support/raw-connection.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { openWebSocket } from "../support/web-socket-client.ts";

const PATH = "/connection/uni_websocket";
const ORIGIN = "https://a.example.com";
const EVIL = "https://evil.example.org";
const ALLOWED: ConfigInput = {
  ...OPEN,
  client: { ...OPEN.client, allowed_origins: ["https://*.example.com"] },
};
const SWITCHING = "HTTP/1.1 101 Switching Protocols";
const TEXT = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" };
const VERSION = { "Sec-Websocket-Version": "13" };
const CORS = { "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Origin": ORIGIN };

/** Sends a request and resolves with the response: all of it, unless the connection goes on. */
async function exchange(server: RunningServer, request: string): Promise<RawResponse> {
  using connection = await RawConnection.open(server.port);
  connection.send(request);
  await connection.until("\r\n\r\n");
  const response = parseResponse(connection.text);
  return response.statusLine === SWITCHING ? response : parseResponse(await connection.untilEnd());
}

function plainRequest(method: string, query = "", headers: Readonly<Record<string, string>> = {}): string {
  return httpRequest(method, PATH + query, { headers: { Connection: "close", ...headers } });
}

function upgradeRequest(headers: Readonly<Record<string, string>> = {}, method = "GET", query = ""): string {
  return httpRequest(method, PATH + query, { headers: { ...WEBSOCKET_HANDSHAKE, ...headers } });
}

/** Headers of a response without those that tell of the connection and the time. */
function headersOf({ headers }: RawResponse): Record<string, string> {
  const {
    Date: _date,
    Connection: _connection,
    "Content-Length": _length,
    ...rest
  } = Object.fromEntries(headers);
  return rest;
}

describe("uni_websocket: requests that are no handshake", () => {
  it.each(["GET", "POST", "PUT", "DELETE", "OPTIONS"])(
    "uni 29: a plain %s gets 400, with CORS headers and the version that is spoken",
    async (method) => {
      await using server = await runServer(ALLOWED);
      const response = await exchange(server, plainRequest(method, "", { Origin: ORIGIN }));
      expect([response.statusLine, response.body]).toEqual(["HTTP/1.1 400 Bad Request", "Bad Request\n"]);
      expect(headersOf(response)).toEqual({ ...TEXT, ...VERSION, ...CORS });
    },
  );

  it("behind a request without answer an upgrade is a plain request, which gets 400 in its turn", async () => {
    await using server = await runServer(OPEN);
    using client = await RawConnection.open(server.port);
    client.send(httpRequest("GET", "/nowhere") + upgradeRequest());
    const answers = (await client.untilEnd()).match(/^HTTP\/1\.1 \d+/gmu);
    expect(answers).toEqual(["HTTP/1.1 404", "HTTP/1.1 400"]);
  });

  it("uni 29: an upgrade with another method gets 405", async () => {
    await using server = await runServer(ALLOWED);
    const response = await exchange(server, upgradeRequest({ Origin: ORIGIN }, "POST"));
    expect([response.statusLine, response.body]).toEqual([
      "HTTP/1.1 405 Method Not Allowed",
      "Method Not Allowed\n",
    ]);
    expect(headersOf(response)).toEqual({ ...TEXT, ...VERSION, ...CORS });
  });

  it.each([
    ["version", { "Sec-WebSocket-Version": "12" }],
    ["key", { "Sec-WebSocket-Key": "short" }],
    ["protocol", { Upgrade: "h2c" }],
  ])("uni §2.2: a handshake with another %s gets 400", async (_name, headers) => {
    await using server = await runServer(ALLOWED);
    const response = await exchange(server, upgradeRequest({ Origin: ORIGIN, ...headers }));
    expect([response.statusLine, response.body]).toEqual(["HTTP/1.1 400 Bad Request", "Bad Request\n"]);
    expect(headersOf(response)).toEqual({ ...TEXT, ...VERSION, ...CORS });
  });

  it.each([
    ["plain request", plainRequest("GET", "?cf_connect=bad", { Origin: ORIGIN })],
    ["handshake", upgradeRequest({ Origin: ORIGIN }, "GET", "?cf_connect=bad")],
    ["handshake", upgradeRequest({ Origin: ORIGIN }, "GET", "?cf_connect=%7B%22name%22:%22%FF%22%7D")],
    ["handshake", upgradeRequest({ Origin: ORIGIN }, "GET", "?cf_connect=%7B%22name%22:%22%zz%22%7D")],
  ])("uni 23: a %s with a malformed connect request says so, and no version", async (_name, request) => {
    await using server = await runServer(ALLOWED);
    const response = await exchange(server, request);
    expect([response.statusLine, response.body]).toEqual([
      "HTTP/1.1 400 Bad Request",
      "invalid connect request\n",
    ]);
    expect(headersOf(response)).toEqual({ ...TEXT, ...CORS });
  });

  it.each([
    ["plain request", plainRequest("GET", "", { Origin: ORIGIN })],
    ["handshake", upgradeRequest({ Origin: ORIGIN })],
  ])("uni 56: over connection_limit a %s gets 503 without CORS headers and body", async (_name, request) => {
    await using server = await runServer({ ...ALLOWED, client: { ...ALLOWED.client, connection_limit: 1 } });
    using client = await openWebSocket(server);
    await client.next();
    const response = await exchange(server, request);
    expect([response.statusLine, response.body]).toEqual(["HTTP/1.1 503 Service Unavailable", ""]);
    expect(headersOf(response)).toEqual({});
  });
});

describe("uni_websocket: handshakes that are taken", () => {
  it("uni §2.2: the 101 echoes no subprotocol and has no CORS headers", async () => {
    await using server = await runServer(ALLOWED);
    const headers = { "Sec-WebSocket-Protocol": "a, b", Origin: ORIGIN };
    const response = await exchange(server, upgradeRequest(headers));
    expect(response.statusLine).toBe(SWITCHING);
    expect(response.headers).toEqual([
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ]);
  });

  it("is one that offers other protocols and versions as well", async () => {
    await using server = await runServer(OPEN);
    const headers = { Upgrade: "h2c, WebSocket", "Sec-WebSocket-Version": "8, 13" };
    expect((await exchange(server, upgradeRequest(headers))).statusLine).toBe(SWITCHING);
  });

  it("takes a connect request with a question mark in it", async () => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    connection.send(upgradeRequest({}, "GET", '?cf_connect={"subs":{"a?b":{}}}'));
    expect(await connection.until('"connect"')).toContain('"subs":{"a?b":{}}');
  });
});

describe("uni_websocket: origins", () => {
  it("uni 30: an origin that is not allowed gets 403 without CORS headers", async () => {
    await using server = await runServer(ALLOWED);
    const response = await exchange(server, upgradeRequest({ Origin: EVIL }));
    expect([response.statusLine, response.body]).toEqual(["HTTP/1.1 403 Forbidden", "Forbidden\n"]);
    expect(headersOf(response)).toEqual({ ...TEXT, ...VERSION });
  });

  it.each([
    ["uni 30: none", OPEN, {}],
    ["uni 32: one that matches, in whatever case", ALLOWED, { Origin: "https://A.Example.com" }],
  ])("lets in %s", async (_name, config, headers) => {
    await using server = await runServer(config);
    expect((await exchange(server, upgradeRequest(headers))).statusLine).toBe(SWITCHING);
  });

  it.each([
    ["headers", `${EVIL}\r\nOrigin: ${ORIGIN}`],
    ["origins in one", `${EVIL}, ${ORIGIN}`],
    ["origins, divided by a space", `https://x.example.org ${ORIGIN}`],
  ])("two Origin %s are not matched as one text: nobody is let in", async (_name, origin) => {
    // The pattern would match them together.
    const client = { ...OPEN.client, allowed_origins: ["https://*.example.com"] };
    const app = { id: "app", key: "app-key", secret: "s", allowed_origins: client.allowed_origins };
    await using server = await runServer({ ...OPEN, client, pusher: { enabled: true, apps: [app] } });
    const headers = { Origin: origin };
    expect((await exchange(server, upgradeRequest(headers))).statusLine).toBe("HTTP/1.1 403 Forbidden");
    for (const path of ["/connection/uni_sse", "/connection/uni_http_stream"]) {
      using connection = await RawConnection.open(server.port);
      connection.send(httpRequest("POST", path, { headers, body: "{}" }));
      expect(await connection.until("\r\n\r\n")).not.toContain("Access-Control-Allow-Origin");
    }
    using pusher = await RawConnection.open(server.port);
    pusher.send(httpRequest("GET", "/app/app-key", { headers: { ...WEBSOCKET_HANDSHAKE, ...headers } }));
    await pusher.until("The origin is not allowed");
  });
});
