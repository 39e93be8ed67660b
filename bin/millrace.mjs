#!/usr/bin/env node
// Plain JavaScript for every Node: finds a way to run the program, or says in one sentence what is missing.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// First of all, and kept by whoever takes the place of this process: the parents may be gone at any time.
const parentsAtStart = process.env.MILLRACE_VAR_PARENTS ?? (isOrphan() ? "gone" : parents());
// Nothing that is started from here has the same ones.
delete process.env.MILLRACE_VAR_PARENTS;

const source = new URL("../src/main.ts", import.meta.url);
const compiled = new URL("../dist/src/main.js", import.meta.url);
const localNode = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));

// A young generation that may not grow far leaves memory to connections (docs/benchmarks.md).
const FLAG = "--max-semi-space-size=16";
const PASSED_ON = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"];
const PARENT_CHECK_MS = 500;

const { env, platform } = process;
/** How this process has come from another one of this file: in its place, below it, or not at all. */
const launched = env.MILLRACE_VAR_LAUNCHED;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isSupported = major > 24 || (major === 24 && minor >= 9);
const canReplace = process.execve !== undefined && platform !== "win32";

if (isSupported && (process.execArgv.includes(FLAG) || !canReplace)) await run();
else if (isSupported) replace(process.execPath, process.execArgv);
else if (launched !== undefined || !existsSync(localNode)) refuse();
else if (canReplace) replace(localNode, []);
else launch();

async function run() {
  // Until the server listens to it: whatever is to be read again has not been read yet.
  process.on("SIGHUP", () => undefined);
  if (launched === "below") followLauncher();
  else followParent();
  await import((existsSync(source) ? source : compiled).href);
}

/** Has another Node, or this one with the flag, take the place of this process. */
function replace(node, flags) {
  const args = [node, FLAG, ...flags, ...process.argv.slice(1)];
  process.execve(node, args, {
    ...env,
    MILLRACE_VAR_LAUNCHED: "in place",
    MILLRACE_VAR_PARENTS: parentsAtStart,
  });
}

/** Runs another Node below this process, for as long as both are there: one ends with the other. */
function launch() {
  // Before there is a child: nothing may end this process alone.
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
  const child = spawn(localNode, [FLAG, ...process.argv.slice(1)], {
    // By the channel it notices that this process is gone.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...env, MILLRACE_VAR_LAUNCHED: "below" },
  });
  followParent();
  child.on("error", (error) => {
    console.error(`millrace cannot start ${localNode}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (status, signal) => {
    if (signal === null) process.exit(status);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Ends with the process that launched this one. */
function followLauncher() {
  if (!process.connected) end();
  process.once("disconnect", end);
  process.channel?.unref();
}

/** Ends with `npm start` or `npx`, or the shell between them and this process, which passes no signal on. */
function followParent() {
  if (env.npm_lifecycle_event !== "start" && env.npm_lifecycle_event !== "npx") return;
  const check = () => parents() === parentsAtStart || end();
  check();
  setInterval(check, PARENT_CHECK_MS).unref();
}

/** Of this process: `npm start` or `npx` itself, or the shell below it, and the parent of that. */
function parents() {
  return `${process.ppid} ${statOf(process.ppid)?.parent}`;
}

/** Whether this process has been left to init; that may be npm itself, in a container, and is of our group then. */
function isOrphan() {
  return process.ppid === 1 && statOf(1)?.group !== statOf(process.pid)?.group;
}

/** Parent and group of a process, where the system tells them in a file. */
function statOf(pid) {
  try {
    return /\) \w (?<parent>\d+) (?<group>\d+) [^)]*$/u.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))
      ?.groups;
  } catch {
    // It is gone, or there are no such files.
    return undefined;
  }
}

/** Ends the way a supervisor would have it. */
function end() {
  process.kill(process.pid, "SIGTERM");
}

function refuse() {
  console.error(
    `millrace needs Node.js 24.9 or newer, and this is ${process.version}; see https://nodejs.org`,
  );
  process.exitCode = 1;
}
