import type { CredentialSource } from "./token-verifier.ts";

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

/** What is known of a user's doings. Unix seconds; 0 for never. */
export interface UserStatus {
  readonly user: string;
  /** Last time the user was active, as the backend says. */
  readonly activeSec: number;
  /** Last time the user was seen connected; now for those who are. */
  readonly onlineSec: number;
  /** The backend's own word; "" when there is none. */
  readonly state: string;
}

/** What is known of users, on whatever node they were active. */
export interface UserStatusBook {
  /** Users were active now, in this state. Rejects with ClientError 107 for a state that is none. */
  update(users: readonly string[], state: string): Promise<void>;
  /** In the order of the users; of an unknown one all but the name is empty. */
  get(users: readonly string[]): Promise<readonly UserStatus[]>;
  delete(users: readonly string[]): Promise<void>;
  /** A user is connected. Cheap. */
  seen(user: string): void;
  /** Saves when users were seen. Rejects where the store fails. */
  save(): Promise<void>;
  /** Forgets some of what has expired. */
  sweep(maxLooks: number): Promise<void>;
}
