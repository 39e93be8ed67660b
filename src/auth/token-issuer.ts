import { CompactSign } from "jose";
import type { Clock } from "../core/clock.ts";
import { TokenOptionError, type TokenConfig } from "./config.ts";

/** Claims beside those that a token always has, as JSON values. */
export type FurtherClaims = Readonly<Record<string, unknown>>;

/** What a new token is to say. */
export interface TokenRequest {
  /** "" for an anonymous user. */
  readonly user: string;
  /** Seconds until the token expires; 0 or less for never. */
  readonly ttlSec: number;
  /** They win over those made from the rest. Default: none. */
  readonly claims?: FurtherClaims | undefined;
}

/** Where the key and the claim of the user id stand. */
export interface TokenIssuerSettings {
  /** Path of the options in the configuration, for messages; `client.token` by default. */
  readonly section?: string;
}

/** Makes HS256 tokens for development and tests, from the same options that verify them. */
export class TokenIssuer {
  readonly #secret: Uint8Array;
  readonly #options: TokenConfig;
  readonly #clock: Clock;

  /** Throws TokenOptionError where the options have no HMAC secret. */
  constructor(options: TokenConfig, clock: Clock, settings: TokenIssuerSettings = {}) {
    if (options.hmac_secret_key === "") {
      const problem = "not set; tokens for other keys must be made by whoever has the private key";
      throw new TokenOptionError(settings.section ?? "client.token", "hmac_secret_key", problem);
    }
    this.#secret = Buffer.from(options.hmac_secret_key);
    this.#options = options;
    this.#clock = clock;
  }

  /** A connection token. */
  issueConnection(request: TokenRequest): Promise<string> {
    return this.#sign({ ...this.#claims(request), ...request.claims });
  }

  /** A subscription token for one channel. */
  issueSubscription(request: TokenRequest & { readonly channel: string }): Promise<string> {
    return this.#sign({ ...this.#claims(request), channel: request.channel, ...request.claims });
  }

  /** In the order in which Centrifugo writes them, and what the options ask of a token besides. */
  #claims({ user, ttlSec }: TokenRequest): FurtherClaims {
    const { audience, issuer } = this.#options;
    const nowSec = Math.floor(this.#clock.wallMs() / 1000);
    return {
      ...(user === "" ? {} : { sub: user }),
      ...(ttlSec > 0 ? { exp: nowSec + ttlSec } : {}),
      iat: nowSec,
      ...(audience === "" ? {} : { aud: audience }),
      ...(issuer === "" ? {} : { iss: issuer }),
    };
  }

  #sign(claims: FurtherClaims): Promise<string> {
    const { user_id_claim: userIdClaim } = this.#options;
    const isComplete = userIdClaim === "" || Object.hasOwn(claims, userIdClaim);
    const payload = isComplete ? claims : { ...claims, [userIdClaim]: claims["sub"] ?? "" };
    return new CompactSign(Buffer.from(JSON.stringify(payload)))
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(this.#secret);
  }
}
