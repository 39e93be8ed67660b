import { type Contender, type Figure, type Metric, samplesOf, type Subject } from "../figures.ts";
import { ratio, summarise, type Summary } from "../statistics.ts";
import type { Verdict } from "../targets.ts";

/** Rows of text under headings. */
export interface Table {
  readonly title: string;
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A column: its heading, and its cell for the figures of one subject. */
interface Column {
  readonly heading: string;
  readonly cell: (figures: readonly Figure[]) => string;
}

const NOTHING = "–";

/** The figures as tables, in the order of the scenarios; tables without rows are left out. */
export function tablesOf(figures: readonly Figure[]): Table[] {
  const tables = [
    tableOf("CPU µs of the server per delivery, single publications", select(figures, isSingle), [
      ...fanOutColumns,
      ...compared("cpuMicrosPerDelivery", ["bare", "naive", "http2", "grpc-js"], micros),
    ]),
    tableOf("CPU µs of the server per delivery, bursts", select(figures, isBurst), [
      ...fanOutColumns,
      subjectColumn("burst", (subject) => "burst" in subject && subject.burst),
      ...compared("cpuMicrosPerDelivery", ["joined", "bare", "naive", "http2", "grpc-js"], micros),
    ]),
    tableOf("Publish-to-receive, 10 publications a second, ms", select(figures, scenario("latency")), [
      transportColumn,
      subscribersColumn,
      ...compared("latencyP50Micros", ["bare"], millis, "p50 "),
      ...compared("latencyP99Micros", ["bare"], millis, "p99 "),
    ]),
    tableOf("Resident memory per idle connection, KB", select(figures, scenario("memory")), [
      transportColumn,
      subjectColumn("connections", (subject) => "connections" in subject && subject.connections),
      ...compared("rssBytesPerConnection", ["bare"], kilobytes),
    ]),
    tableOf("Publishing without subscribers", select(figures, scenario("unary")), [
      subjectColumn("door", (subject) => "door" in subject && subject.door),
      ...compared("requestsPerSecond", ["echo", "empty"], count, "req/s "),
      ...compared("cpuMicrosPerRequest", ["echo", "empty"], micros, "CPU µs "),
    ]),
    tableOf("Publishing over HTTP into a channel with history", select(figures, scenario("history")), [
      ...compared("cpuMicrosPerRequest", ["without"], micros, "CPU µs "),
    ]),
    tableOf(
      "CPU µs of the server per WebSocket client that comes back",
      select(figures, scenario("reconnect")),
      [
        subjectColumn("clients at once", (subject) => "connections" in subject && subject.connections),
        subjectColumn("missed", (subject) => "missed" in subject && subject.missed),
        ...compared("cpuMicrosPerConnection", ["without"], micros),
      ],
    ),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

/** What was to be reached, and what was. */
export function verdictTable(verdicts: readonly Verdict[]): Table {
  return {
    title: "Figures to reach",
    headings: ["what", "where", "against", "to reach", "measured", ""],
    rows: verdicts.map(({ what, subject, baseline, bound, limit, ratio: measured, reached }) => [
      what,
      placeOf(subject),
      baseline,
      `${bound} ${limit} ×`,
      times(measured),
      reached ? "reached" : "MISSED",
    ]),
  };
}

function placeOf(subject: Subject): string {
  if ("transport" in subject) return subject.transport;
  return "door" in subject ? subject.door : `${subject.connections} clients`;
}

function tableOf(title: string, figures: readonly Figure[], columns: readonly Column[]): Table {
  const bySubject = Object.values(Object.groupBy(figures, ({ subject }) => JSON.stringify(subject)));
  const rows = bySubject.map((ofOne = []) => columns.map(({ cell }) => cell(ofOne)));
  const used = columns.map((_, at) => rows.some((row) => row[at] !== NOTHING));
  const keep = <T>(cells: readonly T[]): T[] => cells.filter((_, at) => used[at]);
  return { title, headings: keep(columns.map(({ heading }) => heading)), rows: rows.map(keep) };
}

function select(figures: readonly Figure[], wanted: (subject: Subject) => boolean): Figure[] {
  return figures.filter(({ subject }) => wanted(subject));
}

function scenario(name: Subject["scenario"]): (subject: Subject) => boolean {
  return (subject) => subject.scenario === name;
}

function isSingle(subject: Subject): boolean {
  return subject.scenario === "fanout" && subject.burst === 1;
}

function isBurst(subject: Subject): boolean {
  return subject.scenario === "fanout" && subject.burst > 1;
}

function subjectColumn(heading: string, value: (subject: Subject) => string | number | false): Column {
  return {
    heading,
    cell: ([figure]) => (figure === undefined ? NOTHING : String(value(figure.subject) || NOTHING)),
  };
}

const transportColumn = subjectColumn("transport", (subject) => "transport" in subject && subject.transport);
const subscribersColumn = subjectColumn(
  "subscribers",
  (subject) => "subscribers" in subject && subject.subscribers,
);
const fanOutColumns = [
  transportColumn,
  subscribersColumn,
  subjectColumn("payload, B", (subject) => "payloadBytes" in subject && subject.payloadBytes),
];

/** Millrace, then each baseline and the ratio to it. */
function compared(
  metric: Metric,
  baselines: readonly Contender[],
  format: (value: number) => string,
  prefix = "",
): Column[] {
  const valueOf =
    (contender: Contender) =>
    (figures: readonly Figure[]): string => {
      const samples = find(figures, metric, contender);
      return samples === undefined ? NOTHING : spread(summarise(samples), format);
    };
  const ratioTo =
    (baseline: Contender) =>
    (figures: readonly Figure[]): string => {
      const ours = find(figures, metric, "millrace");
      const theirs = find(figures, metric, baseline);
      return ours === undefined || theirs === undefined ? NOTHING : times(ratio(ours, theirs).median);
    };
  return [
    { heading: `${prefix}millrace`, cell: valueOf("millrace") },
    ...baselines.flatMap((baseline) => [
      { heading: `${prefix}${baseline}`, cell: valueOf(baseline) },
      { heading: `÷ ${baseline}`, cell: ratioTo(baseline) },
    ]),
  ];
}

function find(
  figures: readonly Figure[],
  metric: Metric,
  contender: Contender,
): readonly number[] | undefined {
  const figure = figures.find((candidate) => candidate.metric === metric);
  return figure === undefined ? undefined : samplesOf(figure, contender);
}

function spread({ median, low, high }: Summary, format: (value: number) => string): string {
  return low === high ? format(median) : `${format(median)} (${format(low)}–${format(high)})`;
}

function times(value: number): string {
  return `${value.toFixed(2)} ×`;
}

function micros(value: number): string {
  return value.toFixed(value < 1 ? 3 : 2);
}

function millis(value: number): string {
  return (value / 1000).toFixed(2);
}

function kilobytes(value: number): string {
  return (value / 1024).toFixed(1);
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}
