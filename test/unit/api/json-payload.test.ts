import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BroadcastRequestSchema,
  HistoryRequestSchema,
  PublishRequestSchema,
} from "../../../gen/centrifugal/centrifugo/api/api_pb.ts";
import { hasPayload, readAroundPayload } from "../../../src/api/connect/json-payload.ts";

/** What the generic decoder makes of a text; undefined where it refuses it. */
function readAll(text: string): string | undefined {
  try {
    const message = fromJsonString(PublishRequestSchema, text, { ignoreUnknownFields: true });
    return toJsonString(PublishRequestSchema, message);
  } catch {
    return undefined;
  }
}

function readAround(text: string): string | undefined {
  const message = readAroundPayload(PublishRequestSchema, Buffer.from(text));
  return message && toJsonString(PublishRequestSchema, message as never);
}

const base64 = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("base64"));

it("knows which messages carry a payload", () => {
  const all = [PublishRequestSchema, BroadcastRequestSchema, HistoryRequestSchema];
  expect(all.map(hasPayload)).toEqual([true, true, false]);
});

describe("readAroundPayload", () => {
  it("reads what the generic decoder reads", () => {
    const request = fc.record(
      {
        channel: fc.string(),
        data: base64,
        tags: fc.dictionary(fc.string(), fc.string()),
        x: fc.jsonValue(),
      },
      { requiredKeys: ["data"] },
    );
    fc.assert(
      fc.property(request, fc.constantFrom(undefined, 1, "\t"), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        const expected = readAll(text);
        expect(expected).toBeDefined();
        expect(readAround(text)).toBe(expected);
      }),
    );
  });

  it("reads nothing that the generic decoder refuses, nor anything else than it", () => {
    const pieces = [
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      '"',
      "\\",
      '"data"',
      '"channel"',
      '"QUI="',
      '"a"',
      "1",
      "null",
      " ",
    ];
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(""));
    const member = fc.constantFrom(
      '"data":"QUI="',
      '"data":1',
      '"data":"*"',
      '"channel":"a"',
      '"x":{"data":"QQ=="}',
    );
    const object = fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(",")}}`);
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          object,
          fc.tuple(object, text).map(([a, b]) => a + b),
        ),
        (candidate) => {
          const expected = readAll(candidate);
          expect(readAround(candidate) ?? expected).toBe(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    '{"data":"_-8="}',
    '{"data":"QQ"}',
    '{"data":null}',
    '{"dat\\u0061":"QQ=="}',
    "{}",
    "[]",
    "",
    "{",
  ])("leaves %s to the generic decoder", (text) => {
    expect(readAround(text)).toBeUndefined();
  });

  it("leaves to it what names the payload twice", () => {
    expect(readAround('{"data":"QQ==","data":"QQ=="}')).toBeUndefined();
  });
});
