import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatEventId, parseEventId, SseEventIds } from "../../../../src/transports/sse/event-ids.ts";

describe("event ids", () => {
  it("bring positions back as they were, in one line of printable ASCII", () => {
    const position = fc.record({ offset: fc.nat(), epoch: fc.string() });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), position, { noNullPrototype: true }), (record) => {
        const positions = new Map(Object.entries(record));
        const id = formatEventId(positions);
        expect(id).toMatch(/^[\x21-\x7e]*$/u);
        expect(parseEventId(id)).toEqual(positions);
      }),
    );
  });

  it("are harmless whatever a client sends", () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        for (const { offset } of parseEventId(id).values()) expect(offset).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("are shared by sessions that stand at the same positions", () => {
    const ids = new SseEventIds("plain");
    const positions = new Map([["a", { offset: 1, epoch: "e" }]]);
    expect(ids.eventIdOf(positions)).toBe(ids.eventIdOf(new Map(positions)));
    expect(Buffer.from(ids.eventIdOf(positions)).toString()).toBe("id: a=e.1\n");
  });

  it("are left empty where they would be too long for a request header", () => {
    const positions = new Map(
      Array.from({ length: 500 }, (_, index) => [`channel-${index}`, { offset: index, epoch: "abcdefgh" }]),
    );
    expect(Buffer.from(new SseEventIds("plain").eventIdOf(positions)).toString()).toBe("id:\n");
  });
});
