import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/app/config.ts";
import { changesThatNeedRestart } from "../../../src/app/reload.ts";
import { CliBench } from "./fake-io.ts";

describe("SIGHUP", () => {
  it("core 97: has the server follow the file, and names what needs a restart", async () => {
    using bench = new CliBench();
    bench.write("config.json", "{}");
    bench.ignoredChanges = ["http_server.port"];
    bench.onServing = () => {
      bench.write("config.json", '{"channel":{"namespaces":[{"name":"n2"}]},"http_server":{"port":9}}');
      bench.signal("SIGHUP");
      setImmediate(() => bench.signal("SIGTERM"));
    };
    const { status, stderr } = await bench.run("serve", "-c", "config.json");
    expect(status).toBe(0);
    expect(bench.reloaded.map((config) => config.channel.namespaces.map(({ name }) => name))).toEqual([
      ["n2"],
    ]);
    expect(stderr).toContain('"option":"http_server.port"');
    expect(stderr).toContain("changed option needs a restart");
  });

  it("core 98: keeps the old configuration when the file is bad", async () => {
    using bench = new CliBench();
    bench.write("config.json", "{}");
    bench.onServing = () => {
      bench.write("config.json", "{");
      bench.signal("SIGHUP");
      setImmediate(() => bench.signal("SIGTERM"));
    };
    const { status, stderr } = await bench.run("serve", "-c", "config.json");
    expect([status, bench.reloaded.length]).toEqual([0, 0]);
    expect(stderr).toContain("configuration not reloaded");
  });

  it("a SIGHUP while the server starts is obeyed once it runs; several are one", async () => {
    using bench = new CliBench();
    bench.onStarting = () => {
      for (let count = 0; count < 3; count++) bench.signal("SIGHUP");
      expect(bench.reloaded).toEqual([]);
    };
    bench.onServing = () => {
      expect(bench.reloaded).toHaveLength(1);
      bench.signal("SIGTERM");
    };
    const { status } = await bench.run();
    expect(status).toBe(0);
  });
});

describe("changesThatNeedRestart", () => {
  const before = parseConfig({}).config;

  it("is silent about what a running server follows", () => {
    const after = parseConfig({
      client: { token: { hmac_secret_key: "new" }, connection_limit: 5 },
      channel: { namespaces: [{ name: "n2" }] },
    }).config;
    expect(changesThatNeedRestart(before, after)).toEqual([]);
  });

  it("names everything else", () => {
    const after = parseConfig({ http_server: { port: 9 }, client: { allowed_origins: ["*"] } }).config;
    expect(changesThatNeedRestart(before, after)).toEqual(["http_server.port", "client.allowed_origins"]);
  });
});
