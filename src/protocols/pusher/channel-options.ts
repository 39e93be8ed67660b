import type { ChannelOptions } from "../../core/channel-options.ts";
import type { NamingRules } from "../../core/channel-rules.ts";
import { CHANNEL_KINDS, type ChannelKind, kindOf } from "./channel-name.ts";

/** What the channels of an app are like, beside their kind. */
export interface AppChannelOptions {
  /** Of the namespace, as far as it is configured. */
  readonly base: ChannelOptions;
  readonly cacheTtlMs: number;
  /** 0 for any number. */
  readonly maxPresenceMembers: number;
}

/**
 * What names mean in the namespace of an app: private channels are not to be had for the asking, presence channels keep
 * track of members, cache channels of their latest event.
 */
export function createNamingRules(options: AppChannelOptions): NamingRules {
  const ofKind = new Map(CHANNEL_KINDS.map((kind) => [kind, optionsOf(kind, options)]));
  const personal = { ...options.base, allowSubscribeForClient: false, allowUserLimitedChannels: true };
  const unnamed = { ...personal, allowUserLimitedChannels: false };
  const watched = { ...unnamed, presence: true, memberNotices: true, history: undefined };
  return {
    optionsOf(name) {
      if (name.startsWith("#!")) return watched;
      // A list of users would let in whoever is on it.
      if (name.startsWith("#")) return name.includes(",") ? unnamed : personal;
      return ofKind.get(kindOf(name)) ?? options.base;
    },
  };
}

function optionsOf(
  kind: ChannelKind,
  { base, cacheTtlMs, maxPresenceMembers }: AppChannelOptions,
): ChannelOptions {
  const history = kind.isCache
    ? { size: 1, ttlMs: cacheTtlMs, metaTtlMs: Math.max(cacheTtlMs, base.historyMetaTtlMs) }
    : undefined;
  return {
    ...base,
    // Events carry any JSON, whatever the backend publishes into other channels.
    publicationDataFormat: base.publicationDataFormat === "binary" ? "binary" : "json",
    allowSubscribeForClient: base.allowSubscribeForClient && !kind.isPrivate,
    presence: base.presence || kind.isPresence,
    presenceMaxUsers: kind.isPresence ? maxPresenceMembers : 0,
    memberNotices: kind.isPresence,
    history: base.history ?? history,
  };
}
