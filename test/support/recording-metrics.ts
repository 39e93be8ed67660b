import type {
  Counter,
  CounterLabels,
  CounterName,
  GaugeLabels,
  GaugeName,
  Histogram,
  HistogramLabels,
  HistogramName,
  Metrics,
} from "../../src/core/metrics.ts";

/** What one metric says, by its labels: `code=3008,transport=fake`; "" where it has none. */
export type Readings = Readonly<Record<string, number>>;

/** Metrics that a test can look at. What has not been counted yet is not there. */
export class RecordingMetrics implements Metrics {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #observed = new Map<string, Map<string, number[]>>();
  readonly #gauges = new Map<string, Map<string, Set<() => number>>>();

  counter<Name extends CounterName>(name: Name, labels: CounterLabels[Name]): Counter {
    const counts = entryOf(this.#counts, name, () => new Map<string, number>());
    const key = keyOf(labels);
    return { add: (amount) => void counts.set(key, (counts.get(key) ?? 0) + amount) };
  }

  histogram<Name extends HistogramName>(name: Name, labels: HistogramLabels[Name]): Histogram {
    const observed = entryOf(this.#observed, name, () => new Map<string, number[]>());
    const key = keyOf(labels);
    return { observe: (value) => void entryOf(observed, key, () => []).push(value) };
  }

  gauge<Name extends GaugeName>(name: Name, labels: GaugeLabels[Name], read: () => number): Disposable {
    const gauges = entryOf(this.#gauges, name, () => new Map<string, Set<() => number>>());
    const readers = entryOf(gauges, keyOf(labels), () => new Set());
    readers.add(read);
    return { [Symbol.dispose]: () => readers.delete(read) };
  }

  /** What a counter stands at. */
  counted(name: CounterName): Readings {
    return Object.fromEntries(this.#counts.get(name) ?? []);
  }

  /** What a histogram was given. */
  observed(name: HistogramName): Readonly<Record<string, readonly number[]>> {
    return Object.fromEntries(this.#observed.get(name) ?? []);
  }

  /** What a gauge says now; without those that nobody keeps any more. */
  measured(name: GaugeName): Readings {
    const gauges = [...(this.#gauges.get(name) ?? [])].filter(([, readers]) => readers.size > 0);
    return Object.fromEntries(
      gauges.map(([key, readers]) => [key, [...readers].reduce((sum, read) => sum + read(), 0)]),
    );
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}

function entryOf<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}
