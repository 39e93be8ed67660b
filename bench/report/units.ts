import type { Metric } from "../figures.ts";

/** How a metric is shown. */
export interface Unit {
  readonly name: string;
  readonly format: (value: number) => string;
  /** The value as a number of that unit. */
  readonly scaled: (value: number) => number;
}

/** Three significant digits where there are so few. */
function micros(value: number): string {
  return value.toFixed(value < 1 ? 3 : 2);
}

const microseconds: Unit = { name: "µs", format: micros, scaled: (value) => value };
const milliseconds: Unit = {
  name: "ms",
  format: (value) => (value / 1000).toFixed(2),
  scaled: (value) => value / 1000,
};
/** Of 1024 bytes. */
const kilobytes: Unit = {
  name: "KB",
  format: (value) => (value / 1024).toFixed(1),
  scaled: (value) => value / 1024,
};
const perSecond: Unit = {
  name: "per second",
  format: (value) => Math.round(value).toLocaleString("en"),
  scaled: (value) => value,
};

/** The unit that each metric is shown in. */
export const units: Readonly<Record<Metric, Unit>> = {
  cpuMicrosPerDelivery: microseconds,
  wallMicrosPerDelivery: microseconds,
  receiverMicrosPerDelivery: microseconds,
  latencyP50Micros: milliseconds,
  latencyP99Micros: milliseconds,
  rssBytesPerConnection: kilobytes,
  bytesPerSlowSession: kilobytes,
  idleMicrosPerSecond: microseconds,
  requestsPerSecond: perSecond,
  cpuMicrosPerRequest: microseconds,
  cpuMicrosPerConnection: microseconds,
  stallMicros: milliseconds,
  allConnectedMicros: milliseconds,
};

/** A ratio. */
export function times(value: number): string {
  return `${value.toFixed(2)} ×`;
}
