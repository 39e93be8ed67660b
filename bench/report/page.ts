import type { Table } from "./columns.ts";
import { HOW_IT_IS_MEASURED } from "./method.ts";
import type { Plot } from "./plot/plot.ts";
import type { Report } from "./report.ts";
import { tablesOf, verdictTable } from "./tables.ts";

/** docs/benchmarks.md; its plots lie in the folder `plots` beside it. */
export function renderPage(report: Report, plots: readonly Plot[]): string {
  const { machine, startedAt, wallSec, figures, verdicts, skipped } = report;
  return [
    "# Benchmarks",
    "<!-- Written by `npm run bench`; change bench/report/page.ts or bench/report/method.ts instead. -->",
    "What Millrace costs beside the least that could be paid for the same, measured in the same minutes on the same " +
      "machine. Absolute figures depend on the machine and drift by 20 %; compare the ratios.",
    "## Last result",
    `${startedAt.slice(0, 10)}, ${Math.round(wallSec / 60)} minutes, ${machine.cores} cores ` +
      `(${machine.processor}), ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}. ` +
      "Medians; lowest and highest repetition in parentheses.",
    ...(verdicts.length === 0 ? [] : renderTable(verdictTable(verdicts))),
    ...(plots.length === 0 ? [] : ["### Plots", ...plots.map(renderPlot)]),
    ...tablesOf(figures).flatMap(renderTable),
    ...(skipped.length === 0
      ? []
      : ["### Left out", skipped.map(({ part, reason }) => `- ${part}: ${reason}`).join("\n")]),
    HOW_IT_IS_MEASURED,
  ].join("\n\n");
}

function renderPlot({ name, title, xLabel }: Plot): string {
  return `![${title}, by ${xLabel}](plots/${name}.svg)`;
}

function renderTable({ title, headings, rows }: Table): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [`### ${title}`, [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n")];
}
