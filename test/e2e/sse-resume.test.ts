import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { API_CONFIG, askApi, readHistory } from "../support/api-client.ts";
import { Http2Client } from "../support/http2-client.ts";
import { openSse, openStream, type PushJson, type PushStream } from "../support/push-stream.ts";
import { httpRequest, RawConnection } from "../support/raw-connection.ts";
import { type ConfigInput, OPEN, type RunningServer, runServer } from "../support/running-server.ts";
import { hmacToken } from "../unit/auth/tokens.ts";

const FOR_ALL = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const HISTORY = { ...FOR_ALL, history_size: 10, history_ttl: "60s" };
const CONFIG: ConfigInput = {
  ...OPEN,
  http_api: API_CONFIG,
  channel: {
    without_namespace: { ...HISTORY, force_recovery: true },
    namespaces: [
      { name: "plain", ...HISTORY },
      { name: "cache", ...HISTORY, force_recovery: true, force_recovery_mode: "cache" },
      { name: "shut", ...HISTORY, force_recovery: true, allow_subscribe_for_client: false },
    ],
  },
};

let server: RunningServer;
beforeAll(async () => {
  server = await runServer(CONFIG);
});
afterAll(() => server[Symbol.asyncDispose]());

function requestFor(...channels: readonly string[]): unknown {
  return { subs: Object.fromEntries(channels.map((channel) => [channel, {}])) };
}

/** What a browser does: the same request, with the id of the last event that it saw. */
function resume(request: unknown, lastEventId: string | undefined): Promise<PushStream> {
  return openSse(server, request, lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId });
}

async function publishAll(channel: string, ...data: readonly unknown[]): Promise<void> {
  for (const one of data) await server.publish(channel, one);
}

/** Connects, sees what is published, and leaves; resolves to the last event id. */
async function visit(
  request: unknown,
  whileThere: () => Promise<void>,
  events: number,
): Promise<string | undefined> {
  await using stream = await openSse(server, request);
  await stream.next();
  await whileThere();
  for (let count = 0; count < events; count++) await stream.next();
  return stream.lastEventId;
}

async function dataOf(stream: PushStream, count: number): Promise<unknown[]> {
  const data: unknown[] = [];
  for (let read = 0; read < count; read++) data.push((await stream.next()).pub?.data);
  return data;
}

function subOf({ connect }: PushJson, channel: string): unknown {
  return connect?.subs?.[channel];
}

