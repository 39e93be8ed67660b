/** The middle of some numbers, and how far they spread. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Median, lowest and highest. Throws for no numbers at all. */
export function summarise(samples: readonly number[]): Summary {
  const sorted = Float64Array.from(samples).toSorted();
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0), high: quantile(sorted, 1) };
}

/** The quantile `at` (0 to 1) of numbers in ascending order, interpolated. Throws for no numbers at all. */
export function quantile(sorted: Float64Array, at: number): number {
  const position = at * (sorted.length - 1);
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new Error("no samples");
  return below + (above - below) * (position - Math.floor(position));
}

/**
 * How two series compare whose samples were taken in turns: the ratio of each pair, so that what slows the whole
 * machine down for a while cancels out.
 */
export function ratio(ours: readonly number[], baseline: readonly number[]): Summary {
  return summarise(ours.map((sample, at) => sample / (baseline[at] ?? Number.NaN)));
}
