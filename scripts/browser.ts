import { spawnSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { findChromium } from "../test/support/chromium.ts";

// The browser that tests run in. Before the tests it is only looked for: nothing is installed that nobody asked for.
// `npm run browser` installs Debian's own package.

/** How long another package manager may keep its locks, as one that upgrades a fresh machine does. */
const LOCK_PATIENCE_MS = 5 * 60_000;
const LOCK_RETRY_MS = 2000;

if (process.argv[2] === "install") await install();
else if (findChromium() === undefined) {
  console.log(
    "no chromium here: the browser tests will be skipped (on Debian, `npm run browser` installs it)",
  );
}

async function install(): Promise<void> {
  if (findChromium() !== undefined) return;
  console.log("installing Debian's chromium for the browser tests…");
  const isInstalled = (await apt("update")) && (await apt("install", "--no-install-recommends", "chromium"));
  if (isInstalled && findChromium() !== undefined) return;
  console.error(
    "chromium is not installed: install it by hand, or name one in CHROMIUM; this needs Debian and root",
  );
  process.exitCode = 1;
}

/** Runs apt-get, again while another one has its locks: of itself it waits for some of them only. */
async function apt(...args: string[]): Promise<boolean> {
  const deadlineMs = performance.now() + LOCK_PATIENCE_MS;
  for (;;) {
    const { status, stderr } = spawnSync("apt-get", ["--quiet", "--quiet", "--yes", ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    });
    if (status === 0) return true;
    if (!stderr?.includes("Could not get lock") || performance.now() > deadlineMs) {
      console.error(stderr ?? "there is no apt-get");
      return false;
    }
    await delay(LOCK_RETRY_MS);
  }
}
