import { stringify as stringifyToml } from "smol-toml";
import { describe, expect, it } from "vitest";
import { CliBench } from "./fake-io.ts";
import { type Import, importFrom } from "./importing.ts";

const APP = { id: "shop", key: "shop-key", secret: "shop-secret" };

describe("from soketi", () => {
  const read = (tree: object): Promise<Import> => importFrom("soketi", tree);
  const readApp = (app: object, rest: object = {}): Promise<Import> =>
    read({ appManager: { array: { apps: [{ ...APP, ...app }] } }, ...rest });

  it("takes over what is written", async () => {
    const webhook = {
      url: "https://hooks.example",
      event_types: ["client_event", "cache_miss"],
      headers: { "X-Team": "push" },
      filter: { channel_name_starts_with: "private-", channel_name_ends_with: "-eu" },
    };
    const app = {
      enabled: false,
      enableClientMessages: true,
      enableUserAuthentication: true,
      maxConnections: "500",
      maxClientEventsPerSecond: 20,
      maxEventPayloadInKb: 200.5,
      webhooks: [webhook],
    };
    const { status, config, notes } = await readApp(app, {
      host: "127.0.0.1",
      port: 6002,
      pathPrefix: "/push",
      debug: true,
      shutdownGracePeriod: 5000,
      userAuthenticationTimeout: 10_000,
      ssl: { certPath: "/etc/cert.pem", keyPath: "/etc/key.pem" },
      httpApi: { requestLimitInMb: 2 },
      channelLimits: { maxNameLength: 150, cacheTtl: 60 },
      eventLimits: { maxChannelsAtOnce: "50", maxNameLength: 40, maxPayloadInKb: 10, maxBatchSize: 5 },
      presence: { maxMembersPerChannel: 7, maxMemberSizeInKb: 1 },
      webhooks: { batching: { enabled: true, duration: 70 } },
    });
    expect([status, notes]).toEqual([0, []]);
    expect(config.http_server).toMatchObject({ address: "127.0.0.1", port: 6002 });
    expect(config.http_server.tls).toMatchObject({
      enabled: true,
      cert_pem: "/etc/cert.pem",
      key_pem: "/etc/key.pem",
    });
    expect([config.log.level, config.shutdown.timeout]).toEqual(["debug", 5000]);
    expect(config.pusher).toMatchObject({
      enabled: true,
      path_prefix: "/push",
      activity_timeout: 30_000,
      user_authentication_timeout: 10_000,
      cache_ttl: 60_000,
      request_body_limit: 2_097_152,
      webhooks: { batch_delay: 70 },
    });
    expect(config.pusher.apps).toMatchObject([
      {
        ...APP,
        enabled: false,
        enable_client_messages: true,
        enable_user_authentication: true,
        max_connections: 500,
        max_client_events_per_second: 20,
        max_presence_members_per_channel: 7,
        max_presence_member_size_in_kb: 1,
        max_channel_name_length: 150,
        max_event_channels_at_once: 50,
        max_event_name_length: 40,
        max_event_payload_in_kb: 201,
        max_event_batch_size: 5,
        webhooks: [{ ...webhook, filter: { channel_prefix: "private-", channel_suffix: "-eu" } }],
      },
    ]);
    expect(config.pusher.message_size_limit).toBe(2 * 201 * 1024);
  });

  it("has soketi's defaults where it says nothing, not those of Millrace", async () => {
    const { config, notes } = await readApp({});
    expect(notes).toEqual([]);
    expect(config.http_server).toMatchObject({ address: "0.0.0.0", port: 6001, tls: { enabled: false } });
    expect(config.pusher).toMatchObject({
      activity_timeout: 30_000,
      request_body_limit: 104_857_600,
      rate_limiter: { enabled: false },
      webhooks: { batch_delay: 0, batch_size: 1 },
    });
    expect(config.pusher.apps[0]).toMatchObject({
      enabled: true,
      enable_client_messages: false,
      max_connections: 0,
      max_client_events_per_second: 0,
      max_presence_members_per_channel: 100,
      max_event_payload_in_kb: 100,
    });
  });

  it("reads every spelling of an app, of which the last wins, and lists in JSON", async () => {
    const hook = [{ url: "http://a.example", event_types: ["member_added"] }];
    const { config, notes } = await read({
      "appManager.array.apps": [
        {
          AppId: 1,
          AppKey: "k1",
          AppSecret: "s1",
          Enabled: false,
          MaxConnections: 5,
          max_connections: 6,
          Webhooks: JSON.stringify(hook),
        },
        { ...APP, enable_client_messages: 1, max_read_req_per_sec: "7", maxBackendEventsPerSecond: -1 },
      ],
    });
    expect(notes).toEqual([]);
    expect(config.pusher.apps).toMatchObject([
      { id: "1", key: "k1", secret: "s1", enabled: false, max_connections: 6, webhooks: hook },
      {
        ...APP,
        enable_client_messages: true,
        max_read_requests_per_second: 7,
        max_backend_events_per_second: 0,
      },
    ]);
  });

  it("tells what it cannot take over, a line for each", async () => {
    const hooks = [
      { lambda_function: "hook", event_types: ["member_added"] },
      { url: "http://a.example", event_types: ["member_added", "unheard_of"] },
      { url: "http://b.example", event_types: [] },
    ];
    const { config, notes } = await readApp(
      {
        webhooks: hooks,
        maxConnections: 0,
        maxReadRequestsPerSecond: 0,
        maxEventBatchSize: -1,
        enabled: "perhaps",
      },
      {
        adapter: { driver: "redis", redis: { prefix: "p" } },
        queue: { driver: "sync", redis: { concurrency: 2 } },
        metrics: { enabled: true },
        mode: "worker",
        ssl: { passphrase: "x" },
      },
    );
    const app = "appManager.array.apps[0]";
    expect(notes).toEqual([
      `${app}.enabled: cannot be read, taken as true`,
      `${app}.maxReadRequestsPerSecond: lets nothing through, which Millrace cannot say: taken over as 1`,
      `${app}.maxEventBatchSize: lets nothing through, which Millrace cannot say: taken over as 1`,
      `${app}.webhooks[0].url: missing: only HTTP endpoints are told, so the webhook is left out`,
      `${app}.webhooks[1].event_types: there are no events unheard_of`,
      `${app}.webhooks[2].event_types: has no event, so the webhook is left out`,
      `not taken over: ${app}.webhooks[0].lambda_function`,
      `not taken over: ${app}.webhooks[0].event_types`,
      `not taken over: ${app}.webhooks[2].url`,
      "not taken over: adapter",
      "not taken over: queue.redis",
      "not taken over: metrics",
      "not taken over: mode",
      "not taken over: ssl.passphrase",
    ]);
    expect(config.pusher.apps[0]?.webhooks.map(({ url }) => url)).toEqual(["http://a.example"]);
  });

  it("without apps there is soketi's own, and a warning about its secret", async () => {
    const { config, notes } = await read({});
    expect(config.pusher.apps).toMatchObject([{ id: "app-id", key: "app-key", secret: "app-secret" }]);
    expect(notes).toEqual([expect.stringContaining("secret: missing, and soketi's own")]);
  });

  it("apps in a database stay there", async () => {
    const { config, notes } = await read({ appManager: { driver: "mysql" } });
    expect(config.pusher.apps).toEqual([]);
    expect(notes).toEqual(["appManager.driver: the apps are in a database: add them to pusher.apps"]);
  });
});

