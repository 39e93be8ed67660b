import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { configSchema, loadConfig, parseConfig } from "../../../src/app/config.ts";
import { createDevDefaults, createDevKeys } from "../../../src/app/dev-config.ts";
import { ConfigError } from "../../../src/config/config-error.ts";
import { outlineOf, type SectionOutline } from "../../../src/config/outline.ts";
import type { LoadedConfig } from "../../../src/app/config.ts";

let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "millrace-config-"));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function loadFile(path: string, text: string, env: Record<string, string> = {}): LoadedConfig {
  writeFileSync(join(directory, path), text);
  return loadConfig({ file: { path, directory }, env });
}

function problemsOf(load: () => unknown): string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

test("nothing at all is a complete configuration", () => {
  const { config, warnings, unknownKeys, source } = parseConfig();
  expect({ warnings, unknownKeys, source }).toEqual({ warnings: [], unknownKeys: [], source: undefined });
  expect(config.http_server).toMatchObject({ address: "", port: 8000 });
  expect(config.client).toMatchObject({
    ping_interval: 25_000,
    pong_timeout: 8_000,
    queue_max_size: 1_048_576,
  });
  expect(config.http_api).toMatchObject({ disabled: false, handler_prefix: "/api", key: "" });
});

test("file over defaults, environment over file, flags over all", () => {
  const text = "http_server:\n  port: 8001\n  address: 127.0.0.1\nnode:\n  name: file\n";
  writeFileSync(join(directory, "order.yaml"), text);
  const { config, source } = loadConfig({
    defaults: { node: { name: "default" }, health: { enabled: true } },
    file: { path: "order.yaml", directory },
    env: { MILLRACE_HTTP_SERVER_PORT: "8002", MILLRACE_HTTP_SERVER_ADDRESS: "0.0.0.0" },
    flags: { "http_server.port": "8003" },
  });
  expect(config.http_server).toMatchObject({ port: 8003, address: "0.0.0.0" });
  expect(config.node.name).toBe("file");
  expect(config.health.enabled).toBe(true);
  expect(source).toBe("order.yaml");
});

test("core 91: an empty environment variable is unset", () => {
  const env = { CENTRIFUGO_HTTP_SERVER_PORT: "" };
  expect(loadFile("port.json", '{"http_server": {"port": 8001}}', env).config.http_server.port).toBe(8001);
});

test("MILLRACE_ wins over CENTRIFUGO_, even by an older name", () => {
  const env = { CENTRIFUGO_HTTP_API_KEY: "theirs", MILLRACE_API_KEY: "ours" };
  expect(loadConfig({ env }).config.http_api.key).toBe("ours");
});

test("core 93: namespaces from the environment, option by option", () => {
  const env = {
    CENTRIFUGO_CHANNEL_NAMESPACES: '[{"name": "n1"}, {"Name": "n-2", "allow_subscribe_for_client": "true"}]',
    CENTRIFUGO_CHANNEL_NAMESPACES_N1_ALLOW_SUBSCRIBE_FOR_CLIENT: "1",
    CENTRIFUGO_CHANNEL_NAMESPACES_N_2_PUBLICATION_DATA_FORMAT: "json",
  };
  const { config, warnings } = loadConfig({ env });
  expect(warnings).toEqual([]);
  expect(config.channel.namespaces).toMatchObject([
    { name: "n1", allow_subscribe_for_client: true, publication_data_format: "" },
    { name: "n-2", allow_subscribe_for_client: true, publication_data_format: "json" },
  ]);
});

test("a list of names in the environment adds namespaces to those of the file", () => {
  const env = { MILLRACE_CHANNEL_NAMESPACES: "n2 n3" };
  const { config } = loadFile("names.json", '{"channel": {"namespaces": [{"name": "n1"}]}}', env);
  expect(config.channel.namespaces.map((namespace) => namespace.name)).toEqual(["n1", "n2", "n3"]);
});

