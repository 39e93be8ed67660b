import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
// With the flag, contexts made from now on have the function.
const collect = runInNewContext("gc") as () => void;

/** Resolves with the bytes that buffers hold once collecting garbage frees no more of them. */
export async function bufferBytesInUse(): Promise<number> {
  for (let last = Number.POSITIVE_INFINITY; ;) {
    // Some of what is garbage is found out, or given back, only in a later turn of the event loop.
    await setImmediate();
    collect();
    await setImmediate();
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers >= last) return arrayBuffers;
    last = arrayBuffers;
  }
}
