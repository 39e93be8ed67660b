import { join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { loadConfig } from "../../../src/app/config.ts";
import { VERSION } from "../../../src/app/version.ts";
import { hmacToken, SECRET } from "../auth/tokens.ts";
import { CliBench } from "./fake-io.ts";

const WITH_KEY = '{"client": {"token": {"hmac_secret_key": "k"}}}';

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
}

test("core 87: checkconfig passes an unknown key, --strict exits 1 and names it", async () => {
  using bench = new CliBench();
  bench.write("config.json", '{"foo": 1}');
  expect(await bench.run("checkconfig")).toEqual({
    status: 0,
    stdout: "",
    stderr: "warning: unknown key `foo` (config.json:1)\n",
  });
  expect(await bench.run("checkconfig", "-s")).toEqual({
    status: 1,
    stdout: "",
    stderr: "error: unknown keys in config: foo\n",
  });
});

test("checkconfig is silent about a good file, and rejects a missing one", async () => {
  using bench = new CliBench();
  expect(await bench.run("checkconfig")).toEqual({
    status: 1,
    stdout: "",
    stderr: "error: config file config.json not found\n",
  });
  bench.write("good.toml", "[http_server]\nport = 8001\n");
  expect(await bench.run("checkconfig", "-c", "good.toml", "--strict")).toEqual({
    status: 0,
    stdout: "",
    stderr: "",
  });
});

test("checkconfig names path and line of what is wrong", async () => {
  using bench = new CliBench();
  bench.write("config.yaml", "client:\n  ping_interval: 25\n");
  const { status, stderr } = await bench.run("checkconfig", "-c", "config.yaml");
  expect(status).toBe(1);
  expect(stderr).toBe(
    'error: validating config: client.ping_interval: a duration needs a unit: write "25s" for seconds, ' +
      '"25ms" for milliseconds (config.yaml:2)\n',
  );
});

test("checkconfig looks at the keys of tokens", async () => {
  using bench = new CliBench();
  bench.write("config.json", '{"token_rsa_public_key": "not PEM"}');
  const { status, stderr } = await bench.run("checkconfig");
  expect(status).toBe(1);
  expect(stderr).toContain("client.token.rsa_public_key: ");
});

test("core 100: genconfig twice exits 1 and leaves the file, which only its owner may read", async () => {
  using bench = new CliBench();
  expect(await bench.run("genconfig")).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(bench.modeOf("config.json")).toBe(0o600);
  const before = bench.read("config.json");
  expect(await bench.run("genconfig")).toEqual({
    status: 1,
    stdout: "",
    stderr: "error: output config file already exists: config.json\n",
  });
  expect(bench.read("config.json")).toBe(before);
  expect(JSON.parse(before)).toEqual({
    client: { token: { hmac_secret_key: expect.stringMatching(/^[\w-]{86}$/) }, allowed_origins: [] },
    http_api: { key: expect.stringMatching(/^[\w-]{86}$/) },
    uni_websocket: { enabled: true },
    uni_sse: { enabled: true },
    uni_http_stream: { enabled: true },
  });
});

test.each(["made.yaml", "made.yml", "made.toml"])("genconfig writes %s", async (file) => {
  using bench = new CliBench();
  expect((await bench.run("genconfig", "-c", file)).status).toBe(0);
  expect((await bench.run("checkconfig", "-c", file, "--strict")).status).toBe(0);
});

test("core 101: gentoken prints what the token is and the token; -q the token alone", async () => {
  using bench = new CliBench();
  bench.write("config.json", WITH_KEY);
  const { status, stdout } = await bench.run("gentoken", "-u", "42");
  expect(status).toBe(0);
  const [heading, token = "", ...rest] = stdout.split("\n");
  expect(heading).toBe('HMAC SHA-256 JWT for user "42" with expiration TTL 168h0m0s:');
  expect(rest).toEqual([""]);
  expect(claimsOf(token)).toEqual({ sub: "42", exp: 1_700_604_800, iat: 1_700_000_000 });
  expect(await bench.run("gentoken", "-u", "42", "-q")).toEqual({ status: 0, stdout: token, stderr: "" });
});

