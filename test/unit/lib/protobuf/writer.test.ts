import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  delimitedFieldSize,
  ProtobufWriter,
  varintFieldSize,
  varintSize,
} from "../../../../src/lib/protobuf/writer.ts";

const field = fc.integer({ min: 1, max: 2 ** 20 });
const units = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
});

describe("ProtobufWriter writes what the generic one does", () => {
  it("of integers, up to the largest exact one", () => {
    fc.assert(
      fc.property(field, fc.maxSafeNat(), (number, value) => {
        const writer = new ProtobufWriter(varintFieldSize(number, value));
        writer.varint(number, value);
        const expected = new BinaryWriter().tag(number, WireType.Varint).uint64(BigInt(value)).finish();
        expect(writer.bytes).toEqual(Buffer.from(expected));
      }),
    );
  });

  it("of any 64 bits", () => {
    fc.assert(
      fc.property(field, fc.bigInt(0n, 2n ** 64n - 1n), (number, value) => {
        const writer = new ProtobufWriter(varintFieldSize(number, value));
        writer.varint(number, value);
        const expected = new BinaryWriter().tag(number, WireType.Varint).uint64(value).finish();
        expect(writer.bytes).toEqual(Buffer.from(expected));
      }),
    );
  });

  it("of text, halves of surrogate pairs included", () => {
    fc.assert(
      fc.property(field, fc.oneof(fc.string(), fc.string({ unit: "binary" }), units), (number, text) => {
        const length = Buffer.byteLength(text);
        const writer = new ProtobufWriter(delimitedFieldSize(number, length));
        writer.text(number, text, length);
        const expected = new BinaryWriter().tag(number, WireType.LengthDelimited).string(text).finish();
        expect(writer.bytes).toEqual(Buffer.from(expected));
      }),
    );
  });

  it("of bytes and of messages around fields", () => {
    fc.assert(
      fc.property(field, fc.uint8Array({ maxLength: 300 }), (number, data) => {
        const size = delimitedFieldSize(number, data.length);
        const writer = new ProtobufWriter(delimitedFieldSize(1, size));
        writer.message(1, size);
        writer.data(number, data);
        const expected = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
        expected.tag(number, WireType.LengthDelimited).bytes(data).join();
        expect(writer.bytes).toEqual(Buffer.from(expected.finish()));
      }),
    );
  });
});

it.each([
  [0, 1],
  [127, 1],
  [128, 2],
  [16_383, 2],
  [16_384, 3],
  [2 ** 32, 5],
  [Number.MAX_SAFE_INTEGER, 8],
])("%d takes %d bytes as a varint", (value, size) => {
  expect(varintSize(value)).toBe(size);
});
