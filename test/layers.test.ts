import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

/**
 * The architecture as data: each folder of `src/` with what it may import besides itself and npm packages.
 * Edges (transports, protocols, brokers, api) never import each other; `app` joins them.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  core: ["lib"],
  hub: ["core", "lib"],
  session: ["core", "lib"],
  http: ["config", "core", "lib"],
  grpc: ["core", "lib", "gen"],
  auth: ["config", "core", "lib"],
  config: ["core", "lib"],
  wire: ["core", "lib", "gen"],
  node: ["auth", "hub", "session", "wire", "core", "lib", "gen"],
  workers: ["node", "wire", "core", "lib"],
  telemetry: ["config", "core", "lib"],
  "brokers/memory": ["config", "core", "lib"],
  "stores/memory": ["core", "lib"],
  "stores/sqlite": ["core", "lib"],
  "protocols/centrifugo": ["node", "wire", "auth", "config", "session", "core", "lib", "gen"],
  "protocols/pusher": ["node", "auth", "config", "http", "session", "core", "lib"],
  "transports/websocket": ["config", "http", "core", "lib"],
  "transports/sse": ["config", "http", "core", "lib"],
  "transports/http-stream": ["config", "http", "core", "lib"],
  "transports/connect": ["config", "http", "grpc", "core", "lib", "gen"],
  "transports/grpc": ["config", "grpc", "core", "lib", "gen"],
  api: ["config", "http", "grpc", "core", "lib", "gen"],
  app: ["*"],
  cli: ["app", "config", "auth", "telemetry", "core", "lib"],
  "index.ts": ["app", "config", "telemetry", "core"],
  "main.ts": ["cli", "app", "core", "lib"],
};

function sourceFiles(): string[] {
  return readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** The row of the table that a path belongs to; "gen" for generated code. */
function layerOf(path: string): string {
  if (path.startsWith("gen/")) return "gen";
  const [first = "", second = ""] = path.replace(/^src\//u, "").split("/");
  const nested = `${first}/${second}`;
  return nested in ALLOWED ? nested : first;
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  const specifiers = [...source.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/gu)].map(
    (match) => match[1] ?? "",
  );
  return specifiers.map((specifier) => relative(ROOT, resolve(ROOT, dirname(file), specifier)));
}

describe("layers", () => {
  it.each(sourceFiles())("%s imports only what its layer may", (file) => {
    const from = layerOf(file);
    const allowed = ALLOWED[from] ?? [];
    expect(Object.keys(ALLOWED)).toContain(from);
    if (allowed.includes("*")) return;
    const outside = importsOf(file).filter((target) => {
      const to = layerOf(target);
      return to !== from && !allowed.includes(to);
    });
    expect(outside).toEqual([]);
  });

  it("sees imports at all", () => {
    expect(importsOf("src/hub/hub.ts")).toContain("src/core/push.ts");
  });
});
