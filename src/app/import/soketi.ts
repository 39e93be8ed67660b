import { formatDuration } from "../../config/duration.ts";
import { setAt, type Tree } from "../../config/tree.ts";
import {
  ForeignTree,
  type ImportLog,
  type LimitNames,
  readLimits,
  readPositive,
  readWebhooks,
} from "./foreign-tree.ts";

const MIB = 1_048_576;
/** What Millrace takes of one message where the payloads are small. */
const MESSAGE_MIN_BYTES = 262_144;

/** What soketi 1.6 does by the file, as a configuration of Millrace (docs/protocols/pusher.md §6). */
export function importSoketi(written: Tree, log: ImportLog): Tree {
  const root = new ForeignTree(written, log);
  for (const driver of ["adapter", "queue", "cache", "rateLimiter"]) {
    root.section(driver).expect("driver", "local", "sync", "memory");
  }
  const batching = root.section("webhooks").section("batching");
  const isBatching = batching.flag(["enabled"], false);
  const batchDelayMs = batching.number(["duration"], 50);
  return {
    http_server: {
      address: root.text(["host"], "0.0.0.0"),
      port: root.number(["port"], 6001),
      ...tlsOf(root.section("ssl")),
    },
    ...(root.flag(["debug"], false) ? { log: { level: "debug" } } : {}),
    shutdown: { timeout: formatDuration(root.number(["shutdownGracePeriod"], 3000)) },
    pusher: {
      enabled: true,
      path_prefix: root.text(["pathPrefix"], ""),
      activity_timeout: "30s",
      user_authentication_timeout: formatDuration(root.number(["userAuthenticationTimeout"], 30_000)),
      cache_ttl: formatDuration(root.section("channelLimits").number(["cacheTtl"], 3600) * 1000),
      request_body_limit: root.section("httpApi").number(["requestLimitInMb"], 100) * MIB,
      webhooks: isBatching
        ? { batch_delay: formatDuration(batchDelayMs) }
        : { batch_delay: "0s", batch_size: 1 },
      ...appsOf(root),
    },
  };
}

/** Dotted keys at the top of soketi's file, such as `appManager.array.apps`, with the sections they stand for. */
export function unfoldSoketi(tree: Tree): Tree {
  const unfolded: Tree = {};
  for (const [key, value] of Object.entries(tree)) {
    const path = key.split(".");
    if (!path.includes("__proto__")) setAt(unfolded, path, value);
  }
  return unfolded;
}

function tlsOf(ssl: ForeignTree): Tree {
  const certificate = ssl.text(["certPath"], "");
  const key = ssl.text(["keyPath"], "");
  return certificate === "" || key === ""
    ? {}
    : { tls: { enabled: true, cert_pem: certificate, key_pem: key } };
}

function appsOf(root: ForeignTree): Tree {
  const manager = root.section("appManager");
  manager.expect("driver", "array");
  const isInFile = manager.text(["driver"], "array") === "array";
  if (!isInFile) manager.note("driver", "the apps are in a database: add them to pusher.apps");
  const array = manager.section("array");
  // Without any, soketi has an app of its own.
  const given = array.sections("apps") ?? (isInFile ? [array.section("apps")] : []);
  const limits = limitsOf(root);
  const apps = given.map((app) => appOf(app, limits));
  const largestKb = Math.max(0, ...apps.map((app) => Number(app["max_event_payload_in_kb"])));
  return { message_size_limit: Math.max(MESSAGE_MIN_BYTES, 2 * 1024 * largestKb), apps };
}

function appOf(app: ForeignTree, limits: readonly LimitNames[]): Tree {
  if (!app.has("secret") && !app.has("AppSecret")) {
    app.note("secret", "missing, and soketi's own, which everybody knows, is taken over: choose another");
  }
  return {
    id: app.text(["id", "AppId"], "app-id"),
    key: app.text(["key", "AppKey"], "app-key"),
    secret: app.text(["secret", "AppSecret"], "app-secret"),
    enabled: app.flag(["enabled", "Enabled"], true),
    enable_client_messages: app.flag(spellings("enableClientMessages"), false),
    enable_user_authentication: app.flag(spellings("enableUserAuthentication"), false),
    ...readLimits(app, limits),
    webhooks: readWebhooks(app.sections("webhooks", "Webhooks"), {
      prefix: "channel_name_starts_with",
      suffix: "channel_name_ends_with",
    }),
  };
}

/** Limits of every app; those of the server hold where an app does not say. */
function limitsOf(root: ForeignTree): readonly LimitNames[] {
  const events = root.section("eventLimits");
  const presence = root.section("presence");
  const rate = (name: string, ...more: readonly string[]): LimitNames => ({
    to: snakeCase(name),
    from: [...spellings(name), ...more],
    fallback: 0,
    unlimitedBelow: 0,
  });
  const size = (name: string, server: ForeignTree, key: string, fallback: number): LimitNames => ({
    to: snakeCase(name),
    from: spellings(name),
    fallback: readPositive(server, [key], fallback),
    unlimitedBelow: Number.NEGATIVE_INFINITY,
  });
  return [
    { ...rate("maxConnections"), unlimitedBelow: 1 },
    rate("maxClientEventsPerSecond", "max_client_events_per_sec"),
    rate("maxBackendEventsPerSecond", "max_backend_events_per_sec"),
    rate("maxReadRequestsPerSecond", "max_read_req_per_sec"),
    size("maxPresenceMembersPerChannel", presence, "maxMembersPerChannel", 100),
    size("maxPresenceMemberSizeInKb", presence, "maxMemberSizeInKb", 2),
    size("maxChannelNameLength", root.section("channelLimits"), "maxNameLength", 200),
    size("maxEventChannelsAtOnce", events, "maxChannelsAtOnce", 100),
    size("maxEventNameLength", events, "maxNameLength", 200),
    size("maxEventPayloadInKb", events, "maxPayloadInKb", 100),
    size("maxEventBatchSize", events, "maxBatchSize", 10),
  ];
}

/** Files, DynamoDB and SQL spell the same key in three ways; the last one given wins. */
function spellings(name: string): readonly string[] {
  return [name, name.charAt(0).toUpperCase() + name.slice(1), snakeCase(name)];
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}
