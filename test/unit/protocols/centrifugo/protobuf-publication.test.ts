import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, it } from "vitest";
import { PushSchema } from "../../../../gen/centrifugal/centrifugo/unistream/unistream_pb.ts";
import { Publication } from "../../../../src/core/publication.ts";
import type { Push } from "../../../../src/core/push.ts";
import { toPushMessage, type UniPush } from "../../../../src/protocols/centrifugo/push-message.ts";
import { protobufEncoding } from "../../../../src/protocols/centrifugo/uni-protocol.ts";

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary", maxLength: 200 }),
  // Halves of surrogate pairs.
  fc.string({ unit: fc.integer({ min: 0xd000, max: 0xe000 }).map((unit) => String.fromCharCode(unit)) }),
);
const data = fc.uint8Array({ maxLength: 20_000, size: "max" });
const small = fc.uint8Array({ maxLength: 150 });
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const info = fc.record({ user: text, client: text, connInfo: optional(small), chanInfo: optional(small) });
const tags = fc.dictionary(fc.oneof(text, fc.constant("__proto__")), text, { maxKeys: 5 });
const version = fc.oneof(fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n));
const offset = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());

it("publications are byte for byte what the generic encoder makes of them", () => {
  const publication = fc.record({
    init: fc.record({
      data: fc.oneof(small, data),
      info: optional(info),
      tags: optional(tags),
      version,
    }),
    offset,
    epoch: text,
  });
  fc.assert(
    fc.property(text, publication, (channel, { init, offset: place, epoch }) => {
      const push: Push & UniPush = {
        type: "publication",
        channel,
        publication: new Publication(init, place, epoch),
      };
      const expected = toBinary(PushSchema, toPushMessage(push));
      expect(Buffer.from(protobufEncoding.codec.encode(push) ?? []).equals(expected)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
