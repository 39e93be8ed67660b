import type { Command } from "commander";
import { VERSION } from "../app/version.ts";
import type { CliIo } from "./cli-io.ts";

/** `version`: which server this is, and what it runs on. */
export function addVersionCommand(program: Command, io: CliIo): void {
  program
    .command("version")
    .description("print the version")
    .action(() => {
      io.stdout.write(`Millrace v${VERSION} (Node.js version: ${process.version})\n`);
    });
}
