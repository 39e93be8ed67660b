import fc from "fast-check";
import { expect, it } from "vitest";
import { LinkReader, LENGTH_BYTES } from "../../../../src/lib/link/link-reader.ts";

function framed(frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32LE(frame.length);
      return [length, frame];
    }),
  );
}

/** Cuts bytes at these places, taken around their length. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return cuts.slice(1).map((end, at) => bytes.subarray(cuts[at], end));
}

it("frames come out as they went in, however the bytes are cut", () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (sent, places) => {
      const received: Uint8Array[] = [];
      const reader = new LinkReader((frame) => received.push(frame));
      for (const chunk of cutAt(framed(sent), places)) reader.push(chunk);
      expect(received.map((frame) => [...frame])).toEqual(sent.map((frame) => [...frame]));
    }),
  );
});

it("a frame comes with its last byte, not later", () => {
  const received: string[] = [];
  const reader = new LinkReader((frame) => received.push(frame.toString()));
  const bytes = framed([Buffer.from("one"), Buffer.alloc(0), Buffer.from("two")]);
  const counts = Array.from(bytes, (_, at) => {
    reader.push(bytes.subarray(at, at + 1));
    return received.length;
  });
  expect(counts).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3]);
  expect(received).toEqual(["one", "", "two"]);
});
