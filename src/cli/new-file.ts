import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { CommandFailure } from "./cli-io.ts";

/** Writes a file that only its owner may read. Throws CommandFailure with `taken` when there is one already. */
export function writeNewFile(directory: string, file: string, text: string, taken: string): void {
  try {
    writeFileSync(resolve(directory, file), text, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    const isTaken = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(isTaken ? taken : `cannot write ${file}: ${reason}`, { cause });
  }
}
