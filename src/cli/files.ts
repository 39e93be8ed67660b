import { rmSync, writeFileSync } from "node:fs";
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

/** Holds the process id in a file until disposed; does nothing where no file is wanted. */
export function writePidFile(directory: string, file: string): Disposable {
  if (file === "") return { [Symbol.dispose]: () => undefined };
  const path = resolve(directory, file);
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o600 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(`cannot write pid_file: ${reason}`, { cause });
  }
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
