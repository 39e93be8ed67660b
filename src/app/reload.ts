import type { Config } from "./config.ts";

/** Options that a running server follows, as paths; a path stands for everything below it. */
export const RELOADABLE: readonly string[] = [
  "channel",
  "client.allow_anonymous_connect_without_token",
  "client.channel_limit",
  "client.connect_code_to_unidirectional_disconnect",
  "client.connect_include_server_time",
  "client.connection_limit",
  "client.connection_rate_limit",
  "client.disallow_anonymous_connection_tokens",
  "client.insecure",
  "client.insecure_skip_token_signature_verify",
  "client.subscribe_to_user_personal_channel",
  "client.subscription_token",
  "client.token",
  "client.user_connection_limit",
  "client.user_id_http_header",
  "grpc_api.tls.cert_pem",
  "grpc_api.tls.key_pem",
  "http_server.internal_tls.cert_pem",
  "http_server.internal_tls.key_pem",
  "http_server.tls.cert_pem",
  "http_server.tls.key_pem",
  "pusher.apps",
  "pusher.cache_ttl",
  "pusher.rate_limiter",
  "uni_grpc.tls.cert_pem",
  "uni_grpc.tls.key_pem",
];

/** The first configuration, with the second one's values of what a running server follows. */
export function followReload(before: Config, after: Config): Config {
  // What is put in place of a section is the section of another configuration.
  return mergePaths(before, after, "") as Config;
}

function mergePaths(before: unknown, after: unknown, path: string): unknown {
  if (RELOADABLE.includes(path)) return after;
  if (!isSection(before) || !isSection(after)) return before;
  const merged = Object.keys(before).map((key) => {
    const inner = path === "" ? key : `${path}.${key}`;
    return [key, mergePaths(before[key], after[key], inner)] as const;
  });
  return Object.fromEntries(merged);
}

/** Paths of the options that differ between two configurations, and that a running server does not follow. */
export function changesThatNeedRestart(before: Config, after: Config): string[] {
  return changedPaths(before, after, "").filter(
    (path) => !RELOADABLE.some((prefix) => path === prefix || path.startsWith(`${prefix}.`)),
  );
}

function changedPaths(before: unknown, after: unknown, path: string): string[] {
  if (!isSection(before) || !isSection(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
  }
  return Object.keys({ ...before, ...after }).flatMap((key) =>
    changedPaths(before[key], after[key], path === "" ? key : `${path}.${key}`),
  );
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
