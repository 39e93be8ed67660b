import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HistoryFilter, HistoryPage } from "../../../src/core/broker.ts";
import { NO_POSITION, Publication, type StreamPosition } from "../../../src/core/publication.ts";
import { type HistoryReader, recover, type Recovery } from "../../../src/node/recovery.ts";

const LIMIT = 3;

/** A stream that keeps the offsets from `oldest` to `top`; none where `oldest` is higher. */
function streamOf(oldest: number, top: number, filters: HistoryFilter[] = []): HistoryReader {
  return async (filter): Promise<HistoryPage> => {
    filters.push(filter);
    const { since, limit, reverse } = filter;
    const offsets: number[] = [];
    for (
      let offset = Math.max(oldest, reverse ? oldest : (since?.offset ?? 0) + 1);
      offset <= top;
      offset += 1
    )
      offsets.push(offset);
    if (reverse) offsets.reverse();
    const wanted = limit < 0 ? offsets : offsets.slice(0, limit);
    const publications = wanted.map((offset) => new Publication({ data: Buffer.from("1") }, offset, "e"));
    return { publications, position: { offset: top, epoch: "e" } };
  };
}

function at(offset: number, epoch = "e"): StreamPosition {
  return { offset, epoch };
}

function summary({ recovered, publications, top }: Recovery): unknown {
  return [recovered, publications.map(({ offset }) => offset), top.offset];
}

describe("recovery of all that was missed", () => {
  const cases: readonly [name: string, stream: HistoryReader, since: StreamPosition, expected: unknown][] = [
    ["core 66: what was missed, in order", streamOf(1, 5), at(2), [true, [3, 4, 5], 5]],
    ["core 67: nothing missed", streamOf(1, 5), at(5), [true, [], 5]],
    ["nothing missed, and nothing kept", streamOf(6, 5), at(5), [true, [], 5]],
    ["uni 69: from the beginning, without a position", streamOf(1, 3), at(0, ""), [true, [1, 2, 3], 3]],
    ["an epoch that is not sent", streamOf(1, 5), at(4, ""), [true, [5], 5]],
    ["as many as the limit", streamOf(1, 5), at(5 - LIMIT), [true, [3, 4, 5], 5]],
    ["core 69: one more than the limit", streamOf(1, 5), at(5 - LIMIT - 1), [false, [], 5]],
    ["core 68: one of them dropped", streamOf(4, 5), at(2), [false, [], 5]],
    ["all of them dropped", streamOf(6, 5), at(2), [false, [], 5]],
    ["core 68: another epoch", streamOf(1, 5), at(2, "other"), [false, [], 5]],
    ["another epoch at the same offset", streamOf(1, 5), at(5, "other"), [false, [], 5]],
    ["core 68: a position above the top", streamOf(1, 5), at(6), [false, [], 5]],
    ["an empty stream", streamOf(1, 0), at(0), [true, [], 0]],
    ["an absurd position", streamOf(1, 5), at(2 ** 64), [false, [], 5]],
  ];
  it.each(cases)("%s", async (_name, stream, since, expected) => {
    expect(summary(await recover(stream, "stream", since, LIMIT))).toEqual(expected);
  });

  it("is complete or nothing, whatever is kept", async () => {
    const offset = fc.nat(8);
    await fc.assert(
      fc.asyncProperty(
        offset,
        offset,
        offset,
        fc.integer({ min: -1, max: 8 }),
        async (oldest, top, since, limit) => {
          const { recovered, publications } = await recover(
            streamOf(oldest, top),
            "stream",
            at(since),
            limit,
          );
          const missed = Array.from({ length: Math.max(0, top - since) }, (_, index) => since + 1 + index);
          const isKept = since === top || (since < top && Math.max(oldest, 1) <= since + 1);
          const fits = limit < 0 || missed.length <= limit;
          expect(recovered).toBe(isKept && fits);
          expect(publications.map((one) => one.offset)).toEqual(recovered ? missed : []);
        },
      ),
    );
  });

  it("never asks by epoch, for which another one would be an error", async () => {
    const filters: HistoryFilter[] = [];
    await recover(streamOf(1, 5, filters), "stream", at(2, "other"), LIMIT);
    expect(filters).toEqual([{ since: { offset: 2, epoch: "" }, limit: LIMIT, reverse: false }]);
  });
});

describe("recovery of the latest publication", () => {
  const cases: readonly [name: string, stream: HistoryReader, since: StreamPosition, expected: unknown][] = [
    ["core 72: for somebody who has seen nothing", streamOf(1, 5), NO_POSITION, [true, [5], 5]],
    ["uni 70: for somebody who is behind", streamOf(4, 5), at(1), [true, [5], 5]],
    ["uni 70: not for somebody who has it", streamOf(4, 5), at(5), [true, [], 5]],
    ["not for somebody who has it, though it is dropped", streamOf(6, 5), at(5), [true, [], 5]],
    ["dropped", streamOf(6, 5), at(4), [false, [], 5]],
    ["dropped, and nothing seen", streamOf(6, 5), NO_POSITION, [false, [], 5]],
    ["another epoch at the same offset", streamOf(4, 5), at(5, "other"), [true, [5], 5]],
    ["another epoch at the same offset, dropped", streamOf(6, 5), at(5, "other"), [false, [], 5]],
    ["nothing ever published", streamOf(1, 0), at(0), [false, [], 0]],
    ["an epoch that is not sent, which fits nothing", streamOf(4, 5), at(5, ""), [true, [5], 5]],
    ["an epoch that is not sent, dropped", streamOf(6, 5), at(5, ""), [false, [], 5]],
  ];
  it.each(cases)("%s", async (_name, stream, since, expected) => {
    expect(summary(await recover(stream, "cache", since, LIMIT))).toEqual(expected);
  });
});
