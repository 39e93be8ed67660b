import type { Writable } from "node:stream";
import { inflateRawSync } from "node:zlib";
import * as ws from "ws";
import { describe, expect, it } from "vitest";
import { createMessageFramer } from "../../../../src/transports/websocket/framer.ts";

// The published types leave the parser out.
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** Reads messages with the parser of `ws`, as a client of this server would. */
function read(bytes: Uint8Array): string[] {
  const messages: string[] = [];
  const receiver = new Receiver({ isServer: false });
  receiver.on("message", (data: Buffer) => messages.push(data.toString()));
  receiver.write(Buffer.from(bytes));
  return messages;
}

describe("WebSocket framer", () => {
  const plain = createMessageFramer({ messages: "text", separator: undefined, deflate: undefined });

  it.each([0, 1, 125, 126, 65_535, 65_536, 100_000])("frames a message of %i bytes", (length) => {
    const text = "x".repeat(length);
    expect(read(plain.frame(Buffer.from(text)))).toEqual([text]);
  });

  it("keeps messages apart in a joined write", () => {
    const frames = ["a", "bb", "ccc"].map((text) => plain.frame(Buffer.from(text)));
    expect(read(plain.join(frames))).toEqual(["a", "bb", "ccc"]);
  });

  it("uni 37: joins up to 16 pushes per message with line breaks, none trailing", () => {
    const joining = createMessageFramer({
      messages: "text",
      separator: Buffer.from("\n"),
      deflate: undefined,
    });
    const texts = Array.from({ length: 20 }, (_, index) => `{"n":${index}}`);
    const messages = read(joining.join(texts.map((text) => joining.frame(Buffer.from(text)))));
    expect(messages).toEqual([texts.slice(0, 16).join("\n"), texts.slice(16).join("\n")]);
    expect(read(joining.frame(Buffer.from("{}")))).toEqual(["{}"]);
  });

  it("compresses payloads from the minimum size on, each by itself", () => {
    const framer = createMessageFramer({
      messages: "text",
      separator: undefined,
      deflate: { level: 1, minBytes: 10 },
    });
    const long = "abc".repeat(30);
    const frame = framer.frame(Buffer.from(long));
    expect(frame[0]).toBe(0x81 | 0x40);
    expect(frame.length).toBeLessThan(long.length);
    const payload = Buffer.concat([frame.subarray(2), Buffer.from([0, 0, 0xff, 0xff])]);
    expect(inflateRawSync(payload, { finishFlush: 2 }).toString()).toBe(long);
    expect(framer.frame(Buffer.from("short"))[0]).toBe(0x81);
  });
});
