import { describe, expect, it } from "vitest";
import { clientIdOf } from "../../../../../src/protocols/pusher/channel-name.ts";
import { clientOf, EVENT, startApi } from "./fake-api.ts";

/** So many channels. */
function channelNames(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `c-${at}`);
}

describe("events", () => {
  it("pusher 75: 200 and {}; data that is JSON is published as the bytes it came in", async () => {
    const { call, node } = await startApi();
    const answer = await call("/events", { body: { ...EVENT, data: '{ "b":1.0, "a":"\\u00e9" }' } });
    expect(answer).toMatchObject({ status: 200, json: {} });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(node.published).toEqual([
      {
        channel: "3:news",
        data: '{ "b":1.0, "a":"\\u00e9" }',
        tags: { event: "greeting" },
        request: { idempotencyKey: "", excludeClient: "", skipHistory: false },
      },
    ]);
  });

  it("pusher 75: data that is no JSON is published as a JSON string that is marked", async () => {
    const { call, node } = await startApi();
    await call("/events", { body: { ...EVENT, data: 'say "hi"' } });
    await call("/events", { body: { ...EVENT, data: "" } });
    const tags = { event: "greeting", content_type: "text/plain" };
    expect(node.published).toMatchObject([
      { data: '"say \\"hi\\""', tags },
      { data: '""', tags },
    ]);
  });

  it.each(['{ "a": 12345678901234567890 }', "0", "[1,\n2]", "[".repeat(20_000) + "]".repeat(20_000)])(
    "a posted value that is no string is published as the JSON it came as",
    async (json) => {
      const { call, node } = await startApi();
      const body = `{"name":"e","channel":"news","data":${json}}`;
      await call("/events", { body });
      await call("/batch_events", { body: `{"batch":[ ${body} , ${body}]}` });
      expect(node.published.map(({ data }) => data)).toEqual([json, json, json]);
    },
  );

  it("pusher 76: 100 channels are served in order; 101: 400", async () => {
    const { call, node } = await startApi();
    const { name, data } = EVENT;
    const many = { name, data, channels: channelNames(100) };
    expect(await call("/events", { body: many })).toMatchObject({ status: 200 });
    expect(node.channelsPublished).toEqual(channelNames(100).map((channel) => `3:${channel}`));
    const tooMany = { name, data, channels: channelNames(101) };
    expect(await call("/events", { body: tooMany })).toMatchObject({ status: 400 });
    expect(node.published).toHaveLength(100);
  });

  it("pusher 76: a limit of 0 is none, and a channel that is named twice gets the event once", async () => {
    const { call, node } = await startApi({ max_event_channels_at_once: 0 });
    const { name, data } = EVENT;
    const channels = [...channelNames(150), "c-0"];
    expect(await call("/events", { body: { name, data, channels } })).toMatchObject({ status: 200 });
    expect(node.published).toHaveLength(150);
  });

  it("pusher 77: data beyond the limit: 413", async () => {
    const { call, node } = await startApi({ max_event_payload_in_kb: 1 });
    const post = (data: string) => call("/events", { body: { ...EVENT, data } });
    expect(await post("x".repeat(1025))).toMatchObject({ status: 413, json: { code: 413 } });
    expect(await post("é".repeat(513))).toMatchObject({ status: 413 });
    expect(await post("x".repeat(1024))).toMatchObject({ status: 200 });
    expect(node.published).toHaveLength(1);
  });

  it("pusher 77: a batch of 11: 400, of 10: 200 and {}, in order", async () => {
    const { call, node } = await startApi();
    const batch = channelNames(11).map((channel) => ({ ...EVENT, channel }));
    expect(await call("/batch_events", { body: { batch } })).toMatchObject({ status: 400 });
    expect(node.published).toEqual([]);
    const answer = await call("/batch_events", { body: { batch: batch.slice(0, 10) } });
    expect(answer).toMatchObject({ status: 200, json: {} });
    expect(node.channelsPublished).toEqual(channelNames(10).map((channel) => `3:${channel}`));
  });

  it("a body beyond the limit: 413", async () => {
    const { call } = await startApi({}, { request_body_limit: 100 });
    const body = { ...EVENT, data: "x".repeat(100) };
    expect(await call("/events", { body })).toMatchObject({ status: 413, json: { code: 413 } });
  });

  it.each([
    ["no name", { name: undefined }],
    ["an empty name", { name: "" }],
    ["a name that is no string", { name: 7 }],
    ["a name of 201 characters", { name: "x".repeat(201) }],
    ["a name of the protocol", { name: "pusher:ping" }],
    ["an internal name of the protocol", { name: "pusher_internal:subscription_succeeded" }],
    ["no data", { data: undefined }],
    ["null as data", { data: null }],
    ["no channel", { channel: undefined }],
    ["an empty list of channels", { channels: [] }],
    ["channels that are no strings", { channels: [1] }],
    ["a channel with a blank", { channel: "a b" }],
    ["a channel of another namespace", { channel: "x:y" }],
    ["a channel of 201 characters", { channel: "x".repeat(201) }],
    ["a # channel", { channel: "#news" }],
    ["a channel of two #", { channel: "##server-to-user-1" }],
    ["the channel of nobody", { channel: "#server-to-user-" }],
    ["the channel of a list of users with a blank", { channel: "#server-to-user-1, 2" }],
    ["a socket id that is none", { socket_id: "1" }],
    ["info that is unknown", { info: "likes" }],
    ["an idempotency key of 129 characters", { idempotency_key: "x".repeat(129) }],
  ])("pusher 78: %s: 400", async (_, wrong) => {
    const { call, node } = await startApi();
    const body = { ...EVENT, ...wrong };
    expect(await call("/events", { body })).toMatchObject({ status: 400, json: { code: 400 } });
    const batch = [EVENT, "channels" in wrong ? { ...body, channel: undefined } : body];
    expect(await call("/batch_events", { body: { batch } })).toMatchObject({ status: 400 });
    expect(node.published).toEqual([]);
  });

  it.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["no UTF-8", Buffer.from('{"name":"\xff"}', "latin1")],
    ["nothing", ""],
  ])("pusher 78: a body that is %s: 400", async (_, body) => {
    const { call } = await startApi();
    expect(await call("/events", { body, method: "POST" })).toMatchObject({ status: 400 });
    expect(await call("/batch_events", { body, method: "POST" })).toMatchObject({ status: 400 });
  });

  it.each([{ batch: {} }, { batch: [1] }, {}])("pusher 78: a batch like %j: 400", async (body) => {
    const { call } = await startApi();
    expect(await call("/batch_events", { body })).toMatchObject({ status: 400 });
  });

  it("pusher 79: the socket is excluded by its client id, in each event of a batch by itself", async () => {
    const { call, node } = await startApi();
    const ours = "123456789012345.42";
    await call("/events", { body: { ...EVENT, socket_id: ours } });
    await call("/batch_events", { body: { batch: [{ ...EVENT, socket_id: ours }, EVENT] } });
    await call("/events", { body: { ...EVENT, socket_id: "99999999999999999999.1" } });
    const excluded = node.published.map(({ request }) => request.excludeClient);
    expect(excluded).toEqual([clientIdOf(ours), clientIdOf(ours), "", ""]);
    expect(clientIdOf(ours)).toMatch(/^[-0-9a-f]{36}$/u);
  });

  it("pusher 80: info tells of the channels that have it", async () => {
    const { call, node } = await startApi();
    node.subscribers.set("3:news", 2).set("3:presence-room", 3);
    const members = [clientOf("1", "a"), clientOf("1", "b"), clientOf("2", "c"), clientOf("", "d")];
    node.present.set("3:presence-room", members);
    const { name, data } = EVENT;
    const info = "user_count,subscription_count";
    const channels = ["presence-room", "news", "empty"];
    expect(await call("/events", { body: { name, data, channels, info } })).toMatchObject({
      status: 200,
      json: {
        channels: {
          "presence-room": { user_count: 2, subscription_count: 3 },
          news: { subscription_count: 2 },
          empty: { subscription_count: 0 },
        },
      },
    });
    const batch = [EVENT, { ...EVENT, info }, { ...EVENT, channel: "presence-room", info: "user_count" }];
    expect((await call("/batch_events", { body: { batch } })).json).toEqual({
      batch: [{}, { subscription_count: 2 }, { user_count: 2 }],
    });
  });

  it.each(["App\\Events\\Sent", "Grüße 👋", '"', "client-x", "a\u2028b", "event:with:colons"])(
    "pusher 84: an event may be called %s",
    async (name) => {
      const { call, node } = await startApi();
      expect(await call("/events", { body: { ...EVENT, name } })).toMatchObject({ status: 200 });
      expect(node.published).toMatchObject([{ tags: { event: name } }]);
    },
  );

  it("the channel of a user is its personal channel in the core", async () => {
    const { call, node } = await startApi();
    await call("/events", { body: { ...EVENT, channel: "#server-to-user-42" } });
    expect(node.channelsPublished).toEqual(["3:#42"]);
  });

  it("parameters may stand in the query", async () => {
    const { call, node } = await startApi();
    const params = { name: "a b+c", data: "é&=", "channels[]": "news" };
    expect(await call("/events", { method: "POST", params })).toMatchObject({ status: 200, json: {} });
    expect(node.published).toMatchObject([{ channel: "3:news", tags: { event: "a b+c" }, data: '"é&="' }]);
  });

  it("a body wins over the query", async () => {
    const { call, node } = await startApi();
    await call("/events", { body: EVENT, params: { channel: "other", socket_id: "1.2" } });
    expect(node.published).toMatchObject([
      { channel: "3:news", request: { excludeClient: clientIdOf("1.2") } },
    ]);
  });

  it("the deprecated way: the channel in the path, the data as the body", async () => {
    const { call, node } = await startApi();
    const answer = await call("/channels/news/events", {
      body: '{"some":"data"}',
      params: { name: "foo", socket_id: "1.2" },
    });
    expect(answer).toMatchObject({ status: 200, json: {} });
    expect(node.published).toMatchObject([
      {
        channel: "3:news",
        data: '{"some":"data"}',
        tags: { event: "foo" },
        request: { excludeClient: clientIdOf("1.2") },
      },
    ]);
  });

  it("idempotency keys reach the broker, of a batch each its own", async () => {
    const { call, node } = await startApi();
    const headers = { "X-Idempotency-Key": "h" };
    await call("/events", { body: { ...EVENT, idempotency_key: "k" }, headers });
    await call("/events", { body: EVENT, headers });
    await call("/batch_events", { body: { batch: [EVENT, { ...EVENT, idempotency_key: "k" }] }, headers });
    expect(node.published.map(({ request }) => request.idempotencyKey)).toEqual(["k", "h", "h:0", "k"]);
  });

  it("a failing broker: 500 and a line in the log", async () => {
    const { call, node, errors } = await startApi();
    node.isBroken = true;
    expect(await call("/events", { body: EVENT })).toMatchObject({ status: 500, json: { code: 500 } });
    expect(errors).toMatchObject([{ message: "broker is down" }]);
  });
});

