import { describe, expect, it } from "vitest";
import { mapConcurrently } from "../../../src/lib/map-concurrently.ts";

describe("mapConcurrently", () => {
  it.each([1, 3, 100])("keeps the order and the limit of %i", async (limit) => {
    let running = 0;
    let most = 0;
    const results = await mapConcurrently([...Array(50).keys()], limit, async (item) => {
      running++;
      most = Math.max(most, running);
      // Later items are done sooner.
      for (let turn = item; turn < 50; turn++) await Promise.resolve();
      running--;
      return item * 2;
    });
    expect(results).toEqual([...Array(50).keys()].map((item) => item * 2));
    expect(most).toBe(Math.min(limit, 50));
  });

  it("of many items that wait for nothing leaves turns of the event loop to everything else", async () => {
    const turns: number[] = [];
    let done = 0;
    let isOver = false;
    const look = (): void => {
      turns.push(done);
      if (!isOver) setImmediate(look);
    };
    setImmediate(look);
    await mapConcurrently([...Array(20).keys()], 2, async () => {
      const endMs = performance.now() + 2;
      while (performance.now() < endMs);
      done++;
    });
    isOver = true;
    expect(turns.some((count) => count > 0 && count < 20)).toBe(true);
  });

  it("of nothing makes nothing", async () => {
    expect(await mapConcurrently([], 1, () => Promise.reject(new Error("called")))).toEqual([]);
  });

  it.each([1, 5])("rejects with the first failure, limit %i", async (limit) => {
    const failing = mapConcurrently([1, 2, 3], limit, (item) => Promise.reject(new Error(String(item))));
    await expect(failing).rejects.toThrow("1");
  });
});
