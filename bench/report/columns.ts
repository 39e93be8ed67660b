import { type Contender, type Figure, type Metric, samplesOf, type Subject } from "../figures.ts";
import { ratio, summarise, type Summary } from "../statistics.ts";
import { times, units } from "./units.ts";

/** Rows of text under headings. */
export interface Table {
  readonly title: string;
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A column: its heading, and its cell for the figures of one subject. */
export interface Column {
  readonly heading: string;
  readonly cell: (figures: readonly Figure[]) => string;
}

const NOTHING = "–";

/** A row for every subject that the figures are about; columns that would be empty are left out. */
export function tableOf(title: string, figures: readonly Figure[], columns: readonly Column[]): Table {
  const bySubject = Map.groupBy(figures, ({ subject }) => JSON.stringify(subject));
  const rows = [...bySubject.values()].map((ofOne) => columns.map(({ cell }) => cell(ofOne)));
  const used = columns.map((_, at) => rows.some((row) => row[at] !== NOTHING));
  const keep = <T>(cells: readonly T[]): T[] => cells.filter((_, at) => used[at]);
  return { title, headings: keep(columns.map(({ heading }) => heading)), rows: rows.map(keep) };
}

/** What the subject of a row is called in one respect: the member of this name. */
export function subjectColumn(heading: string, member: string): Column {
  return {
    heading,
    cell: ([figure]) => {
      const value = figure === undefined ? undefined : memberOf(figure.subject, member);
      return typeof value === "string" || typeof value === "number" ? String(value) : NOTHING;
    },
  };
}

function memberOf(subject: Subject, name: string): unknown {
  return new Map<string, unknown>(Object.entries(subject)).get(name);
}

/** Millrace, then each baseline and the ratio to it. */
export function compared(metric: Metric, baselines: readonly Contender[], prefix = ""): Column[] {
  return [
    valueColumn(metric, "millrace", prefix),
    ...baselines.flatMap((baseline) => [
      valueColumn(metric, baseline, prefix),
      {
        heading: `÷ ${nameOf(baseline)}`,
        cell: (figures: readonly Figure[]) => ratioOf(figures, metric, "millrace", baseline),
      },
    ]),
  ];
}

/** The samples of one contender. */
export function valueColumn(metric: Metric, contender: Contender, prefix = ""): Column {
  return {
    heading: `${prefix}${nameOf(contender)}`,
    cell: (figures) => {
      const samples = find(figures, metric, contender);
      return samples === undefined ? NOTHING : spread(summarise(samples), units[metric].format);
    },
  };
}

/** How two contenders compare of which neither has to be Millrace. */
export function ratioColumn(heading: string, metric: Metric, one: Contender, other: Contender): Column {
  return { heading, cell: (figures) => ratioOf(figures, metric, one, other) };
}

function ratioOf(figures: readonly Figure[], metric: Metric, one: Contender, other: Contender): string {
  const ours = find(figures, metric, one);
  const theirs = find(figures, metric, other);
  return ours === undefined || theirs === undefined ? NOTHING : times(ratio(ours, theirs).median);
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

function nameOf(contender: Contender): string {
  return contender === "bareFewer" ? "bare, fewer" : contender;
}
