import { describe, expect, it } from "vitest";
import { configSchema, loadConfig, parseConfig } from "../../../src/app/config.ts";
import { ConfigError } from "../../../src/config/config-error.ts";
import { outlineOf, type Outline } from "../../../src/config/outline.ts";
import { UPSTREAM_OPTIONS } from "../../../src/config/upstream-options.ts";

const TLS = { enabled: false, cert_pem: "", key_pem: "", server_ca_pem: "", client_ca_pem: "" };
const REDIS = {
  prefix: "centrifugo",
  address: ["redis://127.0.0.1:6379"],
  db: 0,
  io_timeout: "4s",
  tls: TLS,
};
const PROXY = { endpoint: "", timeout: "1s", http_headers: [], http: { tls: TLS, static_headers: {} } };
const POSTGRES = { dsn: "", pool_size: 16, cleanup_interval: "1m0s", outbox: { batch_size: 1000 } };
const CHANNEL = {
  presence: false,
  history_ttl: "0s",
  allow_publish_for_client: false,
  subscribe_proxy_enabled: false,
  subscribe_proxy_name: "default",
  subscription_type: "",
  map: { mode: "", key_ttl: "0s", remove_client_on_unsubscribe: false },
  shared_poll: { proxy_name: "", refresh_interval: "0s" },
};

/** What Centrifugo 6.9.1 writes down with every option at its default, in parts. */
const DEFAULTS = {
  http_server: {
    address: "",
    port: 8000,
    internal_address: "",
    internal_port: "",
    tls: { ...TLS, insecure_skip_verify: false, server_name: "" },
    tls_autocert: { enabled: false, host_whitelist: [], http: false, http_addr: ":80" },
    internal_tls: TLS,
    http3: { enabled: false },
    h2c_external: false,
  },
  engine: { type: "memory", redis: { ...REDIS, history_use_lists: false, presence_ttl: "1m0s" } },
  broker: { enabled: false, type: "memory", redis: REDIS, nats: { url: "nats://localhost:4222" } },
  presence_manager: { enabled: false, type: "memory", redis: REDIS },
  map_broker: { type: "memory", postgres: { ...POSTGRES, ttl_check_interval: "1s" } },
  controller: { enabled: false, type: "", postgres: { ...POSTGRES, poll_interval: "50ms" } },
  shared_poll: { hmac_secret_key: "", concurrency_limit: 0 },
  client: {
    proxy: { connect: { enabled: false, ...PROXY }, refresh: { enabled: false, ...PROXY } },
    channel_position_max_time_lag: "0s",
    history_max_publication_limit: 300,
    concurrency: 0,
  },
  channel: { proxy: { subscribe: PROXY, map_remove: PROXY }, without_namespace: CHANNEL, namespaces: [] },
  rpc: { proxy: PROXY, without_namespace: { proxy_enabled: false, proxy_name: "default" }, namespaces: [] },
  proxies: [],
  consumers: [],
  websocket: { disabled: false, handler_prefix: "/connection/websocket", write_timeout: "1s" },
  sse: { enabled: false, handler_prefix: "/connection/sse", max_request_body_size: 65_536 },
  http_stream: { enabled: false },
  webtransport: { enabled: false, message_size_limit: 65_536 },
  emulation: { handler_prefix: "/emulation" },
  admin: { enabled: false, password: "", secret: "", external: false, insecure: false },
  prometheus: { enabled: false, handler_prefix: "/metrics", native_histograms: false },
  opentelemetry: { enabled: false, api: false },
  graphite: { enabled: false, host: "localhost", port: 2003, interval: "10s" },
  usage_stats: { disabled: false },
  node: { name: "", info_metrics_aggregate_interval: "1m0s" },
  enable_unreleased_features: false,
};

