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

/** Collects garbage over some turns of the event loop, until none of the objects is left; resolves with those that are. */
export async function survivorsOf(refs: readonly WeakRef<object>[]): Promise<object[]> {
  for (let turn = 0; ; turn++) {
    // An object that a reference has given out stays until the end of the turn.
    await setImmediate();
    collect();
    const left = refs.map((ref) => ref.deref()).filter((object) => object !== undefined);
    if (left.length === 0 || turn === 10) return left;
  }
}
