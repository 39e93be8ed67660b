/**
 * Centrifugo options that Millrace does not have yet, as paths; a path stands for everything below it.
 *
 * They are reported by name instead of as spelling mistakes. An option leaves this list with the feature's arrival.
 */
const NOT_YET: readonly string[] = [
  "admin",
  "broker",
  "client.channel_position_max_time_lag",
  "client.history_max_publication_limit",
  "client.proxy",
  "channel.proxy",
  "consumers",
  "debug",
  "emulation",
  "engine",
  "graphite",
  "http_server.h2c_external",
  "http_server.http3",
  "http_stream",
  "init",
  "map_broker",
  "opentelemetry",
  "presence_manager",
  "prometheus",
  "proxies",
  "proxy",
  "redis",
  "rpc",
  "sse",
  "swagger",
  "token_revoke.storage_type",
  "usage_stats",
  "user_block.storage_type",
  "user_status.redis",
  "user_tokens_invalidate.storage_type",
  "websocket",
  "webtransport",
];

/** The same for options of channels, which stand in each namespace. */
const NOT_YET_OF_CHANNELS: readonly string[] = [
  "allow_history_for_anonymous",
  "allow_history_for_client",
  "allow_history_for_subscriber",
  "allow_positioning",
  "allow_presence_for_anonymous",
  "allow_presence_for_client",
  "allow_presence_for_subscriber",
  "allow_publish_for_anonymous",
  "allow_publish_for_client",
  "allow_publish_for_subscriber",
  "allow_recovery",
  "allow_tags_filter",
  "map",
  "publish_proxy_enabled",
  "publish_proxy_name",
  "shared_poll",
  "sub_refresh_proxy_enabled",
  "sub_refresh_proxy_name",
  "subscribe_proxy_name",
  "subscribe_stream_proxy_bidirectional",
  "subscribe_stream_proxy_name",
  "subscription_type",
];

/** Options that only ever admit less or encrypt more: to start without them would open what was meant to be shut. */
const NOT_YET_BUT_PROTECTIVE: readonly string[] = ["http_server.tls_autocert"];
const NOT_YET_BUT_PROTECTIVE_OF_CHANNELS: readonly string[] = [
  "subscribe_proxy_enabled",
  "subscribe_stream_proxy_enabled",
];

/** What is known about a key that the schema lacks. */
export interface UpstreamName {
  /** True where ignoring the option would weaken the protection of the server. */
  readonly isProtective: boolean;
}

/** Looks up a key that the schema lacks, by its path or flat name; undefined when Centrifugo has none like it. */
export function findUpstreamName(path: readonly (string | number)[]): UpstreamName | undefined {
  const keys = path.filter((step) => typeof step === "string").map((key) => key.toLowerCase());
  if (NAMES.protective.some((name) => leadsTo(name, keys))) return { isProtective: true };
  return NAMES.others.some((name) => leadsTo(name, keys)) ? { isProtective: false } : undefined;
}

const NAMES = {
  protective: [...NOT_YET_BUT_PROTECTIVE, ...spreadOverChannels(NOT_YET_BUT_PROTECTIVE_OF_CHANNELS)],
  others: [...NOT_YET, ...spreadOverChannels(NOT_YET_OF_CHANNELS)],
};

function spreadOverChannels(options: readonly string[]): string[] {
  return options.flatMap((option) => [`channel.without_namespace.${option}`, `channel.namespaces.${option}`]);
}

function leadsTo(name: string, keys: readonly string[]): boolean {
  const [only] = keys;
  if (keys.length !== 1 || only === undefined) {
    const dotted = keys.join(".");
    return dotted === name || dotted.startsWith(`${name}.`);
  }
  return flatSpellings(name).some(
    (flat) => only === flat || (flat.length > 3 && only.startsWith(`${flat}_`)),
  );
}

/** The flat names that a path has, or had before v6. */
function flatSpellings(name: string): readonly string[] {
  const flat = name.replaceAll(".", "_");
  const former = /^(?:http_server|client|channel\.without_namespace)\.(.*)$/.exec(name)?.[1];
  return former === undefined ? [flat] : [flat, former.replaceAll(".", "_")];
}
