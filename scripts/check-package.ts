import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VERSION } from "../src/app/version.ts";
import { Command, NODE, ROOT } from "../test/support/command.ts";

// The package as others get it: it installs into an empty project and works there, without the sources.

const LIBRARY = `
  import { createServer } from "millrace";
  const server = createServer({ config: { http_server: { port: 0 } } });
  await server.start();
  await server.publish("news", { hello: "world" });
  if (!(await server.stop())) process.exit(1);`;

const project = mkdtempSync(join(tmpdir(), "millrace-package-"));
const program = join(project, "node_modules/.bin/millrace");

try {
  run("npm", ["pack", "--silent", "--pack-destination", project], ROOT);
  run("npm", ["init", "--yes"]);
  run("npm", ["install", "--silent", `./millrace-${VERSION}.tgz`]);
  assert.match(run(NODE, [program, "version"]), new RegExp(RegExp.escape(VERSION), "u"));
  run(NODE, ["--input-type=module", "--eval", LIBRARY]);
  await checkDevPage();
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** Runs a command to its end, in the project if nowhere else, and returns what it printed. Throws where it fails. */
function run(file: string, args: readonly string[], cwd = project): string {
  return execFileSync(file, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
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
