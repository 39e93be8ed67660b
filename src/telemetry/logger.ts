import { pino, type DestinationStream } from "pino";
import type { Logger } from "../core/logger.ts";
import type { LogConfig } from "./config.ts";

/** Something that takes text, such as `process.stdout`. */
export interface TextOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** The process's own outputs. */
export interface LogOutputs {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
}

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"] as const;

/**
 * Makes the logger: JSON lines into the file if there is one; else readable text on stdout when that is a
 * terminal, and JSON lines on stderr when it is not. Throws when the file cannot be opened.
 */
export function createLogger(options: LogConfig, outputs: LogOutputs): Logger {
  const name = options.level.toLowerCase();
  const level = name === "none" ? "silent" : (LEVELS.find((known) => known === name) ?? "info");
  return pino(
    {
      level,
      base: null,
      messageKey: "message",
      errorKey: "err",
      serializers: { err: describeError },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    openDestination(options.file, outputs),
  );
}

/** An error as pino has it, by its name: errors that have come from another process have lost their class. */
function describeError(err: unknown): unknown {
  if (!(err instanceof Error)) return err;
  return Object.assign(pino.stdSerializers.err(err), { type: err.name });
}

/** Lines of a full disk wait for room up to this many bytes; later ones are lost. */
const WAITING_MAX_BYTES = 1_048_576;

function openDestination(file: string, outputs: LogOutputs): DestinationStream {
  if (file !== "") {
    const destination = pino.destination({
      dest: file,
      append: true,
      sync: true,
      maxLength: WAITING_MAX_BYTES,
    });
    // Nothing can be logged about it, and it is no reason to stop serving. The next line tries again.
    destination.on("error", () => undefined);
    return destination;
  }
  if (outputs.stdout.isTTY !== true) return { write: (line) => void outputs.stderr.write(line) };
  return { write: (line) => void outputs.stdout.write(formatLine(line)) };
}

const COLOURS: Readonly<Record<string, string>> = {
  fatal: "\x1b[41m",
  error: "\x1b[31m",
  warn: "\x1b[33m",
  info: "\x1b[32m",
};
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";

/** One JSON line as people like to read it: time, level, message, fields; a stack on lines of its own. */
function formatLine(line: string): string {
  const { level, time, message, err, ...fields } = parseRecord(line);
  const clock = asText(time).slice(11, 23);
  const label = asText(level);
  const pairs = Object.entries(fields).map(([key, value]) => ` ${DIM}${key}=${RESET}${formatValue(value)}`);
  const head = `${DIM}${clock}${RESET} ${COLOURS[label] ?? DIM}${label.toUpperCase().padEnd(5)}${RESET}`;
  return `${head} ${asText(message)}${pairs.join("")}${formatError(err)}\n`;
}

function parseRecord(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function formatValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}

function formatError(err: unknown): string {
  if (typeof err !== "object" || err === null) return err === undefined ? "" : ` ${formatValue(err)}`;
  const text = "stack" in err ? err.stack : "message" in err ? err.message : JSON.stringify(err);
  return `\n${String(text)}`.replaceAll("\n", "\n    ");
}