test("gentoken says who and how long", async () => {
  using bench = new CliBench();
  bench.write("config.json", WITH_KEY);
  const anonymous = await bench.run("gentoken", "-t", "90");
  expect(anonymous.stdout).toMatch(/^HMAC SHA-256 JWT for anonymous user with expiration TTL 1m30s:\n/);
  const endless = await bench.run("gentoken", "-u", "1", "-t", "-1");
  expect(endless.stdout).toMatch(/^HMAC SHA-256 JWT for user "1" without expiration:\n/);
  const odd = await bench.run("gentoken", "-t", "1h");
  expect(odd.status).toBe(1);
  expect(odd.stderr).toContain("Seconds are a whole number.");
});

test("gentoken takes info, meta, labels, channels and subs, as JSON or as lists", async () => {
  using bench = new CliBench();
  bench.write("config.json", WITH_KEY);
  const json = await bench.run(
    ...["gentoken", "-u", "42", "-t", "0", "-q", "--info", '{"name":"Ann"}', "--meta", "7"],
    ...["--labels", '{"plan":"a,b"}', "--channels", '["dialog#1,2"]', "--subs", '{"a":{"data":{"x":1}}}'],
    ...["--claims", '{"jti":"t","meta":8}'],
  );
  expect(json.stderr).toBe("");
  expect(claimsOf(json.stdout)).toEqual({
    sub: "42",
    iat: 1_700_000_000,
    info: { name: "Ann" },
    meta: 8,
    labels: { plan: "a,b" },
    channels: ["dialog#1,2"],
    subs: { a: { data: { x: 1 } } },
    jti: "t",
  });
  const lists = ["--labels", "plan=gold,note=a=b", "--channels", "news,sports", "--subs", "a,b"];
  expect(claimsOf((await bench.run("gentoken", "-q", ...lists)).stdout)).toMatchObject({
    labels: { plan: "gold", note: "a=b" },
    channels: ["news", "sports"],
    subs: { a: {}, b: {} },
  });
  const forChannel = await bench.run("gensubtoken", "-u", "42", "-s", "ch", "-q", "--info", '"host"');
  expect(claimsOf(forChannel.stdout)).toMatchObject({ sub: "42", channel: "ch", info: "host" });
});

test.each([
  ["--info", "Ann", "It is no JSON"],
  ["--claims", "[]", "It is no JSON object."],
  ["--labels", "plan", "Labels are name=value,… or a JSON object."],
  ["--channels", "[", "It is no JSON"],
  ["--subs", "{", "It is no JSON"],
])("gentoken %s %s is refused with a sentence", async (flag, value, message) => {
  using bench = new CliBench();
  bench.write("config.json", WITH_KEY);
  const { status, stdout, stderr } = await bench.run("gentoken", flag, value);
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(message);
});

test("gentoken and checktoken say where the server would refuse the token", async () => {
  using bench = new CliBench();
  bench.write("config.json", '{"client": {"token": {"hmac_secret_key": "k", "issuer_regex": "^a"}}}');
  const wrongIssuer = await bench.run("gentoken", "-u", "42");
  expect(wrongIssuer.status).toBe(0);
  expect(wrongIssuer.stderr).toBe(
    "warning: the server would refuse this token: invalid token: issuer does not match\n",
  );
  const issued = await bench.run("gentoken", "-q", "--claims", '{"iss":"a"}', "--channels", "news,chat:1");
  const unknown =
    'warning: the server would refuse this token: the namespace of its channel "chat:1" is not in channel.namespaces\n';
  expect(issued.stderr).toBe(unknown);
  const checked = await bench.run("checktoken", issued.stdout);
  expect([checked.status, checked.stderr]).toEqual([0, unknown]);
  const forChannel = await bench.run("gensubtoken", "-q", "-s", "chat:1", "--claims", '{"iss":"a"}');
  expect(forChannel.stderr).toBe(unknown);
});

