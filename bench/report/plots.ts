import { type Contender, type Figure, type Metric, samplesOf, type Subject } from "../figures.ts";
import { HEADLINE } from "../plan.ts";
import { summarise } from "../statistics.ts";
import type { Line, Panel, Plot, Point } from "./plot/plot.ts";

/** Where points come from: figures of one metric, each with its panel and place. */
interface Source {
  readonly metric: Metric;
  readonly contenders: readonly Contender[];
  /** The panel and the place on the x axis; undefined for subjects that are not in the plot. */
  readonly place: (subject: Subject) => { readonly panel: string; readonly x: number } | undefined;
  /** From the metric to what is plotted. */
  readonly value: (sample: number) => number;
}

type Frame = Omit<Plot, "panels">;

const SOURCES: readonly (Frame & Source)[] = [
  {
    name: "subscribers",
    title: `CPU of the server per delivery, single publications of ${HEADLINE.payloadBytes} B`,
    xLabel: "subscribers",
    yLabel: "µs per delivery",
    xScale: "log",
    yScale: "log",
    sharesY: true,
    metric: "cpuMicrosPerDelivery",
    contenders: ["millrace", "bare", "naive"],
    place: (subject) =>
      subject.scenario === "fanout" && subject.burst === 1 && subject.payloadBytes === HEADLINE.payloadBytes
        ? { panel: subject.transport, x: subject.subscribers }
        : undefined,
    value: (micros) => micros,
  },
  {
    name: "bursts",
    title: `CPU of the server per delivery, ${HEADLINE.subscribers} subscribers, ${HEADLINE.payloadBytes} B`,
    xLabel: "publications per burst",
    yLabel: "µs per delivery",
    xScale: "log",
    yScale: "log",
    sharesY: true,
    metric: "cpuMicrosPerDelivery",
    contenders: ["millrace", "bare", "joined", "naive"],
    place: (subject) =>
      subject.scenario === "fanout" &&
      subject.subscribers === HEADLINE.subscribers &&
      subject.payloadBytes === HEADLINE.payloadBytes
        ? { panel: subject.transport, x: subject.burst }
        : undefined,
    value: (micros) => micros,
  },
  {
    name: "memory",
    title: "Resident memory per idle connection",
    xLabel: "connections",
    yLabel: "KB per connection",
    xScale: "linear",
    yScale: "linear",
    sharesY: true,
    metric: "rssBytesPerConnection",
    contenders: ["millrace", "bare"],
    place: (subject) =>
      subject.scenario === "memory" ? { panel: subject.transport, x: subject.connections } : undefined,
    value: (bytes) => bytes / 1024,
  },
  {
    name: "workers",
    title: `Throughput, ${HEADLINE.subscribers} subscribers, ${HEADLINE.payloadBytes} B`,
    xLabel: "workers",
    yLabel: "million deliveries per second",
    xScale: "steps",
    yScale: "linear",
    sharesY: false,
    metric: "wallMicrosPerDelivery",
    contenders: ["millrace", "bare", "joined", "naive"],
    place: (subject) =>
      subject.scenario === "workers"
        ? {
            panel: `${subject.transport}, ${subject.burst === 1 ? "single" : `bursts of ${subject.burst}`}`,
            x: subject.workers,
          }
        : undefined,
    value: (micros) => 1 / micros,
  },
];

/** What can be plotted of these figures: a line needs two points. */
export function plotsOf(figures: readonly Figure[]): Plot[] {
  return SOURCES.map(({ metric, contenders, place, value, ...frame }) => ({
    ...frame,
    panels: panelsOf(figures, { metric, contenders, place, value }),
  })).filter(({ panels }) => panels.length > 0);
}

function panelsOf(figures: readonly Figure[], { metric, contenders, place, value }: Source): Panel[] {
  const placed = figures.flatMap((figure) => {
    const at = figure.metric === metric ? place(figure.subject) : undefined;
    return at === undefined ? [] : [{ ...at, figure }];
  });
  const byPanel = Map.groupBy(placed, ({ panel }) => panel);
  return [...byPanel]
    .map(([title, ofPanel]) => ({
      title,
      lines: contenders
        .map((contender): Line => {
          const points = ofPanel.flatMap(({ x, figure }) => pointOf(x, samplesOf(figure, contender), value));
          return { contender, points: points.toSorted((a, b) => a.x - b.x) };
        })
        .filter(({ points }) => points.length > 1),
    }))
    .filter(({ lines }) => lines.length > 0);
}

function pointOf(x: number, samples: readonly number[] | undefined, value: Source["value"]): Point[] {
  if (samples === undefined) return [];
  const { median: y, low, high } = summarise(samples.map(value));
  return [{ x, y, low, high }];
}
