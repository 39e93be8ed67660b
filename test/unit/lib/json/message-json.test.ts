import { create, type DescMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as api from "../../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { ConnectRequestSchema } from "../../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { decodeMessage } from "../../../../src/lib/json/decode-message.ts";
import { JsonEncodeError, MessageEncoder } from "../../../../src/lib/json/encode-message.ts";
import { JsonDecodeError } from "../../../../src/lib/json/raw-json.ts";

const bytes = (text: string): Buffer => Buffer.from(text);

function decode<Desc extends DescMessage>(desc: Desc, json: string): MessageShape<Desc> {
  return decodeMessage(desc, bytes(json));
}

/** The error that decoding makes; undefined where it succeeds. */
function errorOf(json: Uint8Array, trailing: "ignore" | "refuse"): unknown {
  try {
    decodeMessage(api.BatchRequestSchema, json, { trailing });
    return undefined;
  } catch (error) {
    return error;
  }
}

function tokenOfFirst(json: string): string {
  return decodeMessage(ConnectRequestSchema, bytes(json), { trailing: "ignore" }).token;
}

function nestedFilter(depth: number): string {
  return `{"label_filter":${'{"nodes":['.repeat(depth)}${"]}".repeat(depth)}}`;
}

function pathOfError(desc: DescMessage, json: string): string {
  try {
    decodeMessage(desc, bytes(json));
  } catch (error) {
    if (error instanceof JsonDecodeError) return error.path;
    throw error;
  }
  throw new Error(`${json} was accepted`);
}

describe("decodeMessage", () => {
  it("api 17: names match exactly, else without regard to case; unknown ones are ignored", () => {
    expect(
      decode(api.PublishRequestSchema, '{"CHANNEL":"a","Data":1,"zz":{"channel":2},"Skip_History":true}'),
    ).toEqual(
      create(api.PublishRequestSchema, {
        channel: "a",
        data: bytes("1"),
        skipHistory: true,
      }),
    );
  });

  it("names are not those of protobuf's JSON mapping", () => {
    expect(decode(api.PublishRequestSchema, '{"skipHistory":true}')).toEqual(
      create(api.PublishRequestSchema, {}),
    );
  });

  it("escapes in names and strings are decoded", () => {
    expect(
      decode(api.PublishRequestSchema, '{"ch\\u0061nnel":"\\u00fc \\ud83d\\ude00\\n","tags":{"\\"k":"é"}}'),
    ).toEqual(
      create(api.PublishRequestSchema, {
        channel: "ü 😀\n",
        tags: { '"k': "é" },
      }),
    );
  });

  it("half a surrogate pair becomes U+FFFD", () => {
    expect(decode(api.PublishRequestSchema, '{"channel":"\\ud800"}')).toEqual(
      create(api.PublishRequestSchema, { channel: "\ufffd" }),
    );
  });

  it("the last of repeated names counts", () => {
    expect(
      decode(api.PublishRequestSchema, '{"channel":"a","channel":"b","Channel":"c","data":1,"data":2}'),
    ).toEqual(
      create(api.PublishRequestSchema, {
        channel: "c",
        data: bytes("2"),
      }),
    );
  });

  it("null leaves fields unset, but is a value of bytes", () => {
    const all = '{"channel":null,"data":null,"tags":null,"version":null,"delta":null}';
    expect(decode(api.PublishRequestSchema, all)).toEqual(
      create(api.PublishRequestSchema, { data: bytes("null") }),
    );
    expect(decode(api.HistoryRequestSchema, '{"since":null}')).toEqual(create(api.HistoryRequestSchema, {}));
    expect(decode(api.BroadcastRequestSchema, '{"channels":null}')).toEqual(
      create(api.BroadcastRequestSchema, {}),
    );
  });

  it("null as a whole is an empty message", () => {
    expect(decode(api.PublishRequestSchema, " null ")).toEqual(create(api.PublishRequestSchema, {}));
  });

  it("raw JSON is kept byte for byte and not copied", () => {
    const data = '{ "b":1.50, "a" : [ 12345678901234567890.10,"\\u00e9<" ] ,"a":null}';
    const json = bytes(` {"data" : ${data} , "channel":"a"}`);
    const message = decodeMessage(api.PublishRequestSchema, json);
    expect(Buffer.from(message.data).toString()).toBe(data);
    expect(message.data.buffer).toBe(json.buffer);
  });

  it("64-bit integers keep all digits", () => {
    const max = 18446744073709551615n;
    expect(decode(api.PublishRequestSchema, `{"version":${max}}`)).toEqual(
      create(api.PublishRequestSchema, { version: max }),
    );
    expect(decode(api.RefreshRequestSchema, '{"expire_at":-9223372036854775808}')).toEqual(
      create(api.RefreshRequestSchema, { expireAt: -(2n ** 63n) }),
    );
  });

  it.each(['"5"', "5.0", "1e3", "-1", "-0", "18446744073709551616", "true", "[]", "1".repeat(100)])(
    "api 18: %s is not an unsigned 64-bit integer",
    (value) => {
      expect(pathOfError(api.PublishRequestSchema, `{"version":${value}}`)).toBe("version");
    },
  );

  it.each([
    [api.HistoryRequestSchema, '{"limit":2147483648}', "limit"],
    [api.HistoryRequestSchema, '{"limit":1.5}', "limit"],
    [api.DisconnectRequestSchema, '{"disconnect":{"code":4294967296}}', "disconnect.code"],
    [api.PublishRequestSchema, '{"tags":{"a":1}}', "tags.a"],
    [api.PublishRequestSchema, '{"tags":[]}', "tags"],
    [api.PublishRequestSchema, '{"channel":1}', "channel"],
    [api.PublishRequestSchema, '{"delta":"true"}', "delta"],
    [api.PublishRequestSchema, '{"delta":0}', "delta"],
    [api.BroadcastRequestSchema, '{"channels":"a"}', "channels"],
    [api.BroadcastRequestSchema, '{"channels":["a",2]}', "channels.1"],
    [api.SubscribeRequestSchema, '{"override":{"presence":true}}', "override.presence"],
    [api.MetricsSchema, '{"interval":"1"}', "interval"],
    [api.MetricsSchema, '{"items":{"a":1e999}}', "items.a"],
    [api.PublishRequestSchema, "[]", ""],
    [api.PublishRequestSchema, '"a"', ""],
  ])("%o refuses %s at %j", (desc, json, path) => {
    expect(pathOfError(desc, json)).toBe(path);
  });

  it.each([
    "",
    " ",
    "{",
    '{"channel":"a"',
    '{"channel":"a"}x',
    "{}{}",
    '{"zz":nul}',
    '{"zz":[1,]}',
    '{"a":"\u0001"}',
  ])("%j is not JSON", (json) => {
    expect(pathOfError(api.PublishRequestSchema, json)).toBe("");
  });

  it("text that is not UTF-8 is refused", () => {
    const json = Buffer.concat([bytes('{"channel":"'), Buffer.from([0xc3]), bytes('"}')]);
    expect(() => decodeMessage(api.PublishRequestSchema, json)).toThrow(JsonDecodeError);
  });

  it("what follows the value can be ignored", () => {
    expect(tokenOfFirst(' {"token":"}"} garbage {')).toBe("}");
    expect(tokenOfFirst("null!")).toBe("");
    expect(() => tokenOfFirst('{"token":"a"')).toThrow(JsonDecodeError);
    expect(() => tokenOfFirst('{"token":}{}')).toThrow(JsonDecodeError);
    expect(() => tokenOfFirst("{]}")).toThrow(JsonDecodeError);
    expect(() => tokenOfFirst("")).toThrow(JsonDecodeError);
  });

  it("null in a map of messages is an empty message", () => {
    expect(decode(ConnectRequestSchema, '{"subs":{"a":null,"b":{"offset":5}}}')).toEqual(
      create(ConnectRequestSchema, {
        subs: { a: {}, b: { offset: 5n } },
      }),
    );
  });

  it("null among the items of a list can be told from {}", () => {
    const nullItems = new Set<Message>();
    const { commands } = decodeMessage(api.BatchRequestSchema, bytes('{"commands":[null,{}]}'), {
      nullItems,
    });
    expect(commands).toEqual([create(api.CommandSchema), create(api.CommandSchema)]);
    expect(commands.map((command) => nullItems.has(command))).toEqual([true, false]);
  });

  it("__proto__ is a key like any other", () => {
    const { subs } = decodeMessage(
      ConnectRequestSchema,
      bytes('{"subs":{"__proto__":{"epoch":"x"}},"__proto__":{}}'),
    );
    expect(Object.keys(subs)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(subs)).toBe(Object.prototype);
  });

  it("messages may nest, but not without end", () => {
    expect(decodeMessage(api.ConnectionsRequestSchema, bytes(nestedFilter(90))).labelFilter).toBeDefined();
    expect(() => decodeMessage(api.ConnectionsRequestSchema, bytes(nestedFilter(200_000)))).toThrow(
      JsonDecodeError,
    );
  });

  it("any JSON value embedded as data survives byte for byte", () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom(undefined, 2, "\r\n\t"),
        fc.string(),
        (value, indent, channel) => {
          const data = JSON.stringify(value, undefined, indent);
          const json = bytes(`{"data":${data},"channel":${JSON.stringify(channel)}}`);
          const message = decodeMessage(api.PublishRequestSchema, json);
          expect(Buffer.from(message.data).toString()).toBe(data);
          expect(message.channel).toBe(channel);
        },
      ),
    );
  });

  it("garbage makes nothing but JsonDecodeError", () => {
    const name = fc.constantFrom(
      "commands",
      "parallel",
      "publish",
      "channel",
      "data",
      "tags",
      "version",
      "disconnect",
    );
    const tokens = fc.oneof(
      name.map((n) => `"${n}":`),
      fc.constantFrom("{", "}", "[", "]", ",", "null", "1", '"', "\\"),
    );
    const garbage = fc.oneof(
      fc.uint8Array(),
      fc.array(tokens).map((parts) => bytes(`{"commands":[{${parts.join("")}}]}`)),
      fc.dictionary(name, fc.jsonValue()).map((object) => bytes(JSON.stringify({ commands: [object] }))),
    );
    fc.assert(
      fc.property(garbage, fc.constantFrom("ignore" as const, "refuse" as const), (json, trailing) => {
        const error = errorOf(json, trailing);
        expect(error === undefined || error instanceof JsonDecodeError).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("MessageEncoder", () => {
  const encoder = new MessageEncoder(
    new Set([
      "ClientInfo.user",
      "HistoryResult.publications",
      "HistoryResult.offset",
      "PresenceResult.presence",
    ]),
  );

  it("zero values are left out, but for those always printed", () => {
    expect(encoder.encode(api.PublishResultSchema, create(api.PublishResultSchema))).toBe("{}");
    expect(encoder.encode(api.HistoryResultSchema, create(api.HistoryResultSchema))).toBe(
      '{"publications":[],"offset":0}',
    );
    expect(encoder.encode(api.PresenceResultSchema, create(api.PresenceResultSchema))).toBe(
      '{"presence":{}}',
    );
    const reply = create(api.ReplySchema, { publish: {}, presence: { presence: { c: {} } } });
    expect(encoder.encode(api.ReplySchema, reply)).toBe(
      '{"publish":{},"presence":{"presence":{"c":{"user":""}}}}',
    );
  });

  it("api 52: raw JSON is compacted and keeps its digits; integers keep theirs; keys are sorted", () => {
    const publication = create(api.PublicationSchema, {
      data: bytes(' {"n": 12345678901234567890.10, "h": "<b>"} '),
      offset: 18446744073709551615n,
      tags: { "\u{1f600}": "3", "\uffee": "2", b: '"', a: "" },
    });
    expect(encoder.encode(api.PublicationSchema, publication)).toBe(
      '{"data":{"n":12345678901234567890.10,"h":"\\u003cb\\u003e"},"offset":18446744073709551615,' +
        '"tags":{"a":"","b":"\\"","\uffee":"2","\u{1f600}":"3"}}',
    );
  });

  it("numbers and lists", () => {
    const metrics = create(api.MetricsSchema, { interval: 60, items: { x: 0.5, y: 1e21, z: 0 } });
    expect(encoder.encode(api.MetricsSchema, metrics)).toBe(
      '{"interval":60,"items":{"x":0.5,"y":1e+21,"z":0}}',
    );
    const request = create(api.BroadcastRequestSchema, { channels: ["a", ""], delta: true });
    expect(encoder.encode(api.BroadcastRequestSchema, request)).toBe('{"channels":["a",""],"delta":true}');
  });

  it("what JSON cannot hold is refused", () => {
    const binary = create(api.PublicationSchema, { data: Buffer.from([0, 1]) });
    expect(() => encoder.encode(api.PublicationSchema, binary)).toThrow(JsonEncodeError);
    const infinite = create(api.MetricsSchema, { interval: Infinity });
    expect(() => encoder.encode(api.MetricsSchema, infinite)).toThrow(JsonEncodeError);
  });

  it("what is encoded decodes to the same", () => {
    const request = fc.record({
      channel: fc.string(),
      data: fc.jsonValue().map((value) => bytes(JSON.stringify(value))),
      tags: fc.dictionary(fc.string(), fc.string()),
      version: fc.bigInt(0n, 2n ** 64n - 1n),
      delta: fc.boolean(),
    });
    fc.assert(
      fc.property(request, (init) => {
        const message = create(api.PublishRequestSchema, init);
        const text = encoder.encode(api.PublishRequestSchema, message);
        const again = decodeMessage(api.PublishRequestSchema, bytes(text));
        expect(JSON.parse(Buffer.from(again.data).toString())).toEqual(JSON.parse(init.data.toString()));
        expect({ ...again, data: message.data }).toEqual(message);
      }),
    );
  });
});
