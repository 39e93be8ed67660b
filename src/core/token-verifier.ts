import type { ClientIdentity, SubscriptionGrant } from "./credentials.ts";

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
