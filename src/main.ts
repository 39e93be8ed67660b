import { isatty } from "node:tty";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { createServer } from "./app/server.ts";
import { runCli } from "./cli/program.ts";
import { systemClock } from "./core/clock.ts";
import { outliveReader } from "./lib/lost-reader.ts";

// What matters of it comes to us as errors; its own lines would stand raw among those of the log.
if (process.env["GRPC_VERBOSITY"] === undefined) setLogVerbosity(logVerbosity.NONE);

process.title = "millrace";
outliveReader(process.stderr);
// What a command prints is what it is for, and part of it is not enough.
outliveReader(process.stdout, () => process.once("exit", () => (process.exitCode ||= 1)));
const hasTerminal = process.stdout.isTTY;

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  clock: systemClock,
  createServer,
  onSignal(signal, handler) {
    process.on(signal, handler);
    return { [Symbol.dispose]: () => void process.off(signal, handler) };
  },
  isTerminalGone: () => hasTerminal && !isatty(process.stdout.fd),
  exit: (status) => process.exit(status),
});
