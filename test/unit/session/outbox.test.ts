import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameSequence } from "../../../src/session/frame-sequence.ts";
import { FlushList, Outbox } from "../../../src/session/outbox.ts";
import { endOfTurn, FakeTransport, lineFormat } from "../../support/fake-transport.ts";

const frame = (text: string): Buffer => Buffer.from(text);

describe("FrameSequence", () => {
  it("gives every sequence the bytes of its frames in order, whatever the branching", () => {
    const frames = ["a", "bb", "ccc", "dd"].map(frame);
    const sequences = fc.array(fc.array(fc.nat(frames.length - 1), { minLength: 1, maxLength: 6 }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(sequences, (indexes) => {
        const root = FrameSequence.empty();
        const format = lineFormat();
        for (const picked of indexes) {
          const chosen = picked.map((index) => frames[index] ?? frame(""));
          const end = chosen.reduce((sequence, next) => sequence.append(next), root);
          expect(Buffer.from(end.bytes(format))).toEqual(Buffer.concat(chosen));
          expect(end.byteLength).toBe(Buffer.concat(chosen).length);
          expect(end.count).toBe(picked.length);
        }
      }),
    );
  });

  it("shares the joined bytes between equal sequences", () => {
    const [a, b] = [frame("a"), frame("b")];
    const root = FrameSequence.empty();
    const format = lineFormat();
    const first = root.append(a).append(b).bytes(format);
    root.append(b);
    expect(root.append(a).append(b).bytes(format)).toBe(first);
  });

  it("hands out a lone frame as it is", () => {
    const a = frame("a");
    expect(FrameSequence.empty().append(a).bytes(lineFormat())).toBe(a);
  });
});

describe("Outbox", () => {
  it("writes once per turn, whatever was queued, and shares the bytes between sessions", async () => {
    const flushList = new FlushList();
    const transports = [new FakeTransport(), new FakeTransport()];
    const outboxes = transports.map((transport) => new Outbox(transport, flushList, 1000));
    const frames = [frame("1"), frame("2"), frame("3")];
    for (const next of frames) for (const outbox of outboxes) outbox.enqueue(next);
    expect(transports.map(({ writes }) => writes.length)).toEqual([0, 0]);
    await endOfTurn();
    expect(transports.map(({ writes }) => writes.map(String))).toEqual([["123"], ["123"]]);
    expect(transports[0]?.writes[0]).toBe(transports[1]?.writes[0]);
  });

  it("refuses the frame that would exceed the limit, counting what the transport still holds", () => {
    const transport = new FakeTransport();
    const outbox = new Outbox(transport, new FlushList(), 10);
    transport.bufferedBytes = 4;
    expect(outbox.enqueue(frame("12345"))).toBe(true);
    expect(outbox.enqueue(frame("12"))).toBe(false);
    expect(outbox.enqueue(frame("1"))).toBe(true);
    outbox.flush();
    expect(transport.writes.map(String)).toEqual(["123451"]);
  });

  it("counts what the transport still holds after each flush, and what it has got rid of since", () => {
    const transport = new FakeTransport();
    const outbox = new Outbox(transport, new FlushList(), 10);
    expect(outbox.enqueue(frame("12345"))).toBe(true);
    transport.bufferedBytes = 8;
    outbox.flush();
    expect([outbox.enqueue(frame("123")), outbox.enqueue(frame("12"))]).toEqual([false, true]);
    transport.bufferedBytes = 0;
    expect([outbox.hasRoomFor(9), outbox.hasRoomFor(8)]).toEqual([false, true]);
    expect(outbox.enqueue(frame("12345678"))).toBe(true);
    outbox.flush();
    expect(transport.writes.map(String)).toEqual(["12345", "1212345678"]);
  });

  it("writes nothing after being closed", async () => {
    const transport = new FakeTransport();
    const outbox = new Outbox(transport, new FlushList(), 10);
    outbox.enqueue(frame("1"));
    outbox.close();
    expect([outbox.enqueue(frame("2")), outbox.hasRoomFor(0)]).toEqual([false, false]);
    await endOfTurn();
    expect(transport.writes).toEqual([]);
  });

  it("starts a new sequence after being flushed within a turn", async () => {
    const transport = new FakeTransport();
    const outbox = new Outbox(transport, new FlushList(), 10);
    outbox.enqueue(frame("1"));
    outbox.flush();
    outbox.enqueue(frame("2"));
    await endOfTurn();
    expect(transport.writes.map(String)).toEqual(["1", "2"]);
  });

  it("takes what is pending before anything else, and before it is flushed", () => {
    const transport = new FakeTransport();
    const flushList = new FlushList();
    const outbox = new Outbox(transport, flushList, 10);
    const publish = (text: string): void =>
      flushList.defer({ flushPending: () => void outbox.enqueue(frame(text)) });
    publish("1");
    outbox.enqueue(frame("2"));
    publish("3");
    outbox.flush();
    expect(transport.writes.map(String)).toEqual(["123"]);
    publish("1234567");
    expect([outbox.hasRoomFor(4), outbox.hasRoomFor(3)]).toEqual([false, true]);
  });

  it("queues nothing where what was pending has closed it", () => {
    const transport = new FakeTransport();
    const flushList = new FlushList();
    const outbox = new Outbox(transport, flushList, 10);
    flushList.defer({ flushPending: () => outbox.close() });
    expect(outbox.enqueue(frame("1"))).toBe(false);
    outbox.flush();
    expect(transport.writes).toEqual([]);
  });

  it("has no limit at 0", () => {
    const outbox = new Outbox(new FakeTransport(), new FlushList(), 0);
    expect(outbox.enqueue(Buffer.alloc(10_000_000))).toBe(true);
  });
});