test("beside a development server gentoken has its key, without a config file and after a restart", async () => {
  using bench = new CliBench();
  bench.env["XDG_STATE_HOME"] = bench.directory;
  await bench.run("serve", "--dev");
  const devConfig = bench.served?.config;
  const file = "millrace/dev-keys.json";
  expect(bench.modeOf(file)).toBe(0o600);
  const { status, stdout: token, stderr } = await bench.run("gentoken", "--user", "42", "-q");
  expect([status, stderr]).toEqual([
    0,
    `note: no token key is configured: taking the development server's (${bench.directory}/${file})\n`,
  ]);
  const secret = devConfig?.client.token.hmac_secret_key ?? "";
  expect(token).toBe(hmacToken('{"sub":"42","exp":1700604800,"iat":1700000000}', secret));
  expect((await bench.run("checktoken", token)).stdout).toMatch(/^valid token for user 42\n/);
  expect((await bench.run("gensubtoken", "-s", "ch", "-q")).status).toBe(0);
  await bench.run("serve", "--dev");
  expect(bench.served?.config).toEqual(devConfig);
});

test("a configured key wins over that of the development server, also one in .env", async () => {
  using bench = new CliBench();
  bench.env["XDG_STATE_HOME"] = bench.directory;
  await bench.run("serve", "--dev");
  bench.write(".env", "MILLRACE_CLIENT_TOKEN_HMAC_SECRET_KEY=other\n");
  const { stdout: token, stderr } = await bench.run("gentoken", "-t", "0", "-q");
  expect([token, stderr]).toEqual([hmacToken('{"iat":1700000000}', "other"), ""]);
});

test("damaged keys of the development server are made anew", async () => {
  using bench = new CliBench();
  bench.env["XDG_STATE_HOME"] = bench.directory;
  await bench.run("serve", "--dev");
  const before = bench.served?.config.http_api.key;
  bench.write("millrace/dev-keys.json", "{");
  expect((await bench.run("gentoken")).status).toBe(1);
  await bench.run("serve", "--dev");
  expect(bench.served?.config.http_api.key).not.toBe(before);
  expect((await bench.run("gentoken")).status).toBe(0);
});

test("where nothing can be kept, the development server has keys for one run and says so", async () => {
  using bench = new CliBench();
  bench.env["XDG_STATE_HOME"] = join(bench.directory, bench.write("file", ""));
  const { status, stderr } = await bench.run("serve", "--dev");
  expect(status).toBe(0);
  expect(stderr).toContain("keys are for this run only: there is nowhere to keep them");
  expect((await bench.run("gentoken")).status).toBe(1);
});

test("core 102: gentoken without HMAC key exits 1", async () => {
  using bench = new CliBench();
  const { status, stdout, stderr } = await bench.run("gentoken", "-u", "42");
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("client.token.hmac_secret_key");
});

test("core 103: checktoken accepts what gentoken made", async () => {
  using bench = new CliBench();
  bench.env["MILLRACE_CLIENT_TOKEN_HMAC_SECRET_KEY"] = "k";
  const { stdout: token } = await bench.run("gentoken", "-u", "42", "-q");
  expect(await bench.run("checktoken", token)).toEqual({
    status: 0,
    stdout: 'valid token for user 42\npayload: {"sub":"42","exp":1700604800,"iat":1700000000}\n',
    stderr: "",
  });
});

test("checktoken does not call a token expired that is not valid yet", async () => {
  using bench = new CliBench();
  bench.env["MILLRACE_CLIENT_TOKEN_HMAC_SECRET_KEY"] = SECRET;
  const early = await bench.run("checktoken", hmacToken({ nbf: 1_700_000_060 }));
  expect([early.status, early.stdout]).toEqual([1, ""]);
  expect(early.stderr).toContain("has error: token not valid yet: nbf is still to come\n");
  const late = await bench.run("checktoken", hmacToken({ exp: 1_700_000_000 }));
  expect(late.stderr).toContain("has error: token expired: exp has passed\n");
});

test("core 104: checktoken refuses a subscription token, checksubtoken accepts it", async () => {
  using bench = new CliBench();
  bench.write("config.json", WITH_KEY);
  const made = await bench.run("gensubtoken", "-u", "42", "-s", "ch");
  expect(made.stdout).toMatch(
    /^HMAC SHA-256 JWT for user "42" and channel "ch" with expiration TTL 168h0m0s:\n/,
  );
  const token = made.stdout.split("\n")[1] ?? "";
  const refused = await bench.run("checktoken", token);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/^error: .*invalid token/);
  const accepted = await bench.run("checksubtoken", token);
  expect(accepted.status).toBe(0);
  expect(accepted.stdout).toMatch(/^valid subscription token for user "42" and channel "ch"\npayload: {/);
});

