import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { createServer } from "./app/server.ts";
import { runCli } from "./cli/program.ts";
import { systemClock } from "./core/clock.ts";

// What matters of it comes to us as errors; its own lines would stand raw among those of the log.
if (process.env["GRPC_VERBOSITY"] === undefined) setLogVerbosity(logVerbosity.NONE);

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
  exit: (status) => process.exit(status),
});
