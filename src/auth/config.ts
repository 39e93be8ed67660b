import { z } from "zod";
import { duration } from "../config/duration.ts";
import { regex } from "../config/regex.ts";
import { secretText } from "../config/secret-text.ts";
import { section, type ReportProblem, type Section, type Shape } from "../config/section.ts";

/** How tokens are verified: the configuration's section `client.token`. An empty text or 0 means unset. */
export interface TokenConfig {
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

  constructor(sectionPath: string, option: keyof TokenConfig, problem: string, options?: ErrorOptions) {
    super(`${sectionPath}.${option}: ${problem}`, options);
  }
}

/** Whether there is a key that tokens can be verified with. */
export function hasTokenKey(token: TokenConfig): boolean {
  const { hmac_secret_key: secret, hmac_previous_secret_key: previous, jwks_public_endpoint: keySet } = token;
  return [secret, previous, token.rsa_public_key, token.ecdsa_public_key, keySet].some((key) => key !== "");
}

/** How subscription tokens are verified, where that differs from connection tokens. */
export interface SubscriptionTokenConfig extends TokenConfig {
  readonly enabled: boolean;
}

const MAX_LEEWAY_MS = 3_600_000;

const tokenShape: Shape<TokenConfig> = {
  hmac_secret_key: secretText()
    .default("")
    .describe("Secret of tokens signed with HS256, HS384 or HS512; empty refuses these.")
    .meta({ isSecret: true }),
  hmac_previous_secret_key: secretText()
    .default("")
    .describe("Secret before the last change, tried when the current one does not fit.")
    .meta({ isSecret: true }),
  hmac_previous_secret_key_valid_until: z
    .int()
    .default(0)
    .describe("Unix second after which the previous secret no longer counts; 0 for no end."),
  rsa_public_key: z
    .string()
    .default("")
    .describe(
      "Public key or certificate, as PEM text, of tokens signed with RS256 to RS512 or PS256 to PS512.",
    ),
  ecdsa_public_key: z
    .string()
    .default("")
    .describe("Public key or certificate, as PEM text, of tokens signed with ES256, ES384 or ES512."),
  jwks_public_endpoint: z
    .string()
    .default("")
    .describe(
      "URL of a JSON Web Key Set with the keys of tokens; the keys above are then ignored. `{{name}}` stands for " +
        "what a named group of `issuer_regex` or `audience_regex` matched.",
    ),
  insecure_skip_jwks_endpoint_safety_check: z
    .boolean()
    .default(false)
    .describe(
      "Starts though these patterns would let a token choose freely where its keys are downloaded from.",
    ),
  audience: z
    .string()
    .default("")
    .describe("Text that a token's `aud` must have among its values; empty for any."),
  audience_regex: regex().describe(
    "Regular expression (RE2, unanchored) that one of a token's `aud` must match. Excludes `audience`.",
  ),
  issuer: z.string().default("").describe("Text that a token's `iss` must equal; empty for any."),
  issuer_regex: regex().describe(
    "Regular expression (RE2, unanchored) that a token's `iss` must match. Excludes `issuer`.",
  ),
  leeway: duration("0s").describe(
    "How far the clocks of those who make tokens may be off: `exp` counts so much later and `nbf` so much earlier; " +
      "at most an hour.",
  ),
  user_id_claim: z
    .string()
    .default("")
    .describe("Claim that holds the user id (letters and `_`); empty for `sub`."),
};

export const tokenConfig: Section<TokenConfig> = section<TokenConfig>(
  "How connection tokens (JWT) are verified; subscription tokens too, unless they have a section of their own.",
  tokenShape,
  checkToken,
).meta({ formerPrefix: "token", isReloadable: true });

export const subscriptionTokenConfig: Section<SubscriptionTokenConfig> = section<SubscriptionTokenConfig>(
  "How subscription tokens are verified.",
  {
    enabled: z
      .boolean()
      .default(false)
      .describe(
        "Verifies subscription tokens by this section alone, and connection tokens by `client.token`.",
      )
      .meta({ formerly: ["separate_subscription_token_config"] }),
    ...tokenShape,
  },
  checkToken,
).meta({ formerPrefix: "subscription_token", isReloadable: true });

function checkToken(token: TokenConfig, report: ReportProblem): void {
  if (token.audience !== "" && token.audience_regex !== "") {
    report(["audience_regex"], "cannot be set together with `audience`");
  }
  if (token.issuer !== "" && token.issuer_regex !== "") {
    report(["issuer_regex"], "cannot be set together with `issuer`");
  }
  if (token.leeway < 0 || token.leeway > MAX_LEEWAY_MS) report(["leeway"], "must be between 0 and 1h");
  if (!/^[a-zA-Z_]*$/.test(token.user_id_claim)) {
    report(["user_id_claim"], "may have letters and `_` only");
  }
}
