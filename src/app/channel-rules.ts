import type { ChannelConfig, ChannelOptionsConfig } from "../config/sections/channel.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import { ChannelRules } from "../core/channel-rules.ts";
import { Re2Pattern } from "../lib/re2.ts";

/** The rules that the configuration describes. */
export function channelRulesOf(config: ChannelConfig): ChannelRules {
  return new ChannelRules({
    namespaceBoundary: config.namespace_boundary,
    privatePrefix: config.private_prefix,
    userBoundary: config.user_boundary,
    userSeparator: config.user_separator,
    withoutNamespace: optionsOf(config.without_namespace, config),
    namespaces: new Map(config.namespaces.map((namespace) => [namespace.name, optionsOf(namespace, config)])),
  });
}

function optionsOf(channel: ChannelOptionsConfig, config: ChannelConfig): ChannelOptions {
  const size = channel.history_size;
  const ttlMs = channel.history_ttl;
  const metaTtlMs = Math.max(ttlMs, channel.history_meta_ttl || config.history_meta_ttl);
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