test("values are read loosely, keys in any case", () => {
  const { config, warnings } = parseConfig({
    HTTP_Server: { PORT: "8001" },
    client: { allowed_origins: "*", insecure: 1, token: { hmac_secret_key: 12_345 } },
    uni_sse: { enabled: "t" },
    health: "true",
  });
  expect(warnings).toEqual([]);
  expect(config.http_server.port).toBe(8001);
  expect(config.client).toMatchObject({ allowed_origins: ["*"], insecure: true });
  expect(config.client.token.hmac_secret_key).toBe("12345");
  expect(config.uni_sse.enabled).toBe(true);
  expect(config.health.enabled).toBe(true);
});

test("environment variables are read by the kind of their option", () => {
  const { config } = loadConfig({
    env: {
      MILLRACE_CLIENT_ALLOWED_ORIGINS: "https://a.example  https://b.example",
      MILLRACE_CLIENT_QUEUE_MAX_SIZE: "0x10",
      MILLRACE_CLIENT_CHANNEL_LIMIT: "-1",
      MILLRACE_CLIENT_STALE_CLOSE_DELAY: "1m",
      MILLRACE_UNI_SSE_CONNECT_CODE_TO_HTTP_RESPONSE_TRANSFORMS:
        '[{"code": 3500, "to": {"status_code": 403}}]',
    },
  });
  expect(config.client).toMatchObject({
    allowed_origins: ["https://a.example", "https://b.example"],
    queue_max_size: 16,
    channel_limit: -1,
    stale_close_delay: 60_000,
  });
  expect(config.uni_sse.connect_code_to_http_response.transforms).toEqual([
    { code: 3500, to: { status_code: 403, body: "" } },
  ]);
});

test("core 95: zero and empty text are taken literally, null and undefined are unset", () => {
  const { config } = parseConfig({
    http_server: null,
    uni_sse: { enabled: undefined },
    client: { channel_limit: 0, ping_interval: 0, stale_close_delay: "0s" },
    channel: { private_prefix: "" },
  });
  expect(config.http_server.port).toBe(8000);
  expect(config.client).toMatchObject({ channel_limit: 0, ping_interval: 0, stale_close_delay: 0 });
  expect(config.channel.private_prefix).toBe("");
});

test("unknown keys and variables are warnings with the nearest name", () => {
  const file =
    '{"uni_sse": {"enabeld": true},\n "uni_webscoket": true, "foo": {},\n "namespaces": [{"name": "n1", "bar": 1}]}';
  const { warnings, unknownKeys } = loadFile("unknown.json", file, {
    MILLRACE_UNI_SSE_ENABELD: "1",
    CENTRIFUGO_FOO_BAR: "1",
  });
  expect(warnings).toEqual([
    "unknown key `uni_webscoket`: did you mean `uni_websocket`? (unknown.json:2)",
    "unknown key `foo` (unknown.json:2)",
    "unknown key `namespaces[0].bar` (unknown.json:3)",
    "unknown key `uni_sse.enabeld`: did you mean `uni_sse.enabled`? (unknown.json:1)",
    "unknown environment variable `CENTRIFUGO_FOO_BAR`",
    "unknown environment variable `MILLRACE_UNI_SSE_ENABELD`: did you mean `MILLRACE_UNI_SSE_ENABLED`?",
  ]);
  expect(unknownKeys).toEqual([
    "uni_webscoket",
    "foo",
    "namespaces[0].bar",
    "uni_sse.enabeld",
    "CENTRIFUGO_FOO_BAR",
    "MILLRACE_UNI_SSE_ENABELD",
  ]);
});

test("variables that Kubernetes makes for a service of our name are none of ours", () => {
  const env = {
    CENTRIFUGO_PORT: "tcp://10.0.0.1:8000",
    CENTRIFUGO_PORT_8000_TCP_ADDR: "10.0.0.1",
    CENTRIFUGO_SERVICE_HOST: "10.0.0.1",
    MILLRACE_API_SERVICE_PORT_HTTP: "8000",
    CENTRIFUGO_VAR_SECRET: "s",
  };
  const { config, warnings } = loadConfig({ env });
  expect(warnings).toEqual([]);
  expect(config.http_server.port).toBe(8000);
});

