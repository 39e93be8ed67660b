import { expect, it } from "vitest";
import { CliBench } from "./fake-io.ts";

it("core 106: defaultenv prints every option, sorted", async () => {
  using bench = new CliBench();
  const { status, stdout } = await bench.run("defaultenv");
  const lines = stdout.trimEnd().split("\n");
  expect(status).toBe(0);
  expect(lines).toContain('MILLRACE_CHANNEL_PRIVATE_PREFIX="$"');
  expect(lines).toContain("MILLRACE_HTTP_SERVER_PORT=8000");
  expect(lines).toContain('MILLRACE_CLIENT_PING_INTERVAL="25s"');
  expect(lines).toEqual(lines.toSorted());
});

it("defaultenv starts from a file, and can leave out what is zero", async () => {
  using bench = new CliBench();
  bench.write(
    "base.json",
    '{"http_server":{"port":9},"client":{"allowed_origins":["a","b"]},"channel":{"namespaces":[{"name":"n1"}]}}',
  );
  const { stdout } = await bench.run("defaultenv", "-b", "base.json", "--base-non-zero-only");
  expect(stdout).toContain("MILLRACE_HTTP_SERVER_PORT=9\n");
  expect(stdout).toContain('MILLRACE_CLIENT_ALLOWED_ORIGINS="a b"\n');
  expect(stdout).toMatch(/^MILLRACE_CHANNEL_NAMESPACES=\[\{"name":"n1"/mu);
  expect(stdout).not.toContain("MILLRACE_UNI_SSE_ENABLED");
});
