import { create, fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ConnectRequestSchema,
  PushSchema,
} from "../../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { Publication } from "../../../../src/core/publication.ts";
import type { ConnectRequest } from "../../../../src/core/uni-protocol.ts";
import { type ConnectResult, PLAIN_SUBSCRIBE_RESULT, type Push } from "../../../../src/core/push.ts";
import {
  jsonEncoding,
  protobufEncoding,
  protoJsonEncoding,
} from "../../../../src/protocols/centrifugo/encodings.ts";

const bytes = (text: string): Buffer => Buffer.from(text);
const json = (push: Push): string => String(jsonEncoding.codec.encode(push));
const publish = (data: string, rest: { channel?: string; tags?: Record<string, string> } = {}): Push => ({
  type: "publication",
  channel: rest.channel ?? "news",
  publication: new Publication({ data: bytes(data), tags: rest.tags }),
});

const CONNECT: ConnectResult = {
  client: "c1",
  session: "s1",
  version: "1.0.0 OSS",
  data: undefined,
  subs: new Map(),
  ttlSec: undefined,
  pingSec: 25,
  timeMs: undefined,
};

describe("Centrifugo JSON pushes", () => {
  it.each<[string, Push, string]>([
    ["ping", { type: "ping" }, "{}"],
    [
      "connect with nothing optional",
      { type: "connect", connect: CONNECT },
      '{"connect":{"client":"c1","version":"1.0.0 OSS","ping":25,"session":"s1"}}',
    ],
    [
      "connect with everything",
      {
        type: "connect",
        connect: {
          ...CONNECT,
          data: bytes('{\n"hello": "\u2028"}'),
          subs: new Map([
            ["a&b", PLAIN_SUBSCRIBE_RESULT],
            ["b", { ...PLAIN_SUBSCRIBE_RESULT, data: bytes('{"x": 1}'), wasRecovering: true }],
          ]),
          ttlSec: 60,
          timeMs: 1_700_000_000_000,
        },
      },
      '{"connect":{"client":"c1","version":"1.0.0 OSS","data":{"hello": "\u2028"},"subs":{"a\\u0026b":{},"b":{"data":{"x": 1},"was_recovering":true}},' +
        '"expires":true,"ttl":60,"ping":25,"session":"s1","time":1700000000000}}',
    ],
    [
      "connect that expires within the second",
      { type: "connect", connect: { ...CONNECT, ttlSec: 0, pingSec: 0 } },
      '{"connect":{"client":"c1","version":"1.0.0 OSS","expires":true,"session":"s1"}}',
    ],
    [
      "uni 58: payload byte for byte",
      publish('{"input": 1}'),
      '{"channel":"news","pub":{"data":{"input": 1}}}',
    ],
    [
      "uni 59: line breaks between tokens",
      publish('{\r\n"a":\n1}'),
      '{"channel":"news","pub":{"data":{"a":1}}}',
    ],
    [
      "uni 61: tags",
      publish("1", { tags: { k: "<v>" } }),
      '{"channel":"news","pub":{"data":1,"tags":{"k":"\\u003cv\\u003e"}}}',
    ],
    ["uni 62: escaped channel", publish("1", { channel: "a&b" }), '{"channel":"a\\u0026b","pub":{"data":1}}'],
    [
      "first publication of a stream",
      { type: "publication", channel: "h", publication: new Publication({ data: bytes("1") }, 1, "abcd") },
      '{"channel":"h","pub":{"data":1,"offset":1,"epoch":"abcd"}}',
    ],
    [
      "later publication of a stream",
      { type: "publication", channel: "h", publication: new Publication({ data: bytes("1") }, 2, "abcd") },
      '{"channel":"h","pub":{"data":1,"offset":2}}',
    ],
    [
      "publication with a version, to the last digit",
      {
        type: "publication",
        channel: "h",
        publication: new Publication({ data: bytes("1"), version: 2n ** 64n - 1n }, 1, "abcd"),
      },
      '{"channel":"h","pub":{"data":1,"offset":1,"epoch":"abcd","version":18446744073709551615}}',
    ],
    ["empty payload", publish(""), '{"channel":"news","pub":{}}'],
    [
      "empty payload with company",
      {
        type: "publication",
        channel: "h",
        publication: new Publication({ data: bytes(""), tags: { k: "v" } }, 2, "abcd"),
      },
      '{"channel":"h","pub":{"offset":2,"tags":{"k":"v"}}}',
    ],
    [
      "join with empty user",
      {
        type: "join",
        channel: "c",
        info: { user: "", client: "x", connInfo: bytes('{"n":1}'), chanInfo: undefined },
      },
      '{"channel":"c","join":{"info":{"user":"","client":"x","conn_info":{"n":1}}}}',
    ],
    [
      "unsubscribe",
      { type: "unsubscribe", channel: "c", code: 2000, reason: "server unsubscribe" },
      '{"channel":"c","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}',
    ],
    [
      "subscribe",
      { type: "subscribe", channel: "c", subscribe: PLAIN_SUBSCRIBE_RESULT },
      '{"channel":"c","subscribe":{}}',
    ],
    ["refresh", { type: "refresh", expires: true, ttlSec: 60 }, '{"refresh":{"expires":true,"ttl":60}}'],
    ["refresh without expiry", { type: "refresh", expires: false, ttlSec: 0 }, '{"refresh":{}}'],
    [
      "disconnect",
      { type: "disconnect", code: 3001, reason: "shutdown" },
      '{"disconnect":{"code":3001,"reason":"shutdown"}}',
    ],
  ])("%s", (_name, push, expected) => {
    expect(json(push)).toBe(expected);
  });

  it("uni 63: cannot carry a payload that is not JSON", () => {
    expect(jsonEncoding.codec.encode(publish("\u0001binary"))).toBeUndefined();
    const connect = { ...CONNECT, data: bytes("\u0001binary") };
    expect(jsonEncoding.codec.encode({ type: "connect", connect })).toBeUndefined();
  });

  it("is one line of valid JSON around any JSON payload", () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (data, channel) => {
        const text = json(publish(data, { channel }));
        expect(text).not.toMatch(/[\r\n]/u);
        const parsed = JSON.parse(text) as { channel?: string; pub: { data: unknown } };
        expect(parsed.channel ?? "").toBe(channel);
        expect(parsed.pub.data).toEqual(JSON.parse(data));
      }),
    );
  });
});