test("a syntax error names its line", () => {
  expect(problemsOf(() => loadFile("bad.json", '{\n"a": 1,\n}'))[0]).toMatch(
    /^syntax error: .*bad\.json:3\)$/,
  );
  expect(problemsOf(() => loadFile("bad.yaml", "a: 1\nb: [1\n"))[0]).toMatch(
    /^syntax error: .*bad\.yaml:\d\)$/s,
  );
  expect(problemsOf(() => loadFile("bad.toml", "a = 1\nb = \n"))[0]).toMatch(
    /^syntax error: .*bad\.toml:2\)$/,
  );
  expect(problemsOf(() => loadFile("list.json", "[1]"))).toEqual([
    "a configuration must be an object (list.json)",
  ]);
});

test.each(["json", "yaml", "toml"])("an empty .%s file is an empty configuration", (extension) => {
  expect(loadFile(`empty.${extension}`, "\n").config.http_server.port).toBe(8000);
});

test("an error says which source the value came from", () => {
  const text =
    '{\n  "channel": {\n    "namespaces": [\n      {"name": "ok"},\n      {"name": "x"}\n    ]\n  }\n}';
  const env = { MILLRACE_UNI_GRPC_PORT: "70000", MILLRACE_CHANNEL_MAX_LENGTH: "many" };
  expect(problemsOf(() => loadFile("sources.json", text, env))).toEqual(
    [
      'channel.namespaces[1].name: a namespace name is at least two letters, digits or any of - _ ., got "x" (sources.json:5)',
      'channel.max_length: expected a whole number, got "many" (MILLRACE_CHANNEL_MAX_LENGTH)',
      "uni_grpc.port: must be at most 65535, got 70000 (MILLRACE_UNI_GRPC_PORT)",
    ].toSorted((one, other) => order(one) - order(other)),
  );
});

function order(problem: string): number {
  return ["channel.namespaces", "channel.max_length", "uni_grpc"].findIndex((path) =>
    problem.startsWith(path),
  );
}

test("all problems are listed at once, without the values of secrets", () => {
  const problems = problemsOf(() =>
    parseConfig({
      client: { ping_interval: 25, token: { hmac_secret_key: ["hunter2"] } },
      channel: { publication_data_format: "xml", namespaces: [{}] },
      uni_sse: [],
      http_server: { port: 1.5 },
    }),
  );
  expect(problems).toEqual([
    "http_server.port: expected a whole number, got 1.5",
    "client.token.hmac_secret_key: expected text, got a list",
    'client.ping_interval: a duration needs a unit: write "25s" for seconds, "25ms" for milliseconds',
    "channel.namespaces[0].name: required",
    'channel.publication_data_format: expected one of "", "json", "json_object", "binary", got "xml"',
    "uni_sse: expected an object, got a list",
  ]);
});