describe("limits of an app", () => {
  it("events a second: one point for each channel, then 429 with Retry-After", async () => {
    const { call, clock, node } = await startApi({ max_backend_events_per_second: 3 });
    const { name, data } = EVENT;
    const two = await call("/events", { body: { name, data, channels: ["a", "b"] } });
    expect([...two.headers]).toEqual(
      expect.arrayContaining([
        ["x-ratelimit-limit", "3"],
        ["x-ratelimit-remaining", "1"],
      ]),
    );
    const batch = await call("/batch_events", { body: { batch: [EVENT, EVENT] } });
    expect(batch).toMatchObject({ status: 429, json: { code: 429 } });
    expect(batch.headers.get("retry-after")).toBe("1");
    expect(batch.headers.get("x-ratelimit-remaining")).toBe("1");
    expect(await call("/events", { body: EVENT })).toMatchObject({ status: 200 });
    expect(await call("/channels")).toMatchObject({ status: 200 });
    clock.advance(1000);
    expect(await call("/events", { body: EVENT })).toMatchObject({ status: 200 });
    expect(node.published).toHaveLength(4);
  });

  it("reads a second: 429 beyond", async () => {
    const { call } = await startApi({ max_read_requests_per_second: 3 });
    const paths = ["/channels", "/channels/news", "/channels/presence-a/users", "/channels"];
    const statuses: number[] = [];
    for (const path of paths) statuses.push((await call(path)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(await call("/events", { body: EVENT })).toMatchObject({ status: 200 });
  });

  it("what is refused for what it says takes nothing", async () => {
    const { call } = await startApi({ max_backend_events_per_second: 1 });
    expect(await call("/events", { body: { ...EVENT, name: "" } })).toMatchObject({ status: 400 });
    expect(await call("/events", { body: EVENT })).toMatchObject({ status: 200 });
  });

  it("of a client address: 429 beyond, before anything else is looked at", async () => {
    let remaining = 2;
    const { call } = await startApi({}, {}, () => {
      remaining -= 1;
      return { allowed: remaining >= 0, max: 2, remaining: Math.max(0, remaining), retryAfterSec: 7 };
    });
    const first = await call("/events", { body: EVENT });
    expect([first.status, first.headers.get("x-ratelimit-remaining")]).toEqual([200, "1"]);
    await call("/channels");
    const beyond = await call("/channels", { secret: "x" });
    expect([beyond.status, beyond.headers.get("retry-after")]).toEqual([429, "7"]);
    expect([...beyond.headers]).toEqual(
      expect.arrayContaining([
        ["x-ratelimit-limit", "2"],
        ["x-ratelimit-remaining", "0"],
      ]),
    );
  });
});