describe("Centrifugo protobuf pushes", () => {
  const decode = (push: Push) =>
    fromBinary(PushSchema, protobufEncoding.codec.encode(push) ?? Buffer.alloc(0));

  it("sends a ping as nothing", () => {
    expect(protobufEncoding.codec.encode({ type: "ping" })).toHaveLength(0);
  });

  it("carries any bytes", () => {
    const data = Buffer.from([0, 255, 10]);
    const push = decode({
      type: "publication",
      channel: "c",
      publication: new Publication({ data, tags: { k: "v" } }),
    });
    expect([push.channel, Buffer.from(push.pub?.data ?? []), push.pub?.tags]).toEqual([
      "c",
      data,
      { k: "v" },
    ]);
  });

  it("says the same as JSON in connect", () => {
    const subs = new Map([["a", { ...PLAIN_SUBSCRIBE_RESULT, data: bytes("1"), wasRecovering: true }]]);
    const data = Buffer.from([0, 255]);
    const { connect } = decode({
      type: "connect",
      connect: { ...CONNECT, data, subs, ttlSec: 5, timeMs: 7 },
    });
    expect(connect).toMatchObject({ client: "c1", session: "s1", expires: true, ttl: 5, ping: 25, time: 7n });
    expect(Buffer.from(connect?.data ?? [])).toEqual(data);
    expect(connect?.subs["a"]).toMatchObject({ wasRecovering: true });
  });

  it("has a standard JSON form with payloads in base64", () => {
    const text = String(protoJsonEncoding.codec.encode(publish("1")));
    expect(JSON.parse(text)).toEqual({ channel: "news", pub: { data: "MQ==" } });
    const connect = { ...CONNECT, data: bytes("1") };
    expect(JSON.parse(String(protoJsonEncoding.codec.encode({ type: "connect", connect })))).toMatchObject({
      connect: { client: "c1", data: "MQ==" },
    });
  });
});

