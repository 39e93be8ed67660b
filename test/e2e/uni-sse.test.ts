import { type ErrorEvent, EventSource } from "eventsource";
import { describe, expect, it } from "vitest";
import { openSse, openStream, parsePush } from "../support/push-stream.ts";
import {
  headerLines,
  httpRequest,
  parseResponse,
  RawConnection,
  type RawResponse,
} from "../support/raw-connection.ts";
import { OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { Signal } from "../support/signal.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const PATH = "/connection/uni_sse";
const CONNECT_EVENT = /^\r\ndata: \{"connect":\{[^\n]*\}\}\n\n$/u;

/** Sends one request and resolves with the response once `until` has come. */
async function exchange(server: RunningServer, request: string, until: string): Promise<RawResponse> {
  using connection = await RawConnection.open(server.port);
  connection.send(request);
  return parseResponse(await connection.until(until));
}

/** An EventSource and the data of its events. */
class EventClient implements Disposable {
  readonly source: EventSource;
  readonly messages: string[] = [];
  readonly errors: (ErrorEvent | Event)[] = [];
  readonly #signal = new Signal();
  #isOpen = false;

  constructor(url: string) {
    this.source = new EventSource(url);
    this.source.addEventListener("message", (event) => {
      this.messages.push(String(event.data));
      this.#signal.notify();
    });
    this.source.addEventListener("open", () => {
      this.#isOpen = true;
      this.#signal.notify();
    });
    this.source.addEventListener("error", (event) => {
      this.errors.push(event);
      this.#signal.notify();
    });
  }

  async untilOpen(): Promise<void> {
    await this.#signal.until(() => this.#isOpen, "open event");
  }

  async untilMessages(count: number): Promise<readonly string[]> {
    await this.#signal.until(() => this.messages.length >= count, `event number ${count}`);
    return this.messages;
  }

  async untilErrors(count: number): Promise<void> {
    await this.#signal.until(() => this.errors.length >= count, `error event number ${count}`);
  }

  [Symbol.dispose](): void {
    this.source.close();
  }
}

describe("uni_sse: connect request", () => {
  it("uni 15: GET opens with a bare line break, then the connect event", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openSse(server);
    await stream.next();
    expect(stream.text).toMatch(CONNECT_EVENT);
  });

  it.each([
    ["{}", "%7B%7D"],
    ["null", "null"],
    ["nothing", ""],
    ["white space and more behind it", "%7B%7D+x"],
  ])("uni 16: cf_connect with %s connects", async (_name, query) => {
    await using server = await runServer(OPEN);
    await using stream = await openStream(`${server.url("uni_sse")}?a=1&cf_connect=${query}`);
    await stream.next();
    expect(stream.text).toMatch(CONNECT_EVENT);
  });

  it("uni 16: cf_connect carries token and subs", async () => {
    await using server = await runServer({ channel: OPEN.channel ?? {} });
    await using stream = await openSse(server, { token: hmacToken({ sub: "ü" }), subs: { "a+b&c": {} } });
    expect((await stream.next()).connect?.subs).toEqual({ "a+b&c": {} });
    expect(await server.connectionsOf("ü")).toHaveLength(1);
  });

  it("uni 16: malformed cf_connect gets an empty 400", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openStream(`${server.url("uni_sse")}?cf_connect=xx`);
    expect([stream.status, await stream.untilEnd()]).toEqual([400, ""]);
  });

  it.each([
    ["bytes that are not UTF-8", "%7B%22name%22:%22%FF%22%7D"],
    ["half a character", "%7B%22name%22:%22%C3%22%7D"],
    ["a malformed percent escape", "%7B%22name%22:%22%zz%22%7D"],
    ["a percent sign at its end", "%7B%7D%"],
  ])("cf_connect with %s gets 400 (deviation: it is not guessed at)", async (_name, query) => {
    await using server = await runServer(OPEN);
    await using stream = await openStream(`${server.url("uni_sse")}?cf_connect=${query}`);
    expect([stream.status, await stream.untilEnd()]).toEqual([400, ""]);
  });

  it("what other parameters have in them does not matter", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openStream(`${server.url("uni_sse")}?a=%zz&b=%FF&cf_connect=%7B%7D`);
    await stream.next();
    expect(stream.text).toMatch(CONNECT_EVENT);
  });

  it("uni 17: POST takes the request from the body and ignores the query", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openStream(server.url("uni_sse", "malformed"), { method: "POST", body: "{}" });
    await stream.next();
    expect(stream.text).toMatch(CONNECT_EVENT);
  });

  it("uni 17: POST without body gets an empty 400, with too much 413", async () => {
    await using server = await runServer({ ...OPEN, uni_sse: { max_request_body_size: 1000 } });
    await using empty = await openStream(server.url("uni_sse"), { method: "POST" });
    expect([empty.status, await empty.untilEnd()]).toEqual([400, ""]);
    await using large = await openStream(server.url("uni_sse"), { method: "POST", body: "{}".padEnd(1001) });
    expect([large.status, await large.untilEnd()]).toEqual([413, ""]);
  });

  it.each(["PUT", "HEAD", "DELETE"])("uni 18: %s gets 405", async (method) => {
    await using server = await runServer(OPEN);
    await using stream = await openStream(server.url("uni_sse"), { method });
    expect([stream.status, await stream.untilEnd()]).toEqual([405, ""]);
  });

  it("a preflight is answered, so that a client made of fetch may send Authorization", async () => {
    await using server = await runServer({ client: { ...OPEN.client, allowed_origins: ["https://a.test"] } });
    const preflight = async (origin: string): Promise<(number | string | null)[]> => {
      const headers = { Origin: origin, "Access-Control-Request-Headers": "authorization" };
      const { status, headers: answer } = await fetch(server.url("uni_sse"), { method: "OPTIONS", headers });
      const names = ["allow-origin", "allow-headers", "allow-methods", "max-age"];
      return [status, ...names.map((name) => answer.get(`access-control-${name}`))];
    };
    const methods = "GET, POST, OPTIONS";
    expect(await preflight("https://a.test")).toEqual([
      204,
      "https://a.test",
      "authorization",
      methods,
      "300",
    ]);
    expect(await preflight("https://b.test")).toEqual([204, null, null, methods, "300"]);
  });

  it("uni 92: a trailing slash makes another path", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openStream(`${server.url("uni_sse")}/`);
    expect(stream.status).toBe(404);
  });
});

