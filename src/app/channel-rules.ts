import type { ChannelConfig, ChannelOptionsConfig } from "./channel-config.ts";
import { type ChannelOptions, DEFAULT_CHANNEL_OPTIONS } from "../core/channel-options.ts";
import { ChannelRules, type NamingRules } from "../core/channel-rules.ts";
import { Re2Pattern } from "../lib/re2.ts";
import { createNamingRules } from "../protocols/pusher/channel-options.ts";
import { namespaceOf, type PusherConfig } from "../protocols/pusher/config.ts";

/** The rules that the configuration describes. */
export function channelRulesOf(config: ChannelConfig, pusher: PusherConfig): ChannelRules {
  const namespaces = new Map(
    config.namespaces.map((namespace) => [namespace.name, optionsOf(namespace, config)]),
  );
  return new ChannelRules({
    namespaceBoundary: config.namespace_boundary,
    privatePrefix: config.private_prefix,
    userBoundary: config.user_boundary,
    userSeparator: config.user_separator,
    withoutNamespace: optionsOf(config.without_namespace, config),
    namespaces,
    namingNamespaces: pusher.enabled ? namingOfApps(pusher, namespaces, config) : new Map(),
  });
}

/** The namespaces of Pusher apps: what is configured for them, and what Pusher's names say beyond that. */
function namingOfApps(
  pusher: PusherConfig,
  namespaces: ReadonlyMap<string, ChannelOptions>,
  config: ChannelConfig,
): ReadonlyMap<string, NamingRules> {
  const unconfigured: ChannelOptions = {
    ...DEFAULT_CHANNEL_OPTIONS,
    publicationDataFormat: config.publication_data_format,
    historyMetaTtlMs: config.history_meta_ttl,
  };
  return new Map(
    pusher.apps.map((app) => {
      const namespace = namespaceOf(app);
      const rules = createNamingRules({
        base: namespaces.get(namespace) ?? unconfigured,
        cacheTtlMs: pusher.cache_ttl,
        maxPresenceMembers: app.max_presence_members_per_channel,
      });
      return [namespace, rules];
    }),
  );
}

function optionsOf(channel: ChannelOptionsConfig, config: ChannelConfig): ChannelOptions {
  const size = channel.history_size;
  const ttlMs = channel.history_ttl;
  const metaTtlMs = channel.history_meta_ttl || config.history_meta_ttl;
  return {
    publicationDataFormat: channel.publication_data_format || config.publication_data_format,
    history: size > 0 && ttlMs > 0 ? { size, ttlMs, metaTtlMs } : undefined,
    historyMetaTtlMs: metaTtlMs,
    forcePositioning: channel.force_positioning,
    forceRecovery: channel.force_recovery,
    recoveryMode: channel.force_recovery_mode || "stream",
    autoCacheRecover: channel.auto_cache_recover,
    presence: channel.presence,
    presenceMaxUsers: 0,
    memberNotices: false,
    joinLeave: channel.join_leave,
    forcePushJoinLeave: channel.force_push_join_leave,
    allowFossilDelta: channel.allowed_delta_types.includes("fossil"),
    deltaPublish: channel.delta_publish,
    allowSubscribeForClient: channel.allow_subscribe_for_client,
    allowSubscribeForAnonymous: channel.allow_subscribe_for_anonymous,
    allowUserLimitedChannels: channel.allow_user_limited_channels,
    channelRegex: channel.channel_regex === "" ? undefined : Re2Pattern.compile(channel.channel_regex),
  };
}
