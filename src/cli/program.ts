import { Command, CommanderError } from "commander";
import { VERSION } from "../app/version.ts";
import { findNearestName } from "../config/config-error.ts";
import { addCheckConfigCommand } from "./check-config.ts";
import { addCheckSubTokenCommand, addCheckTokenCommand } from "./check-token.ts";
import { type CliIo, CommandFailure } from "./cli-io.ts";
import { addConnectionsCommand } from "./connections.ts";
import { addDefaultConfigCommand } from "./default-config.ts";
import { addDefaultEnvCommand } from "./default-env.ts";
import { addGenConfigCommand } from "./gen-config.ts";
import { addGenSubTokenCommand, addGenTokenCommand } from "./gen-token.ts";
import { addImportConfigCommand } from "./import-config.ts";
import { addServeCommand } from "./serve.ts";

/** `version`: which server this is, and what it runs on. */
export function addVersionCommand(program: Command, io: CliIo): void {
  program
    .command("version")
    .description("print the version")
    .action(() => {
      io.stdout.write(`Millrace v${VERSION} (Node.js version: ${process.version})\n`);
    });
}

const EXAMPLES = `
Examples:
  millrace serve --dev                 a development server, with what to try next
  millrace genconfig                   writes config.json with fresh secrets
  millrace -c config.json              serves by that file
  millrace gentoken -u 42              a connection token for user 42

Every option of the configuration can also be given as an environment variable
(MILLRACE_HTTP_SERVER_PORT=8001) or as a flag of serve (--http_server.port 8001).
`;

/** Runs a command line and resolves to the exit status. `args` begins after the program's name. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const program = createProgram(io);
  const stray = findStrayCommand(program, args);
  if (stray !== undefined) {
    io.stderr.write(`error: ${stray}\n`);
    return 1;
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (!(error instanceof CommandFailure)) throw error;
    io.stderr.write(`error: ${error.message}\n`);
    return 1;
  }
}

function createProgram(io: CliIo): Command {
  const program = new Command("millrace")
    .description("Real-time push server: one publication reaches every subscriber.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .showSuggestionAfterError()
    .addHelpText("after", EXAMPLES);
  addServeCommand(program, io);
  addGenConfigCommand(program, io);
  addGenTokenCommand(program, io);
  addGenSubTokenCommand(program, io);
  addCheckTokenCommand(program, io);
  addCheckSubTokenCommand(program, io);
  addConnectionsCommand(program, io);
  addCheckConfigCommand(program, io);
  addDefaultConfigCommand(program, io);
  addDefaultEnvCommand(program, io);
  addImportConfigCommand(program, io);
  addVersionCommand(program, io);
  return program;
}

/** Since `serve` is what runs without a command, a misspelled one would otherwise be an argument of `serve`. */
function findStrayCommand(program: Command, args: readonly string[]): string | undefined {
  const [first] = args;
  if (first === undefined || first === "help" || first.startsWith("-")) return undefined;
  const names = program.commands.map((command) => command.name());
  if (names.includes(first)) return undefined;
  const nearest = findNearestName(first, names);
  const hint = nearest === undefined ? "see millrace --help" : `did you mean ${nearest}?`;
  return `unknown command '${first}': ${hint}`;
}