test.each([
  [{ client: { ping_interval: "5s", pong_timeout: "5s" } }, "client.ping_interval: must be longer than"],
  [
    { channel: { namespaces: [{ name: "aa" }, { name: "aa" }] } },
    'channel.namespaces[1].name: namespace "aa"',
  ],
  [{ client: { allowed_origins: ["https://[a"] } }, "client.allowed_origins[0]: "],
  [
    { client: { token: { audience: "a", audience_regex: "b" } } },
    "client.token.audience_regex: cannot be set",
  ],
  [
    { client: { token: { jwks_public_endpoint: "keys" } } },
    "client.token.jwks_public_endpoint: not a URL with a path in its shortest form",
  ],
  [
    { client: { token: { jwks_public_endpoint: "https://id.example/{{t}}", issuer_regex: "(?P<t>.+)" } } },
    "client.token.issuer_regex: the group t must be alternatives of plain text",
  ],
  [{ client: { token: { issuer: "a", issuer_regex: "b" } } }, "client.token.issuer_regex: cannot be set"],
  [
    { client: { token: { issuer_regex: "(" } } },
    "client.token.issuer_regex: bad regular expression: missing closing ): `(`",
  ],
  [
    { channel: { without_namespace: { channel_regex: "a**" } } },
    "channel.without_namespace.channel_regex: bad regular expression: invalid nested repetition operator: `**`",
  ],
  [
    { channel: { namespaces: [{ name: "n1", channel_regex: "(?=a)" }] } },
    "channel.namespaces[0].channel_regex: bad regular expression: ",
  ],
  [{ client: { subscription_token: { audience_regex: "[" } } }, "client.subscription_token.audience_regex: "],
  [{ client: { token: { user_id_claim: "a-b" } } }, "client.token.user_id_claim: may have letters"],
  [{ client: { token: { leeway: "-1s" } } }, "client.token.leeway: must be between 0 and 1h"],
  [{ client: { token: { leeway: "61m" } } }, "client.token.leeway: must be between 0 and 1h"],
  [{ user_personal_channel_namespace: "none" }, "personal_channel_namespace: there is no namespace"],
  [{ grpc_api: { error_mode: "http" } }, 'grpc_api.error_mode: expected one of "", "transport"'],
  [{ uni_grpc: { tls: { enabled: true } } }, "uni_grpc.tls.cert_pem: TLS needs a certificate"],
  [
    { uni_sse: { connect_code_to_http_response: { transforms: [{ code: 1, to: {} }] } } },
    "to.status_code: required",
  ],
  [
    { client: { connect_code_to_unidirectional_disconnect: { transforms: [{ code: 1, to: { code: 1 } }] } } },
    "to.code: must be at least 3000",
  ],
  [{ shutdown: { timeout: "-1s" } }, "shutdown.timeout: cannot be negative"],
  ["text", "a configuration must be an object"],
])("refuses %j", (input, expected) => {
  expect(problemsOf(() => parseConfig(input)).join("\n")).toContain(expected);
});

test.each([
  { client: { ping_interval: "-1s" } },
  { client: { ping_interval: 0, pong_timeout: "8s" } },
  { client: { ping_interval: "5s", pong_timeout: "-1s" } },
])("accepts %j: without pings there is no order of intervals", (input) => {
  expect(parseConfig(input).warnings).toEqual([]);
});

test("an endpoint of keys that strangers can choose is a warning where its check is switched off", () => {
  const token = {
    jwks_public_endpoint: "https://id.example/{{t}}",
    issuer_regex: "(?P<t>[a-z]+)",
    insecure_skip_jwks_endpoint_safety_check: true,
  };
  expect(parseConfig({ client: { token } }).warnings).toEqual([
    "client.token.issuer_regex: cannot have classes of characters where `jwks_public_endpoint` depends on it; not enforced",
  ]);
});

test("the keys of subscription tokens are looked at where they are used", () => {
  const token = { jwks_public_endpoint: "keys" };
  expect(parseConfig({ client: { subscription_token: token } }).warnings).toEqual([]);
  expect(
    problemsOf(() => parseConfig({ client: { subscription_token: { ...token, enabled: true } } })),
  ).toEqual(["client.subscription_token.jwks_public_endpoint: not a URL with a path in its shortest form"]);
});

/** Paths of the options that are keys or secrets, but for PEM text, which ends in a line break. */
function* secretPaths(
  { members }: SectionOutline,
  path: readonly string[] = [],
): Generator<readonly string[]> {
  for (const [name, member] of members) {
    if (member.type === "section") yield* secretPaths(member, [...path, name]);
    if (member.type === "value" && member.isSecret && name !== "key_pem") yield [...path, name];
  }
}

test.each([...secretPaths(outlineOf(configSchema))].map((path) => path.join(".")))(
  "%s with white space around it does not start silently",
  (path) => {
    const load = (value: string) => (): unknown =>
      parseConfig(path.split(".").reduceRight((inner: unknown, name) => ({ [name]: inner }), value));
    expect(load("a secret")).not.toThrow();
    expect(load("secret\n")).toThrow(`${path}: ends in a line break; keys and secrets count byte for byte`);
    expect(load("secret ")).toThrow(`${path}: ends in white space; `);
    expect(load(" secret")).toThrow(`${path}: begins with white space; `);
  },
);

