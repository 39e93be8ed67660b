import { cpus, release, totalmem, type } from "node:os";

/** The machine of a run: what one needs to compare figures, nothing that tells whose it is. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cores: processors.length,
    processor: processors[0]?.model.trim() ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
  };
}

/** How many files (and sockets) a process of the benchmark may hold open. Node has raised it as far as it may. */
export function openFileLimit(): number {
  const report: unknown = process.report.getReport();
  const limit = memberOf(memberOf(memberOf(report, "userLimits"), "open_files"), "soft");
  return typeof limit === "number" ? limit : Infinity;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(name);
}