describe("SSE: resume with Last-Event-ID", () => {
  it("events of recoverable channels carry the positions of the connection", async () => {
    await publishAll("ids", 1);
    const { epoch } = await readHistory(server, "ids");
    await using stream = await openSse(server, requestFor("ids", "plain:ids"));
    await stream.next();
    expect(stream.lastEventId).toBe(`ids=${epoch}.1`);
    await publishAll("ids", 2);
    await stream.next();
    expect(stream.lastEventId).toBe(`ids=${epoch}.2`);
    await publishAll("plain:ids", 3);
    await stream.next();
    expect(stream.text).toContain(
      `\n\nid: ids=${epoch}.2\ndata: {"channel":"ids","pub":{"data":2,"offset":2}}\n\n` +
        `data: {"channel":"plain:ids","pub":{"data":3,"offset":1,"epoch":"`,
    );
  });

  it("what was missed comes as ordinary events, exactly once, and what is new follows", async () => {
    const request = requestFor("missed");
    const lastEventId = await visit(request, () => publishAll("missed", 1, 2), 2);
    await publishAll("missed", 3, 4, 5);
    const { epoch } = await readHistory(server, "missed");
    await using stream = await resume(request, lastEventId);
    expect(subOf(await stream.next(), "missed")).toEqual({
      recoverable: true,
      epoch,
      recovered: true,
      offset: 2,
      positioned: true,
      was_recovering: true,
    });
    expect(stream.lastEventId).toBe(`missed=${epoch}.2`);
    await publishAll("missed", 6);
    for (const data of [3, 4, 5, 6]) {
      expect(await stream.nextText()).toBe(`{"channel":"missed","pub":{"data":${data},"offset":${data}}}`);
      expect(stream.lastEventId).toBe(`missed=${epoch}.${data}`);
    }
  });

  it("a break in the middle of what was missed loses and repeats nothing", async () => {
    const request = requestFor("again");
    let lastEventId = await visit(request, () => publishAll("again", 1), 1);
    await publishAll("again", 2, 3, 4, 5, 6);
    const seen: unknown[] = [];
    while (seen.length < 5) {
      await using stream = await resume(request, lastEventId);
      await stream.next();
      seen.push(...(await dataOf(stream, 1)));
      ({ lastEventId } = stream);
    }
    expect(seen).toEqual([2, 3, 4, 5, 6]);
  });

  it("who has seen nothing but the connect event resumes from there", async () => {
    const request = requestFor("early");
    const lastEventId = await visit(request, async () => undefined, 0);
    await publishAll("early", 1, 2);
    await using stream = await resume(request, lastEventId);
    expect(subOf(await stream.next(), "early")).toMatchObject({ recovered: true });
    expect(await dataOf(stream, 2)).toEqual([1, 2]);
  });

  it("each of several channels has what it missed, also of the token and the user's own", async () => {
    const client = { subscribe_to_user_personal_channel: { enabled: true } };
    await using own = await runServer({ ...CONFIG, client });
    const request = {
      token: hmacToken({ sub: "42", channels: ["t"] }),
      subs: { a: {}, b: {}, "plain:x": {} },
    };
    await using first = await openSse(own, request);
    await first.next();
    for (const channel of ["a", "t", "#42"]) await own.publish(channel, `${channel} 1`);
    await dataOf(first, 3);
    await first[Symbol.asyncDispose]();
    for (const channel of ["b", "a", "#42", "plain:x", "b", "t"]) await own.publish(channel, `${channel} 2`);
    await using stream = await openSse(own, request, { "Last-Event-ID": first.lastEventId ?? "" });
    const push = await stream.next();
    for (const channel of ["a", "b", "t", "#42"]) {
      expect(subOf(push, channel)).toMatchObject({ recovered: true, was_recovering: true });
    }
    expect(subOf(push, "plain:x")).toEqual({});
    const missed = (await dataOf(stream, 5)).map(String).toSorted();
    expect(missed).toEqual(["#42 2", "a 2", "b 2", "b 2", "t 2"]);
    await own.publish("b", "b 3");
    expect(await dataOf(stream, 1)).toEqual(["b 3"]);
    await stream[Symbol.asyncDispose]();
    await using last = await openSse(own, request, { "Last-Event-ID": stream.lastEventId ?? "" });
    await last.next();
    await own.publish("a", "a 3");
    expect(await dataOf(last, 1)).toEqual(["a 3"]);
  });

  it("after a gap the connect event says so, and nothing of what was missed comes", async () => {
    const request = requestFor("gap");
    const lastEventId = await visit(request, () => publishAll("gap", 1), 1);
    await publishAll("gap", ...Array.from({ length: 11 }, (_, at) => at + 2));
    const { epoch } = await readHistory(server, "gap");
    await using stream = await resume(request, lastEventId);
    expect(subOf(await stream.next(), "gap")).toEqual({
      recoverable: true,
      epoch,
      offset: 12,
      positioned: true,
      was_recovering: true,
    });
    // From here on it can be resumed again.
    expect(stream.lastEventId).toBe(`gap=${epoch}.12`);
    await publishAll("gap", 13);
    expect(await stream.next()).toMatchObject({ pub: { data: 13, offset: 13 } });
  });

  it("in cache mode the latest publication comes as an event", async () => {
    const request = requestFor("cache:a");
    const lastEventId = await visit(request, () => publishAll("cache:a", 1), 1);
    await publishAll("cache:a", 2, 3);
    await using stream = await resume(request, lastEventId);
    expect(subOf(await stream.next(), "cache:a")).toMatchObject({ recovered: true, offset: 1 });
    await publishAll("cache:a", 4);
    expect(await dataOf(stream, 2)).toEqual([3, 4]);
  });

  it("the event id is newer than a position in the address", async () => {
    await publishAll("both", 1, 2, 3);
    const request = { subs: { both: { recover: true, offset: 1 } } };
    await using first = await openSse(server, request);
    // Asked for by the page itself, so the connect event has them.
    expect(subOf(await first.next(), "both")).toMatchObject({
      recovered: true,
      publications: [{ data: 2 }, { data: 3 }],
    });
    await publishAll("both", 4);
    await first.next();
    await first[Symbol.asyncDispose]();
    await publishAll("both", 5);
    await using second = await resume(request, first.lastEventId);
    expect(subOf(await second.next(), "both")).toMatchObject({ recovered: true, offset: 4 });
    expect(await dataOf(second, 1)).toEqual([5]);
  });

  it("an id in the address resumes too, as polyfills put it there; one in the header is newer", async () => {
    const request = requestFor("polyfill");
    const idBehind = (count: number): Promise<string | undefined> =>
      visit(request, () => publishAll("polyfill", count), 1);
    const [older = "", newer = ""] = [await idBehind(1), await idBehind(2)];
    await publishAll("polyfill", 3);
    const address = `${server.url("uni_sse", request)}&lastEventId=${encodeURIComponent(older)}`;
    await using byAddress = await openStream(address);
    expect(subOf(await byAddress.next(), "polyfill")).toMatchObject({ recovered: true });
    expect(await dataOf(byAddress, 2)).toEqual([2, 3]);
    await using byHeader = await openStream(address, { headers: { "Last-Event-ID": newer } });
    await byHeader.next();
    expect(await dataOf(byHeader, 1)).toEqual([3]);
  });

  it("a channel that was unsubscribed by the backend does not come back with the id", async () => {
    await using own = await runServer({
      ...CONFIG,
      channel: { without_namespace: { ...HISTORY, force_recovery: true } },
    });
    await using first = await openSse(own, { subs: { a: {} } });
    await first.next();
    await askApi(own, "subscribe", { channel: "later" });
    await own.publish("later", 1);
    await own.publish("a", 1);
    for (let count = 0; count < 3; count++) await first.next();
    expect(first.lastEventId).toMatch(/^a=[A-Za-z]{8}\.1&later=[A-Za-z]{8}\.1$/u);
    await first[Symbol.asyncDispose]();
    await using second = await openSse(
      own,
      { subs: { a: {} } },
      { "Last-Event-ID": first.lastEventId ?? "" },
    );
    expect(Object.keys((await second.next()).connect?.subs ?? {})).toEqual(["a"]);
  });

  it.each([
    "a b",
    "a&b=c.d",
    "a+b",
    "a%41",
    "x.y.1",
    "#1",
    "ü 日本 😀",
    "line\nbreak\r",
    "\u0000\u2028",
    "__proto__",
    "'\"<>\\",
  ])("channel name %j survives the id", async (channel) => {
    const request = { token: hmacToken({ sub: "u", channels: [channel, "other"] }) };
    const lastEventId = await visit(request, () => publishAll(channel, 1), 1);
    expect(lastEventId).toMatch(/^[\x21-\x7e]+$/u);
    await publishAll(channel, 2);
    await using stream = await resume(request, lastEventId);
    expect(subOf(await stream.next(), channel)).toMatchObject({ recovered: true, offset: 1 });
    expect(await stream.next()).toMatchObject({ channel, pub: { data: 2, offset: 2 } });
  });

  it("over HTTP/2, too", async () => {
    using client = new Http2Client(server.origin);
    const path = new URL(server.url("uni_sse", requestFor("h2")));
    await publishAll("h2", 1);
    const { epoch } = await readHistory(server, "h2");
    const response = await client.request({
      ":path": path.pathname + path.search,
      "last-event-id": `h2=${epoch}.0`,
    });
    const event = `id: h2=${epoch}.1\ndata: {"channel":"h2","pub":{"data":1,"offset":1,"epoch":"${epoch}"}}\n\n`;
    expect(await response.until(event)).toContain(`\r\nid: h2=${epoch}.0\ndata: {"connect":`);
  });
});

