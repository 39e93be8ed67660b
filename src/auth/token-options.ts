/** How tokens are verified: the configuration's section `client.token`. An empty text or 0 means unset. */
export interface TokenOptions {
  /** Secret of HS256, HS384 and HS512. */
  readonly hmac_secret_key: string;
  /** The secret before the last change; tried where `hmac_secret_key` does not fit. */
  readonly hmac_previous_secret_key: string;
  /** Unix second after which the previous secret no longer counts; 0 for no end. */
  readonly hmac_previous_secret_key_valid_until: number;
  /** PEM text of a public key or certificate, for RS256, RS384, RS512, PS256, PS384 and PS512. */
  readonly rsa_public_key: string;
  /** PEM text of a public key or certificate, for the one of ES256, ES384 and ES512 that has its curve. */
  readonly ecdsa_public_key: string;
  /**
   * URL of a JSON Web Key Set. Then all keys above are ignored. `{{name}}` stands for what the named group of a
   * pattern below matched.
   */
  readonly jwks_public_endpoint: string;
  /** Takes patterns that let a token choose freely where its keys come from. */
  readonly insecure_skip_jwks_endpoint_safety_check: boolean;
  /** Text that must be among the token's `aud`. Excludes `audience_regex`. */
  readonly audience: string;
  /** Unanchored pattern that one of the token's `aud` must match. */
  readonly audience_regex: string;
  /** Text that the token's `iss` must equal. Excludes `issuer_regex`. */
  readonly issuer: string;
  /** Unanchored pattern that the token's `iss` must match. */
  readonly issuer_regex: string;
  /** Milliseconds by which clocks may differ: `exp` counts so much later, `nbf` so much earlier. */
  readonly leeway: number;
  /** The claim that holds the user id, instead of `sub`. */
  readonly user_id_claim: string;
}

/** An option that cannot be used; the message begins with its path, such as `client.token.rsa_public_key`. */
export class TokenOptionError extends Error {
  override readonly name = "TokenOptionError";

  constructor(section: string, option: keyof TokenOptions, problem: string, options?: ErrorOptions) {
    super(`${section}.${option}: ${problem}`, options);
  }
}
