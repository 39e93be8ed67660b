import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Call, ProcessMethods, RemoteMethods, Reply } from "./rpc.ts";

/** CPU time of this process, user and system together, all threads. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** A clock that all processes of the machine share; microseconds since an arbitrary moment. */
export function nowMicros(): number {
  return Number(process.hrtime.bigint()) / 1000;
}

/** Answers the driver's calls with these methods until the driver lets go; then the process ends. */
export function serveCalls<M extends RemoteMethods<M>>(methods: M): void {
  if (process.send === undefined) throw new Error("this file is a part of the benchmark; run bench/main.ts");
  const all = new Map(
    Object.entries<(argument: never) => Promise<unknown>>({ ...processMethods, ...methods }),
  );
  process.on("disconnect", () => process.exit(0));
  process.on("message", (call: Call) => void answer(all, call));
}

async function answer(
  methods: ReadonlyMap<string, (argument: never) => Promise<unknown>>,
  { id, method, argument }: Call,
): Promise<void> {
  try {
    const run = methods.get(method);
    if (run === undefined) throw new Error(`no method ${method}`);
    // The driver's call is typed by the same interface.
    reply({ type: "result", id, result: await run(argument as never) });
  } catch (error) {
    reply({
      type: "error",
      id,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

function reply(message: Reply): void {
  process.send?.(message);
}

/** A timer of the runtime's own, due so often: its delay is what a turn takes too long. */
const LOOP_PROBE_MS = 1;
const loopDelay = monitorEventLoopDelay({ resolution: LOOP_PROBE_MS });

const processMethods: ProcessMethods = {
  usage: async () => {
    const { rss: rssBytes, heapUsed, external } = process.memoryUsage();
    return { cpuMicros: cpuMicros(), rssBytes, heldBytes: heapUsed + external };
  },
  collectGarbage: async () => {
    if (globalThis.gc === undefined) throw new Error("started without --expose-gc");
    await globalThis.gc({ execution: "async" });
  },
  watchLoop: async () => {
    loopDelay.reset();
    loopDelay.enable();
  },
  longestStallMicros: async () => {
    loopDelay.disable();
    return Math.max(0, loopDelay.max / 1000 - LOOP_PROBE_MS * 1000);
  },
};
