import * as ws from "ws";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameBoundaries } from "../../../../src/transports/websocket/frame-boundaries.ts";
import { FrameReaders, type FrameSink } from "../../../../src/transports/websocket/frame-reader.ts";

interface FrameOptions {
  readonly fin: boolean;
  readonly opcode: number;
  readonly mask: true;
  readonly readOnly: true;
}

// The published types leave the framing out.
const { Sender } = ws as unknown as {
  Sender: { frame(data: Buffer, options: FrameOptions): Buffer[] };
};

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** A frame of a client, masked. */
function frame(opcode: number, payload: Buffer | string, fin = true): Buffer {
  return Buffer.concat(Sender.frame(Buffer.from(payload), { fin, opcode, mask: true, readOnly: true }));
}

/** A client that notes what is read of it. */
class Client implements FrameSink {
  readonly heard: string[] = [];

  onMessage(message: Buffer): void {
    this.heard.push(`message ${message.toString()}`);
  }
  onPing(payload: Buffer): void {
    this.heard.push(`ping ${payload.toString()}`);
  }
  onPong(): void {
    this.heard.push("pong");
  }
  onCloseFrame(code: number): void {
    this.heard.push(`close ${code}`);
  }
  onViolation(code: number): void {
    this.heard.push(`violation ${code}`);
  }
  onDrain(): void {}
}

describe("FrameBoundaries", () => {
  it.each([0, 1, 125, 126, 65_535, 65_536])("is at rest behind a frame of %i bytes, not before", (length) => {
    const boundaries = new FrameBoundaries();
    const bytes = frame(TEXT, "x".repeat(length));
    boundaries.advance(bytes.subarray(0, -1));
    expect(boundaries.isAtRest).toBe(false);
    boundaries.advance(bytes.subarray(-1));
    expect(boundaries.isAtRest).toBe(true);
  });

  it("is in the middle of a message between its fragments, whatever control frames come", () => {
    const boundaries = new FrameBoundaries();
    const steps = [frame(TEXT, "a", false), frame(PING, "p"), frame(0, "b", false), frame(0, "c")];
    const states = steps.map((bytes) => {
      boundaries.advance(bytes);
      return boundaries.isAtRest;
    });
    expect(states).toEqual([false, false, false, true]);
  });

  it("does not depend on how the bytes are cut", () => {
    const bytes = Buffer.concat([frame(TEXT, "x".repeat(300)), frame(PING, ""), frame(TEXT, "y")]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
        const boundaries = new FrameBoundaries();
        const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
        let at = 0;
        for (const end of ends) {
          boundaries.advance(bytes.subarray(at, end));
          at = end;
        }
        expect(boundaries.isAtRest).toBe(true);
      }),
    );
  });
});

describe("FrameReaders", () => {
  it("reads many clients with one reader, as long as none is in the middle of a message", () => {
    const readers = new FrameReaders(100);
    const clients = [new Client(), new Client(), new Client()];
    const used = new Set(
      clients.map((client, index) => {
        const reader = readers.take(client);
        reader.read(Buffer.concat([frame(PING, `${index}`), frame(TEXT, `text ${index}`), frame(PONG, "")]));
        expect(readers.takeBack(reader)).toBe(true);
        return reader;
      }),
    );
    expect(used.size).toBe(1);
    expect(clients.map(({ heard }) => heard)).toEqual(
      [0, 1, 2].map((index) => [`ping ${index}`, `message text ${index}`, "pong"]),
    );
  });

  it("leaves a client that is in the middle of a message its reader", () => {
    const readers = new FrameReaders(100);
    const [slow, quick] = [new Client(), new Client()];
    const bytes = frame(TEXT, "slow");
    const reader = readers.take(slow);
    reader.read(bytes.subarray(0, 7));
    expect(readers.takeBack(reader)).toBe(false);
    const other = readers.take(quick);
    other.read(frame(TEXT, "quick"));
    expect(readers.takeBack(other)).toBe(true);
    reader.read(bytes.subarray(7));
    expect(readers.takeBack(reader)).toBe(true);
    expect([slow.heard, quick.heard]).toEqual([["message slow"], ["message quick"]]);
  });

  it.each([
    ["too much", frame(TEXT, "x".repeat(101)), 1009],
    ["text that is no UTF-8", frame(TEXT, Buffer.from([0xff])), 1007],
    ["an opcode that does not exist", frame(3, ""), 1002],
    ["a frame without a mask", Buffer.from([0x81, 0x00]), 1002],
  ])("does not take a reader back after %s", async (_name, bytes, code) => {
    const readers = new FrameReaders(100);
    const client = new Client();
    const reader = readers.take(client);
    reader.read(bytes);
    expect(readers.takeBack(reader)).toBe(false);
    await new Promise(setImmediate);
    expect(client.heard).toEqual([`violation ${code}`]);
  });

  it.each([
    ["fragments", Array.from({ length: 1400 }, (_, index) => frame(index === 0 ? TEXT : 0, "x", false))],
    ["reads", [...frame(TEXT, "x".repeat(65_535)).subarray(0, 1400)].map((byte) => Buffer.of(byte))],
  ])("ends a client whose message comes in too many %s", async (_name, parts) => {
    const client = new Client();
    const reader = new FrameReaders(65_536).take(client);
    for (const part of parts.slice(0, 1200)) reader.read(part);
    await new Promise(setImmediate);
    expect(client.heard).toEqual([]);
    for (const part of parts.slice(1200)) reader.read(part);
    await new Promise(setImmediate);
    expect(client.heard).toEqual(["violation 1008"]);
  });

  it("does not take a reader back after a close frame, and reads nothing behind it", () => {
    const readers = new FrameReaders(100);
    const client = new Client();
    const reader = readers.take(client);
    reader.read(Buffer.concat([frame(CLOSE, Buffer.from([0x0f, 0xa0])), frame(TEXT, "late")]));
    expect(readers.takeBack(reader)).toBe(false);
    expect(client.heard).toEqual(["close 4000"]);
  });
});
