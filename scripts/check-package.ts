import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VERSION } from "../src/app/version.ts";
import { Command, NODE, ROOT } from "../test/support/command.ts";
import { freePort } from "../test/support/free-port.ts";
import { hearReadmeExample, readmeExample } from "../test/support/readme-example.ts";

// The package as others get it: it installs into an empty project and works there, without the sources.

/** As TypeScript sees the package: an interface is data. */
const TYPES = `
  import { createServer, type Millrace } from "millrace";
  interface News { readonly text: string; readonly at?: Date }
  const news: News = { text: "hello" };
  const server: Millrace = createServer({ config: { client: { ping_interval: "20s" } } });
  await server.publish("news", news, { tags: { kind: "greeting" } });
  // @ts-expect-error is misspelt
  createServer({ atachTo: undefined });`;

const project = mkdtempSync(join(tmpdir(), "millrace-package-"));
const program = join(project, "node_modules/.bin/millrace");

try {
  run("npm", ["pack", "--silent", "--pack-destination", project], ROOT);
  run("npm", ["init", "--yes"]);
  run("npm", ["install", "--silent", `./millrace-${VERSION}.tgz`]);
  assert.match(run(NODE, [program, "version"]), new RegExp(RegExp.escape(VERSION), "u"));
  checkTypes();
  await checkReadmeExample();
  await checkDevPage();
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** Runs a command to its end, in the project if nowhere else, and returns what it printed. Throws where it fails. */
function run(file: string, args: readonly string[], cwd = project): string {
  return execFileSync(file, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

function checkTypes(): void {
  writeFileSync(join(project, "types.mts"), TYPES);
  const strictly = ["--noEmit", "--strict", "--target", "esnext", "--module", "nodenext", "--types", "node"];
  const types = ["--typeRoots", join(ROOT, "node_modules/@types")];
  run(join(ROOT, "node_modules/.bin/tsc"), [...strictly, ...types, "types.mts"]);
}

/** The README's server runs as it stands, and its line hears what that publishes. */
async function checkReadmeExample(): Promise<void> {
  const port = await freePort();
  const example = readmeExample(port);
  writeFileSync(join(project, "server.mjs"), example.server);
  await using server = new Command(NODE, ["server.mjs"], { cwd: project, env: { PORT: String(port) } });
  await hearReadmeExample(example, server);
}

/** The development server has its page, with all files that the page asks for. */
async function checkDevPage(): Promise<void> {
  const ports = ["-p", "0", "--uni_grpc.port", "0", "--grpc_api.port", "0"];
  await using server = new Command(NODE, [program, "serve", "--dev", ...ports], { cwd: project });
  await server.untilPrinted("\n");
  const [, url = ""] = /^Open (http:\S+)/u.exec(server.stdout) ?? [];
  const known = new Set<string>();
  const waiting = [url];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (known.has(next)) continue;
    known.add(next);
    const response = await fetch(next);
    assert.equal(response.status, 200, next);
    const text = await response.text();
    for (const [, path = ""] of text.matchAll(/(?:href|src|from)[= ]"([./][^"]+)"/gu)) {
      waiting.push(new URL(path, next).href);
    }
  }
  assert.ok(known.size > 5, "the page asks for files of its own");
}