describe("SSE: Last-Event-ID of others", () => {
  const ids = [
    "",
    "1",
    "hostile",
    "hostile=",
    "hostile=e",
    "hostile=.",
    "hostile=e.",
    "hostile=e.x",
    "hostile=e.-1",
    "hostile=e.1.5",
    "hostile=e.1e3",
    "hostile=e.NaN",
    "hostile=e.Infinity",
    "hostile=e.99999999999999999999",
    "=.1",
    "=&&==&",
    "%",
    "%E0%A4%A",
    "hostile=%.1",
    "__proto__=e.1&constructor=e.1",
    "hostile=e.1,hostile=e.2",
    `x=${"y".repeat(60_000)}`,
    "x=e.1&".repeat(10_000),
  ];
  it.each(ids.map((id) => [id.slice(0, 40), id]))("%j is harmless", async (_start, lastEventId) => {
    await using stream = await resume(requestFor("hostile"), lastEventId);
    const push = await stream.next();
    expect(subOf(push, "hostile")).toMatchObject({ positioned: true, recoverable: true });
    expect(subOf(push, "hostile")).not.toHaveProperty("recovered");
    await publishAll("hostile", 1);
    expect(await stream.next()).toMatchObject({ channel: "hostile", pub: { data: 1 } });
  });

  it("bytes that are no text, and two headers, are harmless", async () => {
    const path = server.url("uni_sse", requestFor("bytes")).slice(server.origin.length);
    for (const header of [
      "Last-Event-ID: \xff\xfe=\x80.1\r\n",
      "Last-Event-ID: bytes=e.1\r\nLast-Event-ID: x\r\n",
    ]) {
      using connection = await RawConnection.open(server.port);
      const request = httpRequest("GET", path).replace("\r\n\r\n", `\r\n${header}\r\n`);
      connection.send(Buffer.from(request, "latin1"));
      expect(await connection.until('"connect":')).toContain("200 OK");
    }
  });

  it("positions of another epoch, or beyond the top, are not recovered", async () => {
    await publishAll("wrong", 1, 2);
    const { epoch } = await readHistory(server, "wrong");
    for (const id of [`wrong=zzzzzzzz.1`, `wrong=${epoch}.3`, `wrong=${epoch}.${Number.MAX_SAFE_INTEGER}`]) {
      await using stream = await resume(requestFor("wrong"), id);
      expect(subOf(await stream.next(), "wrong")).toEqual({
        recoverable: true,
        epoch,
        offset: 2,
        positioned: true,
        was_recovering: true,
      });
      expect(stream.lastEventId).toBe(`wrong=${epoch}.2`);
    }
  });

  it("naming a channel admits nobody to it", async () => {
    await publishAll("shut:a", "secret");
    const { epoch } = await readHistory(server, "shut:a");
    for (const request of [requestFor("hostile"), requestFor("hostile", "shut:a"), {}]) {
      await using stream = await resume(request, `shut%3Aa=${epoch}.0&zz%3Aa=e.1&%24p=e.1`);
      await stream.next();
      expect(stream.text).not.toContain("shut");
    }
    expect(await askApi(server, "channels", { pattern: "shut:*" })).toEqual({ result: { channels: {} } });
  });

  it("a channel without recovery gets no ids, and its clients no more than before", async () => {
    await publishAll("plain:a", 1);
    const { epoch } = await readHistory(server, "plain:a");
    await using stream = await resume(requestFor("plain:a"), `plain%3Aa=${epoch}.0`);
    expect(subOf(await stream.next(), "plain:a")).toEqual({ was_recovering: true });
    await publishAll("plain:a", 2);
    expect(await dataOf(stream, 1)).toEqual([2]);
    expect(stream.text).not.toMatch(/^id:/mu);
  });
});

