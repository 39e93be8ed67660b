import type { SubscriptionOverride } from "./channel-options.ts";
import type { Labels } from "./label-filter.ts";

/** Subscription that the server makes for a client, as a token or the backend grants it. */
export interface SubscriptionGrant {
  /** Raw JSON for ClientInfo.chanInfo. */
  readonly info: Uint8Array | undefined;
  /** Raw JSON for the subscriber's own SubscribeResult. */
  readonly data: Uint8Array | undefined;
  /** Channel options that this grant changes. */
  readonly override: SubscriptionOverride;
  /** When the subscription ends, Unix seconds; undefined for never. */
  readonly expireAtSec: number | undefined;
}

/** Grant that changes nothing. */
export const PLAIN_GRANT: SubscriptionGrant = {
  info: undefined,
  data: undefined,
  override: {},
  expireAtSec: undefined,
};

/** What says who a client is: its token, the backend, nothing, or a header that a trusted proxy has set. */
export type CredentialSource = "token" | "backend" | "anonymous" | "header";

/** Seconds that a connection or subscription lasts at most; one that outlives this is a mistake, one without end is not. */
export const MAX_LIFETIME_SEC: number = 365 * 24 * 3600;

/** What is known of a client and of its connection. */
export interface ClientIdentity {
  /** "" for an anonymous user. */
  readonly user: string;
  /** When the connection expires, Unix seconds; undefined for never. */
  readonly expireAtSec: number | undefined;
  /** Raw JSON for ClientInfo.connInfo. */
  readonly info: Uint8Array | undefined;
  /** Raw JSON that only the server sees. */
  readonly meta: Uint8Array | undefined;
  /** What the backend can tell connections apart by. */
  readonly labels: Labels;
}

/** Who a client is, and what vouches for it. */
export interface Credentials extends ClientIdentity {
  /** A user named by the backend or a header does not get the channels that it asks for by itself. */
  readonly source: CredentialSource;
  /** Channels that come with it. */
  readonly subscriptions: ReadonlyMap<string, SubscriptionGrant>;
  /** `jti` of its token; "" when absent. */
  readonly tokenId: string;
  /** `iat` of its token, Unix seconds; 0 when absent. */
  readonly issuedAtSec: number;
  /** What the backend has to say to the client; undefined for nothing. */
  readonly data: Uint8Array | undefined;
}

/** What a valid connection token says. */
export interface ConnectionToken extends ClientIdentity {
  readonly subscriptions: ReadonlyMap<string, SubscriptionGrant>;
  /** `jti`; "" when absent. */
  readonly tokenId: string;
  /** `iat`, Unix seconds; 0 when absent. */
  readonly issuedAtSec: number;
}

/** What a valid subscription token says. */
export interface SubscriptionToken extends SubscriptionGrant {
  readonly user: string;
  readonly channel: string;
  /** Legacy: the client id the token is bound to; "" for any. */
  readonly client: string;
  readonly tokenId: string;
  readonly issuedAtSec: number;
}

/**
 * Verifies JWTs (docs/protocols/channels.md §1). Rejects with Disconnect 3500 for an invalid token, ClientError 109 for
 * one that has expired or is not valid yet, and ClientError 100 where the server cannot tell for now, since keys are
 * not to be had.
 */
export interface TokenVerifier {
  verifyConnection(token: string): Promise<ConnectionToken>;
  verifySubscription(token: string): Promise<SubscriptionToken>;
}

/** How a subscription came about, by the numbers of the Connections API (docs/protocols/server-api.md §3.2). */
export const SUBSCRIPTION_SOURCE = {
  unknown: 0,
  connectionToken: 1,
  connectProxy: 2,
  subscriptionToken: 3,
  subscribeProxy: 4,
  userLimited: 5,
  clientAllowed: 6,
  insecure: 7,
  uniConnect: 8,
  personalChannel: 9,
  serverApi: 10,
  capability: 11,
  expression: 12,
  subscribeStreamProxy: 13,
} as const;

export type SubscriptionSource = (typeof SUBSCRIPTION_SOURCE)[keyof typeof SUBSCRIPTION_SOURCE];

const SERVER_SIDE: ReadonlySet<SubscriptionSource> = new Set([
  SUBSCRIPTION_SOURCE.connectionToken,
  SUBSCRIPTION_SOURCE.connectProxy,
  SUBSCRIPTION_SOURCE.uniConnect,
  SUBSCRIPTION_SOURCE.personalChannel,
  SUBSCRIPTION_SOURCE.serverApi,
]);

/** Whether the subscription is the server's to change: its client has not made it with a message of its own. */
export function isServerSide(source: SubscriptionSource): boolean {
  return SERVER_SIDE.has(source);
}
