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
