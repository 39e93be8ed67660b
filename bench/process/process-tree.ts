import { readdirSync, readFileSync } from "node:fs";

/** CPU time of a process and all its descendants, user and system together, all threads. Linux only. */
export function treeCpuMicros(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const own = threads.reduce((sum, thread) => sum + threadCpuMicros(`/proc/${pid}/task/${thread}`), 0);
  return threads
    .flatMap((thread) => readText(`/proc/${pid}/task/${thread}/children`).split(" "))
    .filter(Boolean)
    .reduce((sum, child) => sum + treeCpuMicros(Number(child)), own);
}

/** The first number is the time on a processor, in nanoseconds. */
function threadCpuMicros(folder: string): number {
  const [nanos] = readText(`${folder}/schedstat`).split(" ", 1);
  return Number(nanos) / 1000;
}

function readText(file: string): string {
  return readFileSync(file, "utf8").trim();
}
