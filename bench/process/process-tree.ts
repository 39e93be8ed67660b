import { readFileSync } from "node:fs";

/** How the kernel counts CPU time in /proc: in hundredths of a second. */
const MICROS_PER_TICK = 10_000;

/** CPU time of a process and all its descendants, user and system together; known to 10 ms each. Linux only. */
export function treeCpuMicros(pid: number): number {
  const children = read(pid, `task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return children.reduce((sum, child) => sum + treeCpuMicros(child), ownCpuMicros(pid));
}

function ownCpuMicros(pid: number): number {
  // The name, in parentheses, may hold anything; user and system time are the 12th and 13th field after it.
  const stat = read(pid, "stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK;
}

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, "utf8").trim();
}
