import { describe, expect, it } from "vitest";
import {
  BoundBy,
  COUNTERS,
  GAUGES,
  HISTOGRAMS,
  type MetricDefinition,
  NO_METRICS,
} from "../../../src/core/metrics.ts";

const ALL: readonly (readonly [string, MetricDefinition<object>])[] = [
  ...Object.entries(COUNTERS),
  ...Object.entries(HISTOGRAMS),
  ...Object.entries(GAUGES),
];

describe("the table of metrics", () => {
  it.each(ALL)("%s can be exposed to Prometheus", (name, { help, labels }) => {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/u);
    expect(help).toMatch(/^[A-Z].*\.$/u);
    for (const [label, says] of Object.entries<string>(labels)) {
      expect(label).toMatch(/^[a-z][a-z_]*$/u);
      expect(says).toMatch(/\.$/u);
    }
  });

  it("has each name once, and buckets in ascending order", () => {
    const names = ALL.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { buckets } of Object.values(HISTOGRAMS)) {
      expect(buckets.toSorted((a, b) => a - b)).toEqual(buckets);
    }
  });

  it("takes no notice where nobody looks", () => {
    NO_METRICS.counter("broker_interruptions_total", {}).add(1);
    NO_METRICS.histogram("client_recovered_publications", {}).observe(1);
    using gauge = NO_METRICS.gauge("node_num_clients", {}, () => {
      throw new Error("read");
    });
    expect(gauge).toBeDefined();
  });
});

describe("instruments by the value of a label", () => {
  it("are bound once for each value", () => {
    const bound: string[] = [];
    const by = new BoundBy((value: string) => {
      bound.push(value);
      return { value };
    });
    expect(by.of("a")).toBe(by.of("a"));
    expect(by.of("b")).toEqual({ value: "b" });
    expect(bound).toEqual(["a", "b"]);
  });

  it("beyond the first hundred are one, where values are whatever somebody chooses", () => {
    const by = new BoundBy<string, object>((value) => ({ value }), "other");
    for (let code = 4000; code < 5000; code++) by.of(String(code));
    expect(by.of("4000")).toEqual({ value: "4000" });
    expect(by.of("4999")).toBe(by.of("other"));
    expect(by.of("4999")).toEqual({ value: "other" });
  });
});
