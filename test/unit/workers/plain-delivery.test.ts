import fc from "fast-check";
import { expect, it } from "vitest";
import { Publication } from "../../../src/core/publication.ts";
import { LENGTH_BYTES } from "../../../src/lib/link/frame-reader.ts";
import { decodePlainDelivery, encodePlainDelivery } from "../../../src/workers/plain-delivery.ts";

const INFO = { user: "1", client: "c", connInfo: undefined, chanInfo: undefined };

it("brings everything over, whatever it is", () => {
  const text = fc.string({ unit: "binary", maxLength: 20 }).map((raw) => raw.toWellFormed());
  const parts = fc.tuple(text, text, text, fc.uint8Array({ maxLength: 50 }), fc.maxSafeNat(), fc.boolean());
  fc.assert(
    fc.property(parts, ([channel, epoch, excludeClient, data, offset, knownJson]) => {
      const publication = new Publication({ data, knownJson }, offset, epoch);
      const frame = encodePlainDelivery(channel, { publication, previous: undefined, excludeClient });
      expect(frame?.readUInt32LE(0)).toBe((frame?.length ?? 0) - LENGTH_BYTES);
      const [to, decoded] = decodePlainDelivery(frame?.subarray(LENGTH_BYTES) ?? Buffer.alloc(0));
      expect([to, decoded.excludeClient, decoded.previous]).toEqual([channel, excludeClient, undefined]);
      expect(decoded.publication).toMatchObject({ offset, epoch, knownJson });
      expect([...decoded.publication.data]).toEqual([...data]);
    }),
  );
});

it("is for nothing but payloads", () => {
  const data = Buffer.from("1");
  const plain = new Publication({ data }, 1, "e");
  for (const [publication, previous] of [
    [plain, plain],
    [new Publication({ data, tags: { a: "b" } }, 1, "e"), undefined],
    [new Publication({ data, info: INFO }, 1, "e"), undefined],
    [new Publication({ data, version: 1n }, 1, "e"), undefined],
  ] as const) {
    expect(encodePlainDelivery("a", { publication, previous, excludeClient: "" })).toBeUndefined();
  }
});