function problemsOf(sources: Parameters<typeof loadConfig>[0]): string[] {
  try {
    loadConfig(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

/** What its `defaultenv` makes of it. */
function variablesOf(value: object, prefix: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [key, member] of Object.entries(value)) {
    const name = `${prefix}_${key.toUpperCase()}`;
    if (typeof member !== "object") variables[name] = String(member);
    else if (!Array.isArray(member)) Object.assign(variables, variablesOf(member, name));
    else variables[name] = key === "address" ? member.join(" ") : JSON.stringify(member);
  }
  return variables;
}

describe("a configuration of Centrifugo", () => {
  it("loads without a word where all of it is off or at its default", () => {
    const { warnings, unknownKeys, config } = parseConfig(DEFAULTS);
    expect([warnings, unknownKeys]).toEqual([[], []]);
    expect(config).toEqual(parseConfig().config);
  });

  it("so does its environment", () => {
    const { warnings, unknownKeys } = loadConfig({ env: variablesOf(DEFAULTS, "CENTRIFUGO") });
    expect([warnings, unknownKeys]).toEqual([[], []]);
  });

  it("so does what is switched off, however it is set up", () => {
    const { warnings } = parseConfig({
      admin: { enabled: false, password: "p", secret: "s" },
      broker: { enabled: false, type: "redis", redis: { address: "redis://r" } },
      presence_manager: { enabled: true, type: "memory" },
      engine: { redis: { address: ["redis://r"], password: "p" } },
      websocket: { disabled: true, compression: true },
      consumers: [{ name: "c", enabled: false, type: "kafka", kafka: { brokers: ["b"] } }],
      client: { proxy: { connect: { enabled: false, endpoint: "http://localhost" } } },
      sse: { max_request_body_size: 1 },
      redis_sentinel_address: ["r"],
    });
    expect(warnings).toEqual([]);
  });

  it.each([
    ["engine.type", { engine: { type: "redis" } }, 'remove it, or set "memory"'],
    ["broker.type", { broker: { enabled: true, type: "nats" } }, 'remove it, or set "memory"'],
    ["presence_manager.type", { presence_manager: { enabled: true, type: "redis" } }, "remove it"],
    ["controller.enabled", { controller: { enabled: true } }, "remove it, or set false"],
    ["proxies[0].endpoint", { proxies: [{ name: "p", endpoint: "http://localhost" }] }, "remove it"],
    ["channel.proxy.subscribe.endpoint", { channel: { proxy: { subscribe: { endpoint: "x" } } } }, "remove"],
    ["client.proxy.connect.enabled", { client: { proxy: { connect: { enabled: true } } } }, "set false"],
    ["http_server.tls_autocert.enabled", { tls_autocert: true }, "remove it, or set false"],
    ["channel.without_namespace.allow_positioning", { allow_positioning: true }, "set false"],
    ["channel.namespaces[0].publish_proxy_enabled", namespace({ publish_proxy_enabled: true }), "set false"],
    ["channel.namespaces[0].subscription_type", namespace({ subscription_type: "map" }), 'set "stream"'],
    ["client.channel_position_max_time_lag", { client: { channel_position_max_time_lag: "5s" } }, "0s"],
    ["websocket.write_timeout", { websocket: { write_timeout: "2s" } }, 'set "1s"'],
    ["consumers[0].enabled", { consumers: [{ name: "c", enabled: true }] }, "set false"],
    ["admin.enabled", { admin: true }, "set false"],
    ["engine.type", { engine: "redis" }, 'set "memory"'],
    ["broker.type", { broker: "nats" }, 'set "memory"'],
    ["proxy_connect_endpoint", { proxy_connect_endpoint: "http://localhost" }, "remove it"],
    ["channel.without_namespace.proxy_subscribe", { proxy_subscribe: true }, "set false"],
    ["user_block.storage_type", { user_block: { storage_type: "redis" } }, 'set "memory"'],
  ])("does not start without what it asks for: %s", (path, values, way) => {
    const problems = problemsOf({ values });
    expect(problems).toEqual([expect.stringContaining(`${path}: not supported yet; to start without, `)]);
    expect(problems[0]).toContain(way);
  });

  it.each([
    "http_server.http3",
    "http_server.tls_autocert",
    "client.proxy.refresh",
    "rpc.ping",
    "sse",
    "http_stream",
    "webtransport",
    "prometheus",
    "swagger",
    "debug",
    "init",
    "opentelemetry",
    "graphite",
  ])("does not start without what it switches on: %s", (section) => {
    expect(problemsOf({ values: { [`${section}.enabled`]: true } })).toEqual([
      `${section}.enabled: not supported yet; to start without, remove it, or set false`,
    ]);
    expect(problemsOf({ values: { [`${section}.enabled`]: false } })).toEqual([]);
  });

  it("asks by file, environment and flags together", () => {
    const values = { broker: { type: "redis" }, engine: { type: "redis" } };
    const env = { CENTRIFUGO_BROKER_ENABLED: "true", CENTRIFUGO_ENGINE: "memory" };
    expect(problemsOf({ values, env })).toEqual([expect.stringMatching(/^broker\.type: /u)]);
    expect(problemsOf({ values, env, flags: { "broker.enabled": "false" } })).toEqual([]);
    expect(problemsOf({ env: { CENTRIFUGO_BROKER: "nats" } })).toEqual([
      expect.stringMatching(/^broker\.type: .*\(CENTRIFUGO_BROKER\)$/u),
    ]);
    const namespaces = {
      CENTRIFUGO_CHANNEL_NAMESPACES: "n1",
      CENTRIFUGO_CHANNEL_NAMESPACES_N1_MAP_MODE: "x",
    };
    expect(loadConfig({ env: namespaces }).warnings).toEqual([]);
  });

  it("has names that it does not know pointed out, in what Millrace lacks, too", () => {
    const { warnings } = parseConfig({ admin: { enabeld: true }, engine: { redis: { adress: "x" } } });
    expect(warnings).toEqual([
      "unknown key `admin.enabeld`: did you mean `admin.enabled`?",
      "unknown key `engine.redis.adress`: did you mean `engine.redis.address`?",
    ]);
  });

  it("may have a path for a key, as its own files may", () => {
    const { config, warnings } = parseConfig({ "http_server.port": 8001, "Client.Insecure": true, "a.b": 1 });
    expect([config.http_server.port, config.client.insecure]).toEqual([8001, true]);
    expect(warnings).toEqual(["unknown key `a.b`"]);
  });

  it("takes an empty text for no number and no truth value", () => {
    const { config } = parseConfig({ http_server: { port: "" }, user_status: { enabled: "" } });
    expect([config.http_server.port, config.user_status.enabled]).toEqual([8000, true]);
  });
});

it("what Millrace has is not called unsupported", () => {
  const common = [...commonOptions(outlineOf(configSchema), UPSTREAM_OPTIONS, "")];
  expect(common).toEqual([]);
});

/** Options that both schemas have. */
function* commonOptions(ours: Outline, upstream: Outline, path: string): Generator<string, void, undefined> {
  const [own, theirs] = [ours, upstream].map((outline) =>
    outline.type === "list" ? outline.entry : outline,
  );
  if (own?.type !== "section" || theirs?.type !== "section") return yield path;
  for (const [key, member] of theirs.members) {
    const known = own.members.get(key);
    if (known !== undefined) yield* commonOptions(known, member, `${path}.${key}`);
  }
}

function namespace(options: object): object {
  return { channel: { namespaces: [{ name: "n1", ...options }] } };
}
