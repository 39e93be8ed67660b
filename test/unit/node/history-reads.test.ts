import { describe, expect, it } from "vitest";
import { type HistoryFilter, POSITION_ONLY } from "../../../src/core/broker.ts";
import { HistoryReads } from "../../../src/node/recovery.ts";
import { endOfTurn } from "../../support/fake-transport.ts";

/** A broker that counts reads and answers each with a page of its own. */
function setUp() {
  const asked: string[] = [];
  const reads = new HistoryReads({
    async history(channel, { since }) {
      asked.push(`${channel} ${since?.offset ?? "-"}`);
      if (channel === "broken") throw new Error("no answer");
      return { publications: [], position: { offset: asked.length, epoch: "e" } };
    },
  });
  return { asked, reads };
}

const since = (offset: number, epoch = ""): HistoryFilter => ({
  since: { offset, epoch },
  limit: -1,
  reverse: false,
});

describe("HistoryReads", () => {
  it("asks once for what many ask for in one turn", async () => {
    const { asked, reads } = setUp();
    const pages = await Promise.all(Array.from({ length: 100 }, () => reads.read("c", since(5), 1000)));
    expect(asked).toEqual(["c 5"]);
    expect(new Set(pages).size).toBe(1);
  });

  it("asks again for what differs", async () => {
    const { asked, reads } = setUp();
    await Promise.all([
      reads.read("c", since(5), 1000),
      reads.read("c", since(6), 1000),
      reads.read("c", since(5, "f"), 1000),
      reads.read("c", POSITION_ONLY, 1000),
      reads.read("d", since(5), 1000),
      reads.read("c", since(5), 2000),
    ]);
    expect(asked).toHaveLength(6);
  });

  it("reads after whatever has been done in the turn, so that nobody gets an answer from before it subscribed", async () => {
    const { asked, reads } = setUp();
    const first = reads.read("c", since(5), 1000);
    expect(asked).toEqual([]);
    await first;
    const second = reads.read("c", since(5), 1000);
    expect(asked).toHaveLength(1);
    expect(await second).not.toBe(await first);
  });

  it("tells everybody of a failure, and tries anew the next time", async () => {
    const { asked, reads } = setUp();
    const results = await Promise.allSettled([1, 2].map(() => reads.read("broken", since(1), 1000)));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await endOfTurn();
    await expect(reads.read("broken", since(1), 1000)).rejects.toThrow("no answer");
    expect(asked).toHaveLength(2);
  });
});
