import { existsSync } from "node:fs";

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The system's Chromium; undefined where there is none. */
export function findChromium(): string | undefined {
  const named = process.env["CHROMIUM"];
  return named === undefined || named === "" ? CANDIDATES.find((path) => existsSync(path)) : named;
}

/** Arguments that keep a headless Chromium from reaching for the network. */
export const CHROMIUM_ARGS: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
