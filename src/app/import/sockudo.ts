import { ConfigError } from "../../config/config-error.ts";
import { formatDuration } from "../../config/duration.ts";
import type { Environment } from "../../config/env-layer.ts";
import type { Tree } from "../../config/tree.ts";
import { escapeGlob } from "../../lib/glob.ts";
import {
  ForeignTree,
  type ImportLog,
  type LimitNames,
  readLimits,
  readPositive,
  readWebhooks,
} from "./foreign-tree.ts";

const MIB = 1_048_576;

/** What Sockudo 5.0 does by the file, as a configuration of Millrace (docs/protocols/pusher.md §6). */
export function importSockudo(written: Tree, log: ImportLog): Tree {
  const root = new ForeignTree(written, log);
  for (const driver of ["adapter", "cache", "queue"])
    root.section(driver).expect("driver", "local", "memory");
  const seconds = (section: ForeignTree, key: string, fallback: number): string =>
    formatDuration(section.number([key], fallback) * 1000);
  return {
    http_server: {
      address: root.text(["host"], "0.0.0.0"),
      port: root.number(["port"], 6001),
      ...tlsOf(root.section("ssl")),
    },
    ...(root.flag(["debug"], false) ? { log: { level: "debug" } } : {}),
    shutdown: { timeout: seconds(root, "shutdown_grace_period", 10) },
    pusher: {
      enabled: true,
      path_prefix: pathPrefixOf(root),
      activity_timeout: seconds(root, "activity_timeout", 120),
      user_authentication_timeout: seconds(root, "user_authentication_timeout", 3600),
      cache_ttl: seconds(root.section("channel_limits"), "cache_ttl", 3600),
      message_size_limit: root.number(["websocket_max_payload_kb"], 64) * 1024,
      request_body_limit: root.section("http_api").number(["request_limit_in_mb"], 10) * MIB,
      rate_limiter: rateLimiterOf(root.section("rate_limiter")),
      webhooks: deliveryOf(root.section("webhooks")),
      apps: appsOf(root),
    },
  };
}

/**
 * The text with `${NAME}` and `${NAME:-default}` filled in, as Sockudo does before it reads a file. Throws ConfigError
 * for variables without either.
 */
export function fillInVariables(text: string, env: Environment): string {
  const missing: string[] = [];
  const filled = text.replaceAll(
    /\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/gu,
    (whole: string, name: string, fallback: string | undefined) => {
      const value = env[name] === "" ? fallback : (env[name] ?? fallback);
      if (value === undefined) missing.push(name);
      return value ?? whole;
    },
  );
  if (missing.length === 0) return filled;
  throw new ConfigError([{ path: "", message: `these variables are not set: ${missing.join(", ")}` }]);
}

