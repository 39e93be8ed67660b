/** A range of values, shown from one coordinate to another. */
export interface Axis {
  /** Where a value stands. */
  readonly at: (value: number) => number;
  /** The values to label, ascending. */
  readonly ticks: readonly number[];
}

/** From one coordinate to another. */
export type Extent = readonly [from: number, to: number];

/** An axis with equal steps for equal ratios. Values are above 0. */
export function logAxis(values: readonly number[], [from, to]: Extent, ticks: readonly number[]): Axis {
  const low = Math.log(Math.min(...values));
  const high = Math.log(Math.max(...values));
  const span = high - low || 1;
  const inRange = ticks.filter((tick) => Math.log(tick) >= low - 1e-9 && Math.log(tick) <= high + 1e-9);
  return { at: (value) => from + ((Math.log(value) - low) / span) * (to - from), ticks: inRange };
}

/** An axis that begins at 0, with a few round ticks. */
export function linearAxis(values: readonly number[], [from, to]: Extent): Axis {
  const step = roundStep(Math.max(...values) / 4);
  const top = Math.ceil(Math.max(...values) / step) * step;
  const count = Math.round(top / step);
  return {
    at: (value) => from + (value / top) * (to - from),
    ticks: Array.from({ length: count + 1 }, (_, number) => Number((number * step).toPrecision(6))),
  };
}

/** An axis with a place for each of a few values, at equal distances. */
export function stepAxis(values: readonly number[], [from, to]: Extent): Axis {
  const ticks = [...new Set(values)].toSorted((a, b) => a - b);
  const gap = (to - from) / (ticks.length + 1);
  return { at: (value) => from + (ticks.indexOf(value) + 1) * gap, ticks };
}

/** The powers of ten, with 2 and 5 times each, that enclose all values. */
export function logTicks(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of [1, 2, 5]) ticks.push(Number((factor * 10 ** power).toPrecision(6)));
  }
  const first = ticks.findLastIndex((tick) => tick <= low);
  const last = ticks.findIndex((tick) => tick >= high);
  return ticks.slice(Math.max(0, first), last + 1);
}

function roundStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  return ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
}
