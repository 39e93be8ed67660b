import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { Figure } from "./figures.ts";
import { describeMachine } from "./machine.ts";
import { parsePlan, USAGE, UsageError } from "./options.ts";
import type { Plan } from "./plan.ts";
import { renderPage } from "./report/page.ts";
import { renderSvg } from "./report/plot/svg.ts";
import { plotsOf } from "./report/plots.ts";
import type { Report } from "./report/report.ts";
import { tablesOf, verdictTable } from "./report/tables.ts";
import { renderText } from "./report/terminal.ts";
import { runPlan } from "./run-plan.ts";
import { judge } from "./judge.ts";

const PAGE = new URL("../docs/benchmarks.md", import.meta.url);
const PLOTS = new URL("../docs/plots/", import.meta.url);

// Ending the process by exit() takes the children along.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    console.error(`stopped by ${signal}`);
    process.exit(1);
  });
}

async function main(argv: readonly string[]): Promise<void> {
  const plan = parsePlan(argv);
  if (plan === undefined) {
    console.log(USAGE);
    return;
  }
  // A file that cannot be written is better noticed before than after ten minutes.
  if (plan.jsonFile !== undefined) await writeFile(plan.jsonFile, "");
  const report = plan.fromFile === undefined ? await run(plan) : await readReport(plan.fromFile);
  for (const table of tablesOf(report.figures)) console.log(renderText(table));
  if (report.verdicts.length > 0) console.log(renderText(verdictTable(report.verdicts)));
  for (const { part, reason } of report.skipped) console.log(`${part} left out: ${reason}`);
  if (plan.jsonFile !== undefined)
    await writeFile(plan.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  if (plan.writePage) await writePage(report);
  if (report.skipped.length > 0) process.exitCode = 1;
}

async function writePage(report: Report): Promise<void> {
  const plots = plotsOf(report.figures);
  await mkdir(PLOTS, { recursive: true });
  for (const plot of plots) {
    await writeFile(new URL(`${plot.name}.svg`, PLOTS), renderSvg(plot));
  }
  await writeFile(PAGE, renderPage(report, plots));
}

async function run(plan: Plan): Promise<Report> {
  const startedAt = new Date();
  const figures: Figure[] = [];
  const skipped: { part: string; reason: string }[] = [];
  await runPlan(plan, {
    onPart: (part) => console.error(`${elapsedSec(startedAt)} s  ${part}`),
    onFigure: (figure) => figures.push(figure),
    onSkipped: (part, reason) => {
      console.error(`${part} left out: ${reason}`);
      // The stack, if any, is for the terminal only.
      skipped.push({ part, reason: reason.split("\n", 1)[0] ?? "" });
    },
  });
  return {
    machine: describeMachine(),
    startedAt: startedAt.toISOString(),
    wallSec: elapsedSec(startedAt),
    figures,
    verdicts: judge(figures),
    skipped,
  };
}

/** What an earlier run has measured, judged by the figures that are to be reached now. */
async function readReport(file: string): Promise<Report> {
  // Only our own files are ever read.
  const report = JSON.parse(await readFile(file, "utf8")) as Report;
  return { ...report, verdicts: judge(report.figures) };
}

function elapsedSec(since: Date): number {
  return Math.round((Date.now() - since.getTime()) / 1000);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