describe("from Sockudo", () => {
  const read = (tree: object, env?: Record<string, string>): Promise<Import> =>
    importFrom("sockudo", tree, env);
  const readApp = (app: object): Promise<Import> =>
    read({ app_manager: { array: { apps: [{ ...APP, ...app }] } } });

  it("takes over what is written", async () => {
    const { status, config, notes } = await read({
      host: "127.0.0.1",
      port: 6002,
      path_prefix: "/",
      shutdown_grace_period: 4,
      activity_timeout: 60,
      user_authentication_timeout: 20,
      websocket_max_payload_kb: 32,
      app_manager: { driver: "memory", array: { apps: [{ ...APP, enabled: true }] } },
      channel_limits: { cache_ttl: 90 },
      http_api: { request_limit_in_mb: 3 },
      rate_limiter: {
        enabled: true,
        driver: "memory",
        api_rate_limit: { max_requests: 30, window_seconds: 10, trust_hops: 2 },
        websocket_rate_limit: { max_requests: 5, window_seconds: 20, trust_hops: 2 },
      },
      ssl: { enabled: true, cert_path: "c.pem", key_path: "k.pem" },
      webhooks: {
        batching: { enabled: true, duration: 80, size: 7 },
        retry: { enabled: true, max_elapsed_time_ms: 9000, initial_backoff_ms: 200, max_backoff_ms: 3000 },
        request_timeout_ms: 4000,
      },
    });
    expect([status, notes]).toEqual([0, []]);
    expect(config.http_server).toMatchObject({
      address: "127.0.0.1",
      port: 6002,
      tls: { enabled: true, cert_pem: "c.pem", key_pem: "k.pem" },
    });
    expect(config.shutdown.timeout).toBe(4000);
    expect(config.pusher).toMatchObject({
      path_prefix: "",
      activity_timeout: 60_000,
      user_authentication_timeout: 20_000,
      cache_ttl: 90_000,
      message_size_limit: 32_768,
      request_body_limit: 3_145_728,
      rate_limiter: {
        enabled: true,
        trust_hops: 2,
        api_rate_limit: { max_requests: 30, window_seconds: 10 },
        websocket_rate_limit: { max_requests: 5, window_seconds: 20 },
      },
      webhooks: {
        batch_delay: 80,
        batch_size: 7,
        request_timeout: 4000,
        retry_min_delay: 200,
        retry_max_delay: 3000,
        retry_timeout: 9000,
      },
    });
  });

  it("has Sockudo's defaults where it says nothing: no limits of payloads, and rate limits", async () => {
    const { config, notes } = await readApp({ enabled: true });
    expect(notes).toEqual([]);
    expect(config.pusher).toMatchObject({
      activity_timeout: 120_000,
      user_authentication_timeout: 3_600_000,
      message_size_limit: 65_536,
      rate_limiter: { enabled: true, api_rate_limit: { max_requests: 100 } },
      webhooks: { batch_delay: 50, batch_size: 100, retry_timeout: 300_000 },
    });
    expect(config.pusher.apps[0]).toMatchObject({
      max_client_events_per_second: 0,
      max_presence_members_per_channel: 0,
      max_channel_name_length: 200,
      max_event_channels_at_once: 0,
      max_event_name_length: 200,
      max_event_payload_in_kb: 0,
      max_event_batch_size: 0,
    });
  });

  it("an app that does not say enabled is disabled", async () => {
    const { config, notes } = await readApp({});
    expect(config.pusher.apps[0]?.enabled).toBe(false);
    expect(notes).toEqual(["app_manager.array.apps[0].enabled: missing, which means disabled"]);
  });

  it("reads flat apps", async () => {
    const webhook = {
      url: "https://hooks.example",
      event_types: ["subscription_count"],
      headers: { Authorization: "Bearer x" },
      filter: { channel_prefix: "a", channel_suffix: "z" },
    };
    const { config, notes } = await readApp({
      enabled: true,
      max_connections: "12",
      enable_client_messages: true,
      enable_user_authentication: true,
      enable_watchlist_events: true,
      max_client_events_per_second: 3,
      decay_seconds: 2,
      terminate_on_limit: true,
      max_event_payload_in_kb: 64,
      webhooks: [webhook],
    });
    expect(notes).toEqual([]);
    expect(config.pusher.apps).toMatchObject([
      {
        ...APP,
        enable_client_messages: true,
        enable_user_authentication: true,
        enable_watchlist_events: true,
        max_connections: 12,
        max_client_events_per_second: 3,
        decay_seconds: 2,
        terminate_on_limit: true,
        max_event_payload_in_kb: 64,
        webhooks: [webhook],
      },
    ]);
  });

  it("a policy leaves flat keys without effect", async () => {
    const { config, notes } = await readApp({
      enabled: true,
      max_connections: 12,
      enable_client_messages: true,
      policy: {
        limits: {
          max_event_batch_size: 4,
          max_backend_events_per_second: 9,
          message_rate_limit: { enabled: true },
        },
        features: { enable_watchlist_events: true },
        channels: { allowed_origins: ["https://a.example"], channel_namespaces: [{ name: "chat" }] },
        webhooks: [
          { url: "http://a.example", event_types: ["cache_miss"], filter: { channel_pattern: "^x" } },
        ],
      },
    });
    expect(config.pusher.apps).toMatchObject([
      {
        enabled: true,
        max_connections: 0,
        max_event_batch_size: 4,
        max_backend_events_per_second: 9,
        enable_client_messages: false,
        enable_watchlist_events: true,
        allowed_origins: ["https://a.example"],
        webhooks: [{ url: "http://a.example", event_types: ["cache_miss"] }],
      },
    ]);
    const app = "app_manager.array.apps[0]";
    expect(notes).toEqual([
      `${app}.policy.limits.max_backend_events_per_second: Sockudo does not enforce it; here it holds`,
      `not taken over: ${app}.max_connections`,
      `not taken over: ${app}.enable_client_messages`,
      `not taken over: ${app}.policy.limits.message_rate_limit`,
      `not taken over: ${app}.policy.channels.channel_namespaces`,
      `not taken over: ${app}.policy.webhooks[0].filter.channel_pattern`,
    ]);
  });

  it("limits of the server hold for apps without their own", async () => {
    const { config, notes } = await read({
      app_manager: { array: { apps: [{ ...APP, enabled: true, max_event_batch_size: 3 }] } },
      event_limits: { max_batch_size: 20, max_payload_in_kb: 50 },
      presence: { max_members_per_channel: 30 },
    });
    expect(config.pusher.apps[0]).toMatchObject({
      max_event_batch_size: 3,
      max_event_payload_in_kb: 50,
      max_presence_members_per_channel: 30,
    });
    expect(notes).toHaveLength(3);
    expect(notes[0]).toBe(
      "presence.max_members_per_channel: Sockudo does not enforce it; here it holds for apps without their own",
    );
  });

  it.each([
    [["*"], []],
    [["https://a.example", "Any"], []],
    [["https://A.example"], ["https://a.example"]],
    [["a.example:8080"], ["*://a.example:8080"]],
    [["*.a.example"], ["*://a.example", "*.a.example"]],
    [["https://*.a.example"], ["https://*.a.example"]],
    [["http://[::1]:3000"], [String.raw`http://\[::1\]:3000`]],
  ])("origins %j are %j", async (origins, expected) => {
    const { config } = await readApp({ enabled: true, allowed_origins: origins });
    expect(config.pusher.apps[0]?.allowed_origins).toEqual(expected);
  });

  it("fills in variables as Sockudo does, and fails where there are none", async () => {
    const env = { SECRET: "from-env", EMPTY: "" };
    const app = { ...APP, enabled: true, secret: "${SECRET}", key: "${EMPTY:-fallback}" };
    const { config } = await read({ app_manager: { array: { apps: [app] } } }, env);
    expect(config.pusher.apps[0]).toMatchObject({ key: "fallback", secret: "from-env" });
    using bench = new CliBench();
    bench.write("theirs.json", '{"host": "${NOWHERE}"}');
    expect(await bench.run("import-config", "--from", "sockudo", "theirs.json")).toEqual({
      status: 1,
      stdout: "",
      stderr: "error: reading theirs.json: these variables are not set: NOWHERE\n",
    });
  });
});

