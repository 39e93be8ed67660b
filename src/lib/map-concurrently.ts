import { AsyncSlices } from "./sliced-work.ts";

/**
 * Maps items to results in the same order, with at most `limit` calls under way. Many of them leave turns of the event
 * loop to everything else. Rejects with the first failure.
 */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  limit: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  if (items.length <= limit) return Promise.all(items.map(map));
  const results: Result[] = [];
  const queue = items.entries();
  const slices = new AsyncSlices();
  const work = async (): Promise<void> => {
    for (const [at, item] of queue) {
      const { pause } = slices;
      if (pause !== undefined) await pause;
      results[at] = await map(item);
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  return results;
}