describe("SSE: no resume", () => {
  it("a POST has no ids, and takes none", async () => {
    await publishAll("post", 1, 2);
    const { epoch } = await readHistory(server, "post");
    await using stream = await openStream(server.url("uni_sse"), {
      method: "POST",
      body: JSON.stringify(requestFor("post")),
      headers: { "Last-Event-ID": `post=${epoch}.1` },
    });
    expect(subOf(await stream.next(), "post")).toEqual({
      recoverable: true,
      epoch,
      offset: 2,
      positioned: true,
    });
    await publishAll("post", 3);
    expect(await dataOf(stream, 1)).toEqual([3]);
    expect(stream.text).not.toMatch(/^id:/mu);
  });

  it("with native_resume off nothing has an id, and Last-Event-ID is ignored as upstream", async () => {
    await using own = await runServer({ ...CONFIG, uni_sse: { native_resume: false } });
    for (const data of [1, 2]) await own.publish("a", data);
    const { epoch } = await readHistory(own, "a");
    await using stream = await openSse(own, requestFor("a"), { "Last-Event-ID": `a=${epoch}.1` });
    expect(subOf(await stream.next(), "a")).toEqual({
      recoverable: true,
      epoch,
      offset: 2,
      positioned: true,
    });
    await own.publish("a", 3);
    expect(await dataOf(stream, 1)).toEqual([3]);
    expect(stream.text).not.toMatch(/^id:/mu);
  });
});