test("gensubtoken needs a channel, and takes the section of subscription tokens when enabled", async () => {
  using bench = new CliBench();
  bench.write("config.json", WITH_KEY);
  expect(await bench.run("gensubtoken", "-u", "42")).toEqual({
    status: 1,
    stdout: "",
    stderr: "error: channel is required\n",
  });
  bench.env["CENTRIFUGO_CLIENT_SUBSCRIPTION_TOKEN_ENABLED"] = "true";
  const { stderr } = await bench.run("gensubtoken", "-s", "ch");
  expect(stderr).toContain("client.subscription_token.hmac_secret_key");
});

test("helpers report a broken config file", async () => {
  using bench = new CliBench();
  bench.write("config.json", '{"client": {\n"token": 5}}');
  const { status, stderr } = await bench.run("gentoken");
  expect(status).toBe(1);
  expect(stderr).toBe("error: getting config: client.token: expected an object, got 5 (config.json:2)\n");
});

test("core 105: defaultconfig --dry-run prints every option as JSON, durations as Go prints them", async () => {
  using bench = new CliBench();
  const { status, stdout } = await bench.run("defaultconfig", "--dry-run");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    http_server: { port: 8000 },
    client: { ping_interval: "25s", token: { hmac_secret_key: "" } },
    channel: { private_prefix: "$", namespaces: [] },
    uni_grpc: { port: 11_000 },
    pid_file: "",
  });
});

test("defaultconfig writes the format of its target, over a base, and overwrites nothing", async () => {
  using bench = new CliBench();
  bench.write("base.json", '{"http_server": {"port": 8001}, "namespaces": [{"name": "chat"}]}');
  bench.env["MILLRACE_CLIENT_PONG_TIMEOUT"] = "90m";
  bench.env["MILLRACE_CLIENT_PING_INTERVAL"] = "100m";
  const parsers: readonly (readonly [file: string, parse: (text: string) => unknown])[] = [
    ["full.yaml", (text) => parseYaml(text)],
    ["full.toml", (text) => parseToml(text)],
  ];
  for (const [file, parse] of parsers) {
    expect(await bench.run("defaultconfig", "-b", "base.json", "-c", file)).toMatchObject({ status: 0 });
    expect(parse(bench.read(file))).toMatchObject({
      http_server: { port: 8001 },
      client: { pong_timeout: "1h30m0s" },
      channel: { namespaces: [{ name: "chat", allow_subscribe_for_client: false }] },
    });
    const again = await bench.run("defaultconfig", "-c", file);
    expect(again).toEqual({ status: 1, stdout: "", stderr: "error: target file already exists\n" });
  }
  const loaded = loadConfig({ file: { path: "full.toml", directory: bench.directory } });
  expect(loaded.unknownKeys).toEqual([]);
  expect(loaded.config.client.ping_interval).toBe(6_000_000);
});

test("version", async () => {
  using bench = new CliBench();
  expect(await bench.run("version")).toEqual({
    status: 0,
    stdout: `Millrace v${VERSION} (Node.js version: ${process.version})\n`,
    stderr: "",
  });
});

test("an unknown command exits 1 and names the nearest one", async () => {
  using bench = new CliBench();
  const { status, stderr } = await bench.run("gentokn");
  expect(status).toBe(1);
  expect(stderr).toBe("error: unknown command 'gentokn': did you mean gentoken?\n");
});

test("an unknown flag exits 1", async () => {
  using bench = new CliBench();
  const { status, stderr } = await bench.run("genconfig", "--confg", "x.json");
  expect(status).toBe(1);
  expect(stderr).toContain("unknown option '--confg'");
});

test.each([
  "serve",
  "genconfig",
  "gentoken",
  "gensubtoken",
  "checktoken",
  "checksubtoken",
  "checkconfig",
  "defaultconfig",
  "import-config",
])("%s --help shows examples", async (command) => {
  using bench = new CliBench();
  const { status, stdout } = await bench.run(command, "--help");
  expect(status).toBe(0);
  expect(stdout).toContain(`Usage: millrace ${command}`);
  expect(stdout).toContain("Examples:");
  expect((await bench.run("--help")).stdout).toContain(`  ${command} `);
});