describe("connect requests", () => {
  const EMPTY: ConnectRequest = {
    ...{ token: "", data: undefined, headers: new Map(), name: "", version: "" },
    ...{ subs: new Map(), resumeFrom: new Map() },
  };

  it.each<[string, string, object]>([
    ["{}", "{}", EMPTY],
    ["uni 6: null", "null", EMPTY],
    ["uni 7: trailing bytes", "{} x", EMPTY],
    ["uni 8: names in any case, unknown names", '{"TOKEN":"t","zzz":1}', { ...EMPTY, token: "t" }],
    ["white space in front", ' \n{"name":"n","version":"v"}', { ...EMPTY, name: "n", version: "v" }],
    [
      "subs",
      '{"subs":{"a":{"recover":true,"offset":5,"epoch":"e"},"b":null}}',
      {
        ...EMPTY,
        subs: new Map([
          ["a", { recover: true, offset: 5, epoch: "e", delta: false }],
          ["b", { recover: false, offset: 0, epoch: "", delta: false }],
        ]),
      },
    ],
    ["null fields", '{"token":null,"subs":null,"headers":null}', EMPTY],
    ["data byte for byte", '{"data": {"a":\n1 } }', { ...EMPTY, data: bytes('{"a":\n1 }') }],
    ["null as data", '{"data":null}', { ...EMPTY, data: bytes("null") }],
    [
      "headers, with names in lower case",
      '{"headers":{"X-Key":"K","__proto__":"p"}}',
      {
        ...EMPTY,
        headers: new Map([
          ["x-key", "K"],
          ["__proto__", "p"],
        ]),
      },
    ],
  ])("accepts %s", (_name, text, expected) => {
    expect(jsonEncoding.parseRequest(bytes(text))).toEqual(expected);
  });

  it.each([
    "",
    "not json",
    "[]",
    '{"token":1}',
    '{"subs":{"a":{"offset":"1"}}}',
    '{"subs":{"a":{"offset":-1}}}',
    '{"headers":{"a":1}}',
    '{"headers":[]}',
    '"x"',
  ])("uni 4, 5: refuses %j", (text) => {
    expect(() => jsonEncoding.parseRequest(bytes(text))).toThrow(expect.objectContaining({ code: 107 }));
  });

  it("keep nothing of the bytes that they are read from", () => {
    const text = bytes('{"data":{"a":1}}');
    const { data } = jsonEncoding.parseRequest(text);
    text.fill(0);
    expect(data).toEqual(bytes('{"a":1}'));
    const message = toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { data: bytes("any") }));
    const request = protobufEncoding.parseRequest(message);
    message.fill(0);
    expect(request.data).toEqual(bytes("any"));
  });

  it("have the same data and headers in every encoding", () => {
    const message = create(ConnectRequestSchema, { data: Buffer.from([0, 1]), headers: { "X-Key": "K" } });
    const expected = { ...EMPTY, data: Buffer.from([0, 1]), headers: new Map([["x-key", "K"]]) };
    expect(protobufEncoding.parseRequest(toBinary(ConnectRequestSchema, message))).toEqual(expected);
    expect(protoJsonEncoding.parseRequest(bytes(toJsonString(ConnectRequestSchema, message)))).toEqual(
      expected,
    );
  });

  it("refuses what is no protobuf", () => {
    expect(() => protobufEncoding.parseRequest(Buffer.from([255]))).toThrow(
      expect.objectContaining({ code: 107 }),
    );
  });
});
