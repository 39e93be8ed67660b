import { applyDelta } from "fossil-delta";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Publication } from "../../src/core/publication.ts";
import { PLAIN_SUBSCRIBE_RESULT, type Push } from "../../src/core/push.ts";
import type { Codec } from "../../src/core/wire-format.ts";
import { samplePushes } from "./sample-pushes.ts";

/** The codecs of an encoding that has differences. */
export interface DeltaKind {
  readonly codec: Codec;
  readonly whole: Codec;
  readonly patch: Codec;
  /** What a client reads in the message of a publication. */
  readonly read: (message: Buffer) => ReadDelta;
  /** The same of the publications of channel "a" in a connect push. */
  readonly readList: (message: Buffer) => readonly ReadDelta[];
}

/** A payload as a client gets it. */
export interface ReadDelta {
  readonly data: string;
  /** The data is a difference to the payload before. */
  readonly isDelta: boolean;
}

/** What codecs of differences promise besides what all codecs do; see DeltaFormats in core/wire-format.ts. */
export function describeDeltaCodecsContract({ codec, whole, patch, read, readList }: DeltaKind): void {
  const readWith = (by: Codec, now: string, before?: string): ReadDelta =>
    read(messageOf(by, following(now, before)));

  describe(`delta codecs contract: ${codec.id}`, () => {
    it("differences give the payload back, whatever it was and is", () => {
      fc.assert(
        fc.property(edits, ([before, now]) => {
          const { data, isDelta } = readWith(patch, now, before);
          expect(isDelta ? apply(before, data) : data).toBe(now);
          expect(Buffer.byteLength(data)).toBeLessThanOrEqual(Buffer.byteLength(now));
        }),
      );
    });

    it("differences are what goes out where little has changed", () => {
      const before = JSON.stringify({ text: "so much the same ".repeat(20), n: 1 });
      const now = before.replace('"n":1', '"n":2');
      expect(readWith(patch, now, before).isDelta).toBe(true);
      expect(readWith(patch, now, now).isDelta).toBe(true);
    });

    it.each([
      ["is not known", "[1,2,3]", undefined],
      ["has nothing in common", '"completely"', "[1,2,3]"],
      ["is no JSON", '"the same text again"', "the same text again"],
      ["is empty", "[1,2,3]", ""],
      [
        "differs within a character",
        '"日本日本日本日本日本日本日本日本\u{1F600}"',
        '"日本日本日本日本日本日本日本日本\u{1F601}"',
      ],
    ])("the whole payload goes out where the one before %s", (_what, now, before) => {
      expect(readWith(patch, now, before)).toEqual({ data: now, isDelta: false });
    });

    it("whole payloads are the text that differences apply to, the one before or not", () => {
      fc.assert(
        fc.property(edits, ([before, now]) => {
          expect(readWith(whole, now, before)).toEqual({ data: now, isDelta: false });
        }),
      );
    });

    it("payloads that cannot be carried are not, whole or as differences", () => {
      const binary = new Publication({ data: Buffer.from([0xff]) });
      const previous = new Publication({ data: Buffer.from("1") });
      const push: Push = { type: "publication", channel: "a", publication: binary, previous };
      expect([whole.encode(push), patch.encode(push)]).toEqual([undefined, undefined]);
    });

    it("whoever follows a channel has its payload at every moment, larger ones too", () => {
      const lengths = fc.array(fc.nat(40_000), { minLength: 2, maxLength: 8 });
      fc.assert(
        fc.property(lengths, (sizes) => {
          let known = "";
          let before: string | undefined;
          for (const size of sizes) {
            const now = JSON.stringify({ text: "0123456789".repeat(size / 10), size });
            const { data, isDelta } = readWith(patch, now, before);
            known = isDelta ? apply(known, data) : data;
            expect(known).toBe(now);
            before = now;
          }
        }),
        { numRuns: 20 },
      );
    });

    it("lists begin with a whole payload, and go on from there", () => {
      fc.assert(
        fc.property(fc.array(fc.json(), { minLength: 1, maxLength: 8 }), (payloads) => {
          const publications = payloads.map(
            (json, index) => new Publication({ data: Buffer.from(json) }, index + 1, "abcd"),
          );
          const list = readList(messageOf(patch, recovered(publications)));
          expect(list).toHaveLength(payloads.length);
          expect(list[0]?.isDelta).toBe(false);
          let known = "";
          for (const [index, { data, isDelta }] of list.entries()) {
            known = isDelta ? apply(known, data) : data;
            expect(known).toBe(payloads[index]);
          }
        }),
      );
    });

    it("everything but publications is what it is without differences", () => {
      const others = Object.entries(samplePushes("a")).filter(([, { type }]) => type !== "publication");
      for (const [name, push] of others) {
        const plain = codec.encode(push);
        expect([name, whole.encode(push)]).toEqual([name, plain]);
        expect([name, patch.encode(push)]).toEqual([name, plain]);
      }
    });
  });
}

/** Two payloads, of which the second often is the first with something else in the middle. */
const edits: fc.Arbitrary<readonly [before: string, now: string]> = fc.oneof(
  fc.tuple(fc.json(), fc.json()),
  fc
    .tuple(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: "binary" }),
      fc.string({ unit: "binary" }),
    )
    .map(([same, before, now]) => {
      const payload = (middle: string): string =>
        JSON.stringify([same, middle, same].map((part) => part.toWellFormed()));
      return [payload(before), payload(now)] as const;
    }),
);

function following(now: string, before: string | undefined): Push {
  const previous = before === undefined ? undefined : new Publication({ data: Buffer.from(before) });
  return {
    type: "publication",
    channel: "a",
    publication: new Publication({ data: Buffer.from(now) }),
    previous,
  };
}

function recovered(publications: readonly Publication[]): Push {
  const result = { ...PLAIN_SUBSCRIBE_RESULT, recovered: true, publications, delta: true };
  const connect = {
    client: "c",
    session: "s",
    version: "",
    data: undefined,
    subs: new Map([["a", result]]),
    ttlSec: undefined,
    pingSec: 0,
    timeMs: undefined,
  };
  return { type: "connect", connect };
}

function messageOf(codec: Codec, push: Push): Buffer {
  return Buffer.from(codec.encode(push) ?? []);
}

/** A payload by the one before and the difference. */
function apply(before: string, delta: string): string {
  return Buffer.from(applyDelta<Uint8Array>(Buffer.from(before), Buffer.from(delta))).toString();
}