describe("the command", () => {
  it("reads TOML, and prints what --format says", async () => {
    using bench = new CliBench();
    const tree = { port: 6003, app_manager: { array: { apps: [{ ...APP, enabled: true }] } } };
    bench.write("theirs.toml", stringifyToml(tree));
    for (const format of ["json", "yaml", "toml"]) {
      const { status, stdout } = await bench.run(
        "import-config",
        "--from",
        "sockudo",
        "theirs.toml",
        "-f",
        format,
      );
      expect(status).toBe(0);
      bench.write(`ours.${format}`, stdout);
      expect(await bench.run("checkconfig", "--strict", "-c", `ours.${format}`)).toEqual({
        status: 0,
        stdout: "",
        stderr: "",
      });
    }
  });

  it("prints what needs correcting all the same, and exits 1", async () => {
    using bench = new CliBench();
    const apps = [{ ...APP, id: "a b", enabled: true }];
    bench.write("theirs.json", JSON.stringify({ app_manager: { array: { apps } } }));
    const { status, stdout, stderr } = await bench.run("import-config", "--from", "sockudo", "theirs.json");
    expect([status, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({ pusher: expect.anything() })]);
    expect(stderr).toContain(
      "error: to be corrected before it can be used: pusher.apps[0].id: cannot have spaces",
    );
  });

  it("says which file it cannot read, and whose files it reads", async () => {
    using bench = new CliBench();
    const missing = await bench.run("import-config", "--from", "soketi", "none.json");
    expect([missing.status, missing.stderr]).toEqual([
      1,
      expect.stringContaining("error: cannot read none.json:"),
    ]);
    const unknown = await bench.run("import-config", "--from", "pusherd", "none.json");
    expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining("soketi, sockudo, reverb")]);
  });
});
