import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { findChromium } from "../test/support/chromium.ts";

// Before the tests: a browser to run them in. Debian's own package, where we may install it; elsewhere the
// browser tests are skipped, and say so.
if (findChromium() === undefined) {
  const mayInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (mayInstall) {
    console.log("installing Debian's chromium for the browser tests…");
    const apt = (...args: string[]) =>
      spawnSync("apt-get", ["--quiet", "--quiet", "--yes", ...args], {
        stdio: ["ignore", "ignore", "inherit"],
        env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      });
    apt("update");
    apt("install", "--no-install-recommends", "chromium");
  }
  if (findChromium() === undefined) console.log("no chromium here: the browser tests will be skipped");
}
