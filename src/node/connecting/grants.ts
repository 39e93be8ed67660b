import { grantRequestedSubscriptions } from "../../auth/requested-subscriptions.ts";
import type { ChannelRules } from "../../core/channel-rules.ts";
import { clientError } from "../../core/client-error.ts";
import { Refused } from "../../core/refusal.ts";
import {
  type Credentials,
  type CredentialSource,
  PLAIN_GRANT,
  SUBSCRIPTION_SOURCE,
  type SubscriptionGrant,
  type SubscriptionSource,
} from "../../core/token-verifier.ts";

/** A subscription that a connection begins with. */
export interface InitialSubscription {
  readonly grant: SubscriptionGrant;
  readonly source: SubscriptionSource;
}

/** What decides about the subscriptions that a connection begins with. */
export interface GrantRules {
  readonly rules: ChannelRules;
  /** Admits requested channels that no rule admits. */
  readonly insecure: boolean;
  /** A user's own channel, subscribed unasked; undefined when switched off. */
  readonly personalChannel: ((user: string) => string) | undefined;
}

/** What becomes of the channels of clients, by what vouches for these. */
interface SourceRules {
  /** How subscriptions that come with the credentials have come about. */
  readonly granted: SubscriptionSource;
  readonly hasPersonalChannel: boolean;
  /** Whether the channels that the client asks for are looked at. */
  readonly mayAsk: boolean;
}

const BY_SOURCE: Readonly<Record<CredentialSource, SourceRules>> = {
  token: { granted: SUBSCRIPTION_SOURCE.connectionToken, hasPersonalChannel: true, mayAsk: true },
  backend: { granted: SUBSCRIPTION_SOURCE.connectProxy, hasPersonalChannel: true, mayAsk: false },
  anonymous: { granted: SUBSCRIPTION_SOURCE.unknown, hasPersonalChannel: false, mayAsk: true },
  header: { granted: SUBSCRIPTION_SOURCE.unknown, hasPersonalChannel: false, mayAsk: false },
};

/**
 * Everything a connection is to be subscribed to, by channel: what its credentials grant, its user's own channel, and
 * what it asks for and may have (docs/protocols/unidirectional.md §3.2).
 *
 * Throws ClientError 102 for a granted channel of an unknown namespace, and Disconnect 3501 for a requested one.
 */
export function gatherGrants(
  credentials: Credentials,
  requested: Iterable<string>,
  { rules, insecure, personalChannel }: GrantRules,
): Map<string, InitialSubscription> {
  const { user, subscriptions } = credentials;
  const { granted, hasPersonalChannel, mayAsk } = BY_SOURCE[credentials.source];
  const grants = new Map<string, InitialSubscription>();
  for (const [channel, grant] of subscriptions) {
    if (rules.optionsOf(channel) === undefined) {
      throw clientError(
        "unknownChannel",
        new Refused("unknown_namespace", `channel ${JSON.stringify(channel)}`),
      );
    }
    grants.set(channel, { grant, source: granted });
  }
  if (hasPersonalChannel && user !== "" && personalChannel !== undefined) {
    grants.set(personalChannel(user), { grant: PLAIN_GRANT, source: SUBSCRIPTION_SOURCE.personalChannel });
  }
  if (!mayAsk) return grants;
  const initial = { grant: PLAIN_GRANT, source: SUBSCRIPTION_SOURCE.uniConnect };
  for (const channel of grantRequestedSubscriptions(requested, { user, rules, insecure })) {
    if (!grants.has(channel)) grants.set(channel, initial);
  }
  return grants;
}
