import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ConnectRequestSchema } from "../../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import type { ConnectRequest } from "../../../../src/core/connect-request.ts";
import {
  jsonEncoding,
  protobufEncoding,
  protoJsonEncoding,
} from "../../../../src/protocols/centrifugo/uni-protocol.ts";

const bytes = (text: string): Buffer => Buffer.from(text);

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
