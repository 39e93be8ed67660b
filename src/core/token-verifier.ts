import type { SubscriptionOverride } from "./channel-options.ts";
import type { Labels } from "./label-filter.ts";

/** A server-side subscription that a token grants. */
export interface SubscriptionGrant {
  /** Raw JSON for ClientInfo.chanInfo. */
  readonly info: Uint8Array | undefined;
  /** Raw JSON for the subscriber's own SubscribeResult. */
  readonly data: Uint8Array | undefined;
  /** Channel options that this grant changes. */
  readonly override: SubscriptionOverride;
}

/** What says who a client is: its token, nothing, or a header that a trusted proxy has set. */
export type CredentialSource = "token" | "anonymous" | "header";

/** What a valid connection token says. */
export interface ConnectionToken {
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
  readonly expireAtSec: number | undefined;
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
