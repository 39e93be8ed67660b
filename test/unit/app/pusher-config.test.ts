import { describe, expect, it } from "vitest";
import { configSchema, loadConfig, parseConfig } from "../../../src/app/config.ts";
import { changesThatNeedRestart } from "../../../src/app/reload.ts";
import { listFlags } from "../../../src/cli/config-flags.ts";
import { ConfigError } from "../../../src/config/config-error.ts";
import { outlineOf } from "../../../src/config/outline.ts";
import { printConfig } from "../../../src/config/print-config.ts";

const APP = { id: "app", key: "app-key", secret: "s3cret" };

function problemsOf(pusher: object, rest: object = {}): string[] {
  try {
    parseConfig({ pusher: { enabled: true, apps: [APP], ...pusher }, ...rest });
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

describe("section pusher", () => {
  it("is off by default, and complete", () => {
    const { pusher } = parseConfig().config;
    expect(pusher).toMatchObject({ enabled: false, path_prefix: "", activity_timeout: 120_000, apps: [] });
  });

  it("comes from a file, every option of an app", () => {
    const webhook = {
      url: "https://hooks.example/pusher",
      event_types: ["member_added"],
      headers: { "X-Team": 5 },
      filter: { channel_prefix: "presence-" },
    };
    const app = { ...APP, id: 7, max_connections: "100", enable_client_messages: 1, webhooks: [webhook] };
    const { config, warnings } = parseConfig({ pusher: { enabled: true, apps: [app] } });
    expect(warnings).toEqual([]);
    expect(config.pusher.apps).toMatchObject([
      {
        id: "7",
        enabled: true,
        enable_client_messages: true,
        max_connections: 100,
        max_client_events_per_second: 10,
        webhooks: [
          {
            ...webhook,
            headers: { "X-Team": "5" },
            filter: { channel_prefix: "presence-", channel_suffix: "" },
          },
        ],
      },
    ]);
    const printed = printConfig(config, outlineOf(configSchema));
    expect(parseConfig(printed).config.pusher).toEqual(config.pusher);
  });

  it("comes from the environment: a list of apps as JSON, an option of one of them, and the rest", () => {
    const { config, warnings } = loadConfig({
      env: {
        MILLRACE_PUSHER: "true",
        MILLRACE_PUSHER_ACTIVITY_TIMEOUT: "30s",
        MILLRACE_PUSHER_RATE_LIMITER_TRUST_HOPS: "2",
        MILLRACE_PUSHER_APPS: JSON.stringify([
          { ...APP, id: "my-app", Webhooks: [{ url: "http://localhost" }] },
        ]),
        MILLRACE_PUSHER_APPS_MY_APP_SECRET: "other",
        MILLRACE_PUSHER_APPS_MY_APP_MAX_CONNECTIONS: "5",
      },
    });
    expect(warnings).toEqual([]);
    expect(config.pusher).toMatchObject({
      enabled: true,
      activity_timeout: 30_000,
      rate_limiter: { trust_hops: 2, api_rate_limit: { max_requests: 100, window_seconds: 60 } },
      apps: [{ id: "my-app", secret: "other", max_connections: 5, webhooks: [{ url: "http://localhost" }] }],
    });
  });

  it("apps in the environment are JSON and nothing else", () => {
    expect(() => loadConfig({ env: { MILLRACE_PUSHER_APPS: "one two" } })).toThrow(
      "pusher.apps: expected a JSON array (MILLRACE_PUSHER_APPS)",
    );
  });

  it("comes from flags, but for the apps, which have secrets", () => {
    const flags = [...listFlags().keys()].filter((flag) => flag.startsWith("pusher."));
    expect(flags).toContain("pusher.rate_limiter.api_rate_limit.max_requests");
    expect(flags.filter((flag) => flag.startsWith("pusher.apps"))).toEqual([]);
    expect(loadConfig({ flags: { "pusher.enabled": "1" } }).config.pusher.enabled).toBe(true);
  });

  it.each([
    ["", ""],
    ["/", ""],
    ["push", "/push"],
    ["/push/", "/push"],
    ["//a//b", "/a/b"],
  ])("path_prefix %j is %j", (given, expected) => {
    expect(parseConfig({ pusher: { path_prefix: given } }).config.pusher.path_prefix).toBe(expected);
  });

  it("without apps there is a warning", () => {
    expect(parseConfig({ pusher: true }).warnings).toEqual([
      "pusher.apps: there is no app, so nobody can connect",
    ]);
  });
});

describe("what is refused", () => {
  it.each([
    [{ activity_timeout: 0 }, "pusher.activity_timeout: must be at least 1s"],
    [{ pong_timeout: "0s" }, "pusher.pong_timeout: must be longer than 0"],
    [{ cache_ttl: "-1s" }, "pusher.cache_ttl: must be longer than 0"],
    [{ webhooks: { request_timeout: 0 } }, "pusher.webhooks.request_timeout: must be longer than 0"],
    [{ webhooks: { batch_delay: "-1s" } }, "pusher.webhooks.batch_delay: cannot be negative"],
    [{ webhooks: { retry_max_delay: "1ms" } }, "retry_max_delay: must be at least `retry_min_delay`"],
    [{ path_prefix: "/a b" }, "pusher.path_prefix: cannot have spaces"],
    [{ apps: [{ id: "app" }] }, "pusher.apps[0].key: required"],
    [{ apps: [{ ...APP, secret: "" }] }, "pusher.apps[0].secret: cannot be empty"],
    [{ apps: [{ ...APP, key: "a/b" }] }, "pusher.apps[0].key: cannot have spaces or any of / ? # %"],
    [{ apps: [{ ...APP, max_connections: -1 }] }, "max_connections: must be at least 0, got -1"],
    [{ apps: [{ ...APP, id: "a:b" }] }, "apps[0].namespace: a namespace has letters"],
    [{ apps: [APP, { ...APP, id: "b" }] }, "pusher.apps[1].key: is that of another app too"],
    [
      { apps: [APP, { ...APP, id: "b", key: "b", namespace: "app" }] },
      "apps[1].namespace: is that of another",
    ],
    [{ apps: [{ ...APP, allowed_origins: ["https://[a"] }] }, "pusher.apps[0].allowed_origins[0]: malformed"],
    [{ apps: [{ ...APP, webhooks: [{ url: "ftp://x" }] }] }, "webhooks[0].url: must be an http or https URL"],
    [
      { apps: [{ ...APP, webhooks: [{ url: "http://x", headers: { "a b": "c" } }] }] },
      "apps[0].webhooks[0].headers.a b: is no header name",
    ],
    [
      { apps: [{ ...APP, webhooks: [{ url: "http://x", event_types: ["all"] }] }] },
      'webhooks[0].event_types[0]: expected one of "channel_occupied"',
    ],
  ])("%j", (pusher, expected) => {
    expect(problemsOf(pusher).join("\n")).toContain(expected);
  });

  it.each([
    [{ channel: { namespace_boundary: "/" } }, 'channel.namespace_boundary: must be ":" for `pusher`'],
    [{ channel: { user_boundary: "@" } }, 'channel.user_boundary: must be "#" for `pusher`'],
    [{ channel: { user_separator: ";" } }, 'channel.user_separator: must be "," or empty for `pusher`'],
    [
      { channel: { private_prefix: "app" } },
      "pusher.apps[0].namespace: begins with `channel.private_prefix`",
    ],
    [{ http_api: { handler_prefix: "/apps" } }, "http_api.handler_prefix: `/apps` belongs to `pusher`"],
    [{ uni_sse: { enabled: true, handler_prefix: "/app/x" } }, "uni_sse.handler_prefix: `/app` belongs to"],
    [{ uni_sse: { enabled: true, handler_prefix: "/up" } }, "uni_sse.handler_prefix: `/up` belongs to"],
  ])("%j, while the protocol is on", (rest, expected) => {
    expect(problemsOf({}, rest)).toEqual([expect.stringContaining(expected)]);
    expect(problemsOf({ enabled: false }, rest)).toEqual([]);
  });

  it("paths that only look like Pusher's are free", () => {
    expect(problemsOf({}, { http_api: { handler_prefix: "/application" } })).toEqual([]);
    expect(problemsOf({ path_prefix: "push" }, { http_api: { handler_prefix: "/apps" } })).toEqual([]);
    expect(problemsOf({}, { uni_sse: { handler_prefix: "/app/x" } })).toEqual([]);
    expect(problemsOf({}, { health: { enabled: true, handler_prefix: "/up" } })).toEqual([]);
  });

  it("never shows a secret", () => {
    const secret = { apps: [{ ...APP, secret: ["hunter2"] }] };
    expect(problemsOf(secret)).toEqual(["pusher.apps[0].secret: expected text, got a list"]);
    const env = { MILLRACE_PUSHER_APPS: '[{"id": "a", "secret": hunter2}]' };
    expect(() => loadConfig({ env })).toThrow(
      /^pusher\.apps: not valid JSON: Unexpected token 'h' \(MILLRACE_PUSHER_APPS\)$/u,
    );
  });
});

it("a running server follows apps and limits, not the switch itself", () => {
  const before = parseConfig({ pusher: { enabled: true, apps: [APP] } }).config;
  const limits = { rate_limiter: { enabled: true } };
  const after = parseConfig({ pusher: { path_prefix: "push", apps: [{ ...APP, key: "new" }], ...limits } });
  expect(changesThatNeedRestart(before, after.config)).toEqual(["pusher.enabled", "pusher.path_prefix"]);
});
