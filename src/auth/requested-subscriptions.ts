import type { ChannelOptions } from "../core/channel-options.ts";
import { disconnect } from "../core/disconnect.ts";
import { Refused } from "../core/refusal.ts";

/** What the decision needs to know about channels. */
export interface RequestedChannelRules {
  /** Undefined where the channel's namespace is unknown. */
  optionsOf(channel: string): ChannelOptions | undefined;
  /** Whether the channel needs a token of its own. */
  isPrivate(channel: string): boolean;
  /** Whether clients may ask for the channel by this name. */
  nameIsValid(channel: string): boolean;
  /** Whether the name ends in a list of users. */
  hasUserList(channel: string): boolean;
  /** Whether that list names the user. */
  userIsListed(channel: string, user: string): boolean;
}

/** Who asks, and what the rules are. */
export interface SubscriptionRequester {
  /** "" for an anonymous user. */
  readonly user: string;
  readonly rules: RequestedChannelRules;
  /** For development: admits what no rule admits, private channels and odd names excepted. */
  readonly insecure: boolean;
}

/**
 * The channels, out of those a client asks for while connecting, that it may listen to
 * (docs/protocols/channels.md §2.3).
 *
 * The others are left out without an error. Throws Disconnect 3501 for a channel of an unknown namespace.
 */
export function grantRequestedSubscriptions(
  channels: Iterable<string>,
  requester: SubscriptionRequester,
): string[] {
  const granted: string[] = [];
  for (const channel of channels) {
    const options = requester.rules.optionsOf(channel);
    if (options === undefined)
      throw disconnect("badRequest", new Refused("unknown_namespace", `channel ${JSON.stringify(channel)}`));
    if (isGranted(channel, options, requester)) granted.push(channel);
  }
  return granted;
}

function isGranted(channel: string, options: ChannelOptions, requester: SubscriptionRequester): boolean {
  const { user, rules, insecure } = requester;
  if (channel === "" || rules.isPrivate(channel) || !rules.nameIsValid(channel)) return false;
  if (insecure) return true;
  if (options.allowUserLimitedChannels && rules.hasUserList(channel)) {
    return user !== "" && rules.userIsListed(channel, user);
  }
  return options.allowSubscribeForClient && (user !== "" || options.allowSubscribeForAnonymous);
}
