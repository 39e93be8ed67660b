import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LogConfig } from "../../../src/telemetry/config.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { failureFromBytes, failureToBytes } from "../../../src/wire/failure.ts";

interface Captured {
  readonly stdout: string;
  readonly stderr: string;
}

function logWith(options: LogConfig, isTTY: boolean): Captured {
  let stdout = "";
  let stderr = "";
  const logger = createLogger(options, {
    stdout: { write: (text) => (stdout += text), isTTY },
    stderr: { write: (text) => (stderr += text) },
  });
  logger.debug({}, "detail");
  logger.info({ user: "4 2", channel: "news" }, "session opened");
  logger.error({ err: new Error("no route") }, "publish failed");
  return { stdout, stderr };
}

function linesOf(text: string): readonly unknown[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

test("JSON lines on stderr without a terminal", () => {
  const { stdout, stderr } = logWith({ level: "info", file: "" }, false);
  expect(stdout).toBe("");
  expect(linesOf(stderr)).toMatchObject([
    { level: "info", message: "session opened", user: "4 2", channel: "news" },
    { level: "error", message: "publish failed", err: { type: "Error", message: "no route" } },
  ]);
});

test("an error that has come from another process keeps its name", () => {
  let stderr = "";
  const outputs = {
    stdout: { write: () => undefined },
    stderr: { write: (text: string) => (stderr += text) },
  };
  const logger = createLogger({ level: "info", file: "" }, outputs);
  const err = failureFromBytes(
    failureToBytes(new TypeError("a bug", { cause: new RangeError("behind it") })),
  );
  logger.error({ err }, "publish failed");
  const [line] = linesOf(stderr);
  expect(line).toMatchObject({ err: { type: "TypeError", message: "a bug: behind it" } });
  expect(JSON.stringify(line)).toContain("RangeError: behind it");
});

test("readable text on stdout on a terminal", () => {
  const { stdout, stderr } = logWith({ level: "debug", file: "" }, true);
  expect(stderr).toBe("");
  // oxlint-disable-next-line no-control-regex
  const plain = stdout.replaceAll(/\x1b\[\d+m/g, "");
  expect(plain).toMatch(/^\d\d:\d\d:\d\d\.\d{3} DEBUG detail\n/);
  expect(plain).toMatch(/INFO {2}session opened user="4 2" channel=news\n/);
  expect(plain).toMatch(/ERROR publish failed\n {4}Error: no route\n {8}at /);
});

test("none logs nothing, an unknown level counts as info", () => {
  expect(logWith({ level: "none", file: "" }, false).stderr).toBe("");
  expect(linesOf(logWith({ level: "loud", file: "" }, false).stderr)).toHaveLength(2);
  expect(linesOf(logWith({ level: "ERROR", file: "" }, false).stderr)).toHaveLength(1);
});

test("a log file gets JSON lines, appended, even on a terminal", () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-log-"));
  try {
    const file = join(directory, "server.log");
    expect(logWith({ level: "info", file }, true)).toEqual({ stdout: "", stderr: "" });
    logWith({ level: "error", file }, true);
    expect(linesOf(readFileSync(file, "utf8"))).toHaveLength(3);
    expect(() => logWith({ level: "info", file: directory }, true)).toThrow("EISDIR");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
