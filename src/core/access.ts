import type { CredentialSource } from "./credentials.ts";

/** What is known of a client when it is decided whether it may be connected. */
export interface AccessSubject {
  /** "" for an anonymous user. */
  readonly user: string;
  readonly source: CredentialSource;
  /** `jti` of its token; "" when absent. */
  readonly tokenId: string;
  /** `iat` of its token, Unix seconds; 0 when absent. */
  readonly issuedAtSec: number;
}

/** Tokens of a user that are void from now on. */
export interface TokenInvalidation {
  readonly user: string;
  /** Subscription tokens of this channel; "" for the user's connection tokens. */
  readonly channel: string;
  /** Unix seconds: those with an earlier `iat`, and those without. */
  readonly issuedBeforeSec: number;
}