describe("uni_sse: path", () => {
  it("uni §1: a configured path loses its trailing slash", async () => {
    await using server = await runServer({ ...OPEN, uni_sse: { handler_prefix: "/events/" } });
    await using stream = await openStream(`${server.origin}/events`);
    expect((await stream.next()).connect).toBeDefined();
    await using other = await openStream(`${server.origin}/events/`);
    expect(other.status).toBe(404);
  });
});

describe("uni_sse: stream", () => {
  it("uni 19: headers are exactly these, with those of HTTP itself and CORS", async () => {
    await using server = await runServer(OPEN);
    const response = await exchange(server, httpRequest("GET", PATH), '"connect"');
    expect(response.statusLine).toBe("HTTP/1.1 200 OK");
    expect(headerLines(response)).toEqual([
      "Access-Control-Allow-Credentials: true",
      "Access-Control-Allow-Origin: ",
      "Cache-Control: private, no-cache, no-store, must-revalidate, max-age=0",
      "Connection: keep-alive",
      "Content-Type: text/event-stream; charset=utf-8",
      expect.stringMatching(/^Date: /u),
      "Expire: 0",
      "Pragma: no-cache",
      "Transfer-Encoding: chunked",
      "X-Accel-Buffering: no",
    ]);
  });

  it("uni 19: a ping is the event {}", async () => {
    await using server = await runServer({
      client: { ...OPEN.client, ping_interval: "200ms", pong_timeout: "100ms" },
    });
    await using stream = await openSse(server);
    await stream.next();
    await stream.next();
    expect(stream.text).toMatch(/\n\ndata: \{\}\n\n$/u);
  });

  it("uni 20: a bad token gets status 200, the event 3500, and the end", async () => {
    await using server = await runServer();
    await using stream = await openSse(server, { token: "bad" });
    expect(stream.status).toBe(200);
    expect(await stream.untilEnd()).toBe(
      '\r\ndata: {"disconnect":{"code":3500,"reason":"invalid token"}}\n\n',
    );
  });

  it("uni 31: a page of another origin gets its stream, without CORS headers", async () => {
    await using server = await runServer(OPEN);
    const request = httpRequest("GET", PATH, { headers: { Origin: "https://evil.example" } });
    const response = await exchange(server, request, '"connect"');
    expect(response.statusLine).toBe("HTTP/1.1 200 OK");
    expect(response.headers.filter(([name]) => name.startsWith("Access-Control"))).toEqual([]);
  });

  it("uni §2.4: Last-Event-ID is ignored; events have data and nothing else", async () => {
    await using server = await runServer(OPEN);
    await using stream = await openSse(server, { subs: { a: {} } }, { "Last-Event-ID": "7" });
    await stream.next();
    await server.publish("a", "x");
    await server.publish("a", "y");
    expect([await stream.nextText(), await stream.nextText()]).toEqual([
      '{"channel":"a","pub":{"data":"x"}}',
      '{"channel":"a","pub":{"data":"y"}}',
    ]);
    await server.disconnect("", 3503, "force disconnect");
    const lines = (await stream.untilEnd()).split("\n").filter((line) => line !== "" && line !== "\r");
    expect(lines.every((line) => line.startsWith("data: "))).toBe(true);
    expect(lines).toHaveLength(4);
  });

  it("sends several publications of one turn in one write, each as an event of its own", async () => {
    await using server = await runServer(OPEN);
    using connection = await RawConnection.open(server.port);
    connection.send(httpRequest("POST", PATH, { body: '{"subs":{"a":{}}}' }));
    const before = await connection.until("}}\n\n\r\n");
    const readsBefore = connection.readCount;
    await Promise.all([1, 2, 3].map((data) => server.publish("a", data)));
    const text = await connection.until('"data":3}}\n\n');
    expect(connection.readCount - readsBefore).toBe(1);
    expect(text.slice(before.length).match(/data: [^\n]*\n\n/gu)).toHaveLength(3);
  });
});

