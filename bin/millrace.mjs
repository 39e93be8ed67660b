#!/usr/bin/env node
// Plain JavaScript for every Node: finds a way to run the program, or says in one sentence what is missing.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = new URL("../src/main.ts", import.meta.url);
const compiled = new URL("../dist/src/main.js", import.meta.url);
const localNode = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));

// A young generation that may not grow far leaves memory to connections (docs/benchmarks.md).
const FLAG = "--max-semi-space-size=16";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isSupported = major > 24 || (major === 24 && minor >= 9);

// Takes the place of this process.
if (isSupported && process.platform !== "win32" && !process.execArgv.includes(FLAG)) {
  const args = [...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, [process.execPath, FLAG, ...args], process.env);
}

if (isSupported) {
  await import((existsSync(source) ? source : compiled).href);
} else if (existsSync(localNode) && !process.env.MILLRACE_VAR_LAUNCHED) {
  const child = spawn(localNode, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, MILLRACE_VAR_LAUNCHED: "1" },
  });
  // The terminal sends SIGINT to both processes; here it must only not end this one first.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (status) => (process.exitCode = status ?? 1));
} else {
  console.error(
    `millrace needs Node.js 24.9 or newer, and this is ${process.version}; see https://nodejs.org`,
  );
  process.exitCode = 1;
}