function pathPrefixOf(root: ForeignTree): string {
  const prefix = root.text(["path_prefix"], "/");
  if (!/^\/*$/u.test(prefix)) root.note("path_prefix", "Sockudo itself ignores it; here it holds");
  return prefix;
}

function tlsOf(ssl: ForeignTree): Tree {
  const isOn = ssl.flag(["enabled"], false);
  const [certificate, key] = [ssl.text(["cert_path"], ""), ssl.text(["key_path"], "")];
  return isOn ? { tls: { enabled: true, cert_pem: certificate, key_pem: key } } : {};
}

function rateLimiterOf(limiter: ForeignTree): Tree {
  limiter.expect("driver", "memory");
  const [api, connections] = [limiter.section("api_rate_limit"), limiter.section("websocket_rate_limit")];
  const hops = api.number(["trust_hops"], 0);
  const connectionHops = connections.number(["trust_hops"], 0);
  if (hops !== connectionHops) connections.note("trust_hops", `is that of api_rate_limit here, ${hops}`);
  const limit = (section: ForeignTree, fallback: number): Tree => ({
    max_requests: readPositive(section, ["max_requests"], fallback),
    window_seconds: readPositive(section, ["window_seconds"], 60),
  });
  return {
    enabled: limiter.flag(["enabled"], true),
    trust_hops: hops,
    websocket_rate_limit: limit(connections, 20),
    api_rate_limit: limit(api, 100),
  };
}

function deliveryOf(webhooks: ForeignTree): Tree {
  const [batching, retry] = [webhooks.section("batching"), webhooks.section("retry")];
  const milliseconds = (section: ForeignTree, key: string, fallback: number): string =>
    formatDuration(section.number([key], fallback));
  const isBatching = batching.flag(["enabled"], true);
  const batch = {
    batch_delay: milliseconds(batching, "duration", 50),
    batch_size: readPositive(batching, ["size"], 100),
  };
  const timeout = milliseconds(retry, "max_elapsed_time_ms", 300_000);
  return {
    ...(isBatching ? batch : { batch_delay: "0s", batch_size: 1 }),
    request_timeout: milliseconds(webhooks, "request_timeout_ms", 10_000),
    retry_min_delay: milliseconds(retry, "initial_backoff_ms", 1000),
    retry_max_delay: milliseconds(retry, "max_backoff_ms", 60_000),
    retry_timeout: retry.flag(["enabled"], true) ? timeout : "0s",
  };
}

function appsOf(root: ForeignTree): readonly Tree[] {
  const manager = root.section("app_manager");
  if (manager.text(["driver"], "memory") !== "memory") {
    manager.note("driver", "the apps are in a database: add them to pusher.apps");
  }
  const limits = limitsOf(root);
  return (manager.section("array").sections("apps") ?? []).map((app) => appOf(app, limits));
}

/** An app's keys are flat or in `policy`, which leaves flat ones without effect. */
function appOf(app: ForeignTree, limits: readonly LimitNames[]): Tree {
  const policy = app.has("policy") ? app.section("policy") : undefined;
  const limitsSection = policy?.section("limits") ?? app;
  const features = policy?.section("features") ?? app;
  for (const key of ["max_backend_events_per_second", "max_read_requests_per_second"]) {
    if (limitsSection.has(key)) limitsSection.note(key, "Sockudo does not enforce it; here it holds");
  }
  if (!app.has("enabled")) app.note("enabled", "missing, which means disabled");
  return {
    id: app.text(["id"], ""),
    key: app.text(["key"], ""),
    secret: app.text(["secret"], ""),
    enabled: app.flag(["enabled"], false),
    allowed_origins: originsOf((policy?.section("channels") ?? app).texts("allowed_origins")),
    enable_client_messages: features.flag(["enable_client_messages"], false),
    enable_user_authentication: features.flag(["enable_user_authentication"], false),
    enable_watchlist_events: features.flag(["enable_watchlist_events"], false),
    decay_seconds: readPositive(limitsSection, ["decay_seconds"], 1),
    terminate_on_limit: limitsSection.flag(["terminate_on_limit"], false),
    ...readLimits(limitsSection, limits),
    webhooks: readWebhooks((policy ?? app).sections("webhooks"), {
      prefix: "channel_prefix",
      suffix: "channel_suffix",
    }),
  };
}

/** Limits of every app. Those of the server, which Sockudo does not look at, hold where they are written down. */
function limitsOf(root: ForeignTree): readonly LimitNames[] {
  const events = root.section("event_limits");
  const presence = root.section("presence");
  const limit = (to: string, fallback: number, unlimitedBelow: number): LimitNames => ({
    to,
    from: [to],
    fallback,
    unlimitedBelow,
  });
  const size = (to: string, from: ForeignTree, key: string, fallback = 0): LimitNames => {
    if (from.has(key))
      from.note(key, "Sockudo does not enforce it; here it holds for apps without their own");
    return limit(to, Math.max(0, from.number([key], fallback)), 0);
  };
  return [
    limit("max_connections", 0, 1),
    limit("max_client_events_per_second", 0, 1),
    limit("max_backend_events_per_second", 0, 0),
    limit("max_read_requests_per_second", 0, 0),
    size("max_presence_members_per_channel", presence, "max_members_per_channel"),
    size("max_presence_member_size_in_kb", presence, "max_member_size_in_kb"),
    size("max_channel_name_length", root.section("channel_limits"), "max_name_length", 200),
    size("max_event_channels_at_once", events, "max_channels_at_once"),
    size("max_event_name_length", events, "max_name_length", 200),
    size("max_event_payload_in_kb", events, "max_payload_in_kb"),
    size("max_event_batch_size", events, "max_batch_size"),
  ];
}

/** Origins as globs: a host without scheme stands for all schemes, `*.host` for the host itself too. */
function originsOf(origins: readonly string[]): readonly string[] {
  if (origins.some((origin) => /^(\*|any)$/iu.test(origin))) return [];
  return origins.flatMap((origin) => {
    const glob = escapeGlob(origin.toLowerCase());
    if (glob.startsWith("*.")) return [`*://${glob.slice(2)}`, glob];
    return glob.includes("://") || glob.includes("*") ? [glob] : [`*://${glob}`];
  });
}
