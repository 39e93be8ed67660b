import { rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { CommandFailure } from "./cli-io.ts";

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
