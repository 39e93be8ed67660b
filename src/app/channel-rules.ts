import type { ChannelConfig, ChannelOptionsConfig } from "../config/sections/channel.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import { ChannelRules } from "../core/channel-rules.ts";

/** The rules that the configuration describes. */
export function channelRulesOf(config: ChannelConfig): ChannelRules {
  const options = (channel: ChannelOptionsConfig): ChannelOptions => ({
    publicationDataFormat: channel.publication_data_format || config.publication_data_format,
    allowSubscribeForClient: channel.allow_subscribe_for_client,
    allowSubscribeForAnonymous: channel.allow_subscribe_for_anonymous,
    allowUserLimitedChannels: channel.allow_user_limited_channels,
  });
  return new ChannelRules({
    namespaceBoundary: config.namespace_boundary,
    privatePrefix: config.private_prefix,
    userBoundary: config.user_boundary,
    userSeparator: config.user_separator,
    withoutNamespace: options(config.without_namespace),
    namespaces: new Map(config.namespaces.map((namespace) => [namespace.name, options(namespace)])),
  });
}