test("white space around the secrets of Pusher apps and in headers of webhooks does not start silently", () => {
  const load = (app: object) => (): unknown =>
    parseConfig({ pusher: { apps: [{ id: "a", key: "k", secret: "s", ...app }] } });
  const withHeader = (value: string): object => ({
    webhooks: [{ url: "http://localhost/", headers: { Authorization: value } }],
  });
  expect(load(withHeader("Bearer é a"))).not.toThrow();
  expect(load({ secret: "s\n" })).toThrow("pusher.apps[0].secret: ends in a line break");
  expect(load({ key: "k " })).toThrow("pusher.apps[0].key: cannot have spaces");
  expect(load(withHeader("Bearer a\n"))).toThrow("headers.Authorization: ends in a line break");
  expect(load(withHeader("Bearer\na"))).toThrow(
    "headers.Authorization: has characters that no header can have",
  );
});

test("an origin that no page can have is a warning", () => {
  const { warnings } = parseConfig({
    client: { allowed_origins: ["https://example.com", "example.com"] },
    pusher: { apps: [{ id: "1", key: "k", secret: "s", allowed_origins: ["https://example.com/"] }] },
  });
  expect(warnings).toEqual([
    'client.allowed_origins[1]: "example.com" admits no page: an origin begins with a scheme, as https://',
    'pusher.apps[0].allowed_origins[0]: "https://example.com/" admits no page: an origin has no slash at its end',
  ]);
});

test("a file that is named and not there, or not to be read, is an error", () => {
  expect(problemsOf(() => loadConfig({ file: { path: "missing.json", directory } }))).toEqual([
    "config file missing.json not found",
  ]);
  mkdirSync(join(directory, "directory.json"));
  const path = "directory.json";
  expect(problemsOf(() => loadConfig({ file: { path, directory, isOptional: true } }))[0]).toMatch(
    /^config file directory\.json not readable: EISDIR/u,
  );
});

test("an unknown log level is a warning", () => {
  expect(parseConfig({ log: { level: "loud" } }).warnings).toEqual([
    'log.level: there is no level "loud", using info',
  ]);
});

test("keys of no prototype get through", () => {
  const { unknownKeys } = parseConfig(JSON.parse('{"__proto__": {"enabled": true}, "constructor": 1}'));
  expect(unknownKeys).toEqual(["__proto__", "constructor"]);
});

test("the development configuration is valid and new each time", () => {
  const one = loadConfig({ defaults: createDevDefaults(createDevKeys()) });
  const other = loadConfig({ defaults: createDevDefaults(createDevKeys()) });
  expect(one.warnings).toEqual([]);
  expect(one.config.http_api.key).not.toBe(other.config.http_api.key);
  expect(one.config.http_api.key.length).toBeGreaterThan(20);
  const { http_server: http, uni_grpc: uniGrpc, grpc_api: grpcApi } = one.config;
  for (const { address } of [http, uniGrpc, grpcApi]) expect(address).toBe("127.0.0.1");
  const [app] = one.config.pusher.apps;
  expect(app).toMatchObject({
    id: "1001",
    key: "app-key",
    namespace: "pusher",
    enable_client_messages: true,
  });
  expect(app?.secret).not.toBe(other.config.pusher.apps[0]?.secret);
  const secret = { MILLRACE_PUSHER_APPS_1001_SECRET: "mine" };
  expect(
    loadConfig({ defaults: createDevDefaults(createDevKeys()), env: secret }).config.pusher.apps[0]?.secret,
  ).toBe("mine");
});

test("an unknown key about TLS is an error: it may leave open what was meant to be shut", () => {
  const values = { http_server: { tls: { client_ca: "x" } }, uni_grpc: { tls: { client_ca_pemm: "x" } } };
  expect(() => loadConfig({ values })).toThrow(
    "http_server.tls.client_ca: there is no such option\n" +
      "uni_grpc.tls.client_ca_pemm: there is no such option: did you mean `uni_grpc.tls.client_ca_pem`?",
  );
});
