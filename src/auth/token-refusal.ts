import { type Disconnect, disconnect } from "../core/disconnect.ts";

/** Why a token is refused: stable codes for logs and metrics. */
export type TokenRefusalReason =
  /** No JWT, or none that can be read: parts, base64, JSON, a header that demands the unknown. */
  | "malformed"
  /** A member of header or claims is of the wrong type, or a payload is not base64. */
  | "bad_claim"
  /** A subscription token where a connection token belongs, or the other way round. */
  | "wrong_kind"
  /** No key for the token's algorithm, or none with its `kid`. */
  | "unknown_key"
  | "bad_signature"
  | "wrong_audience"
  | "wrong_issuer"
  /** `exp` has passed. */
  | "expired"
  /** `nbf` is still to come. */
  | "not_yet_valid"
  /** The key set cannot be had for now. */
  | "keys_unavailable";

/** Cause of a refused token's Disconnect or ClientError. Names no part of the token's text. */
export class TokenRefusal extends Error {
  override readonly name = "TokenRefusal";
  readonly reason: TokenRefusalReason;

  constructor(reason: TokenRefusalReason, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** A token that is not believed: 3500. */
export function invalidToken(reason: TokenRefusalReason, detail: string, cause?: unknown): Disconnect {
  return disconnect("invalidToken", new TokenRefusal(reason, detail, cause));
}
