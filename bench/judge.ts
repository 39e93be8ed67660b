import { type Contender, type Figure, type Metric, samplesOf, type Subject } from "./figures.ts";
import { ratio, summarise } from "./statistics.ts";
import { type Target, TARGETS } from "./targets.ts";

/** Whether a figure was reached. */
export interface Verdict {
  readonly what: string;
  readonly subject: Subject;
  readonly metric: Metric;
  /** Undefined where the limit is no ratio. */
  readonly baseline: Contender | undefined;
  readonly bound: Target["bound"];
  readonly limit: number;
  /** The median: of the ratios to the baseline, or in the unit of the metric. */
  readonly measured: number;
  readonly reached: boolean;
  readonly obstacle: string | undefined;
}

/** Holds what was measured against the figures to reach. */
export function judge(figures: readonly Figure[]): Verdict[] {
  return TARGETS.flatMap((target) =>
    figures
      .filter(({ metric, subject }) => metric === target.metric && target.appliesTo(subject))
      .flatMap((figure) => judgeOne(target, figure, figures)),
  );
}

function judgeOne(
  { what, metric, baseline, bound, limit, obstacle: obstacleOf }: Target,
  figure: Figure,
  figures: readonly Figure[],
): Verdict[] {
  const ours = samplesOf(figure, "millrace");
  if (ours === undefined) return [];
  const theirs = baseline === undefined ? undefined : samplesOf(figure, baseline);
  if (baseline !== undefined && theirs === undefined) return [];
  const { median: measured } = theirs === undefined ? summarise(ours) : ratio(ours, theirs);
  const reached = bound === "at most" ? measured <= limit : measured >= limit;
  const { subject } = figure;
  const obstacle = reached ? undefined : obstacleOf?.(subject, figures);
  return [{ what, subject, metric, baseline, bound, limit, measured, reached, obstacle }];
}
