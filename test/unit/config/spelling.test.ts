import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig, type Config } from "../../../src/app/config.ts";
import { importConfig } from "../../../src/app/import/import-config.ts";
import { ConfigError } from "../../../src/config/config-error.ts";

let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "millrace-spelling-"));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function load(path: string, text: string): Config {
  writeFileSync(join(directory, path), text);
  return loadConfig({ file: { path, directory }, env: {} }).config;
}

function problemOf(path: string, text: string): string {
  try {
    load(path, text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

describe("texts that look like numbers", () => {
  it.each([
    "007",
    "72044e0",
    "1.10",
    "12345678901234567890",
    "0x1F",
    "0o17",
    "True",
    ".inf",
    "1_000",
    "2001-01-01",
  ])("are what is written in YAML: %s", (key) => {
    expect(load("key.yaml", `http_api:\n  key: ${key}\n`).http_api.key).toBe(key);
    expect(load("flat.yaml", `api_key: ${key}\n`).http_api.key).toBe(key);
    expect(load("list.yaml", `client: {allowed_origins: [${key}]}`).client.allowed_origins).toEqual([key]);
    expect(load("lone.yaml", `client: {allowed_origins: ${key}}`).client.allowed_origins).toEqual([key]);
    expect(load("alias.yaml", `v: &x ${key}\nhttp_api: {key: *x}`).http_api.key).toBe(key);
    expect(load("merged.yaml", `v: &x {key: ${key}}\nhttp_api: {<<: *x}`).http_api.key).toBe(key);
  });

  it.each(["1.10", "72044e0", "12345678901234567890"])("are what is written in JSON: %s", (key) => {
    expect(load("key.json", `{"http_api": {"key": ${key}}}`).http_api.key).toBe(key);
  });

  it("are what is written in names, which are always text", () => {
    const app = "id: 007, key: 0x1, secret: 1e3";
    const headers = "headers: {007: 1.10, true: True}";
    const text = `pusher: {apps: [{${app}, webhooks: [{url: "http://a/b", ${headers}}]}]}`;
    const [loaded] = load("app.yaml", text).pusher.apps;
    expect(loaded).toMatchObject({ id: "007", key: "0x1", secret: "1e3" });
    expect(loaded?.webhooks[0]?.headers).toEqual({ "007": "1.10", true: "True" });
  });

  it("are what is written in JSON of a variable", () => {
    const env = { MILLRACE_PUSHER_APPS: '[{"id": "a", "key": 1.10, "secret": 12345678901234567890}]' };
    const [app] = loadConfig({ env }).config.pusher.apps;
    expect(app).toMatchObject({ key: "1.10", secret: "12345678901234567890" });
  });

  it("are what is written in another server's file", () => {
    const { tree } = importConfig(
      "soketi",
      "theirs.yaml",
      "appManager: {array: {apps: [{id: 007, key: 1.10, secret: 1e3}]}}",
      {},
    );
    expect(tree).toMatchObject({ pusher: { apps: [{ id: "007", key: "1.10", secret: "1e3" }] } });
  });

  it("are exact in TOML where they are integers, and refused where TOML would change them", () => {
    const key = "1234567890123456789";
    expect(load("key.toml", `[http_api]\nkey = ${key}\n`).http_api.key).toBe(key);
    const reason = "http_api.key: expected text, got 1.1: put it in quotes (key.toml)";
    expect(problemOf("key.toml", "[http_api]\nkey = 1.10\n")).toBe(reason);
    expect(problemOf("key.toml", "[http_api]\nkey = 72044e0\n")).toContain("put it in quotes");
  });

  it("are numbers where a number is wanted", () => {
    expect(load("port.yaml", "http_server: {port: 0x10}\n").http_server.port).toBe(16);
    expect(load("port.json", '{"http_server": {"port": 8e3}}').http_server.port).toBe(8000);
    expect(load("port.toml", "http_server.port = 8001\n").http_server.port).toBe(8001);
    expect(problemOf("limit.toml", "client.channel_limit = 1234567890123456789\n")).toContain(
      "client.channel_limit:",
    );
  });
});

describe("YAML", () => {
  it("an alias of nothing is an error with its line, not a stack", () => {
    expect(problemOf("alias.yaml", "a: 1\nhttp_api:\n  key: *missing\n")).toBe(
      "syntax error: there is no anchor &missing before this alias (alias.yaml:3)",
    );
  });

  it("an alias inside what it stands for is an error with its line", () => {
    expect(problemOf("loop.yaml", "uni_sse: &x\n  enabled: *x\n")).toBe(
      "syntax error: *x is a part of what it stands for (loop.yaml:2)",
    );
  });

  it("what else the parser throws is an error of the file", () => {
    expect(problemOf("merge.yaml", "<<: 5\n")).toMatch(/^syntax error: Merge sources .* \(merge\.yaml\)$/u);
    const nine = (of: string): string => Array.from({ length: 9 }, () => of).join();
    const bomb = ["a: &a 1", ..."b c d e f g".split(" ")].reduce((text, name, index) => {
      return `${text}\n${name}: &${name} [${nine(`*${"abcdef"[index - 1]}`)}]`;
    });
    expect(problemOf("bomb.yaml", bomb)).toMatch(/^syntax error: .*\(bomb\.yaml\)$/u);
  });

  it("merge keys merge, and problems name the line of what was merged", () => {
    const text = [
      "base: &base",
      "  history_size: 10",
      "  history_ttl: soon",
      "channel:",
      "  without_namespace:",
      "    <<: *base",
      "    history_size: 20",
    ].join("\n");
    expect(problemOf("bad.yaml", text)).toMatch(
      /^channel\.without_namespace\.history_ttl: .*\(bad\.yaml:3\)$/u,
    );
    const { history_size: size, history_ttl: ttl } = load("good.yaml", text.replace("soon", "5m")).channel
      .without_namespace;
    expect([size, ttl]).toEqual([20, 300_000]);
  });

  it("hundreds of namespaces may share their options", () => {
    const names = Array.from({ length: 300 }, (_, index) => `    - {<<: *base, name: n${index}}`);
    const text = ["base: &base {presence: True}", "channel:", "  namespaces:", ...names].join("\n");
    const { namespaces } = load("many.yaml", text).channel;
    expect(namespaces.filter(({ presence }) => presence)).toHaveLength(300);
  });

  it("several merged maps: the first that has the key counts", () => {
    const text =
      "a: &a {port: 1}\nb: &b {port: 2, address: x}\nhttp_server: {<<: [*a, *b], address: 127.0.0.1}\n";
    expect(load("several.yaml", text).http_server).toMatchObject({ port: 1, address: "127.0.0.1" });
  });
});