describe("uni_sse: EventSource", () => {
  it("opens before the first push, then gets each push as a message", async () => {
    await using server = await runServer(OPEN);
    using client = new EventClient(server.url("uni_sse", { subs: { a: {} } }));
    await client.untilOpen();
    await client.untilMessages(1);
    const payload = { text: "line one\nline two\r\u2028", n: [1, 2] };
    await server.publish("a", payload);
    const [connect = "", publication = ""] = await client.untilMessages(2);
    expect(parsePush(connect).connect?.subs).toEqual({ a: {} });
    expect(parsePush(publication)).toEqual({ channel: "a", pub: { data: payload } });
    expect(client.source.readyState).toBe(EventSource.OPEN);
  });

  it("survives payloads with raw line breaks between their tokens", async () => {
    await using server = await runServer(OPEN);
    using client = new EventClient(server.url("uni_sse", { subs: { a: {} } }));
    await client.untilMessages(1);
    await server.publish("a", Buffer.from('{\r\n"a":\r1,\n\n"b":2}\r'));
    const [, publication = ""] = await client.untilMessages(2);
    expect(parsePush(publication).pub?.data).toEqual({ a: 1, b: 2 });
  });

  it("sees a refusal as the last message before its error event", async () => {
    await using server = await runServer();
    using client = new EventClient(server.url("uni_sse"));
    await client.untilMessages(1);
    await client.untilErrors(1);
    expect(parsePush(client.messages[0] ?? "").disconnect?.code).toBe(3501);
  });
});

describe("uni_sse: many clients", () => {
  it("delivers one publication to each of 1,000", async () => {
    await using server = await runServer(OPEN);
    const connections = await Promise.all(
      Array.from({ length: 1000 }, () => RawConnection.open(server.port)),
    );
    const request = httpRequest("GET", `${PATH}?cf_connect=${encodeURIComponent('{"subs":{"a":{}}}')}`);
    for (const connection of connections) connection.send(request);
    await Promise.all(connections.map((connection) => connection.until('"connect"')));
    expect(await server.counts()).toEqual({ clients: 1000, users: 1, channels: 1, subs: 1000 });
    await server.publish("a", "all");
    await Promise.all(
      connections.map((connection) => connection.until('data: {"channel":"a","pub":{"data":"all"}}\n\n')),
    );
    for (const connection of connections) connection[Symbol.dispose]();
    await server.untilSessions(0);
    expect(await server.counts()).toEqual({ clients: 0, users: 0, channels: 0, subs: 0 });
  });
});
