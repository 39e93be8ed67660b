import { CompactSign } from "jose";
import type { Clock } from "../core/clock.ts";
import { TokenOptionError, type TokenOptions } from "./token-options.ts";

/** What a new token is to say. */
export interface TokenRequest {
  /** "" for an anonymous user. */
  readonly user: string;
  /** Seconds until the token expires; 0 or less for never. */
  readonly ttlSec: number;
}

/** Where the key and the claim of the user id stand. */
export interface TokenIssuerSettings {
  /** Path of the options in the configuration, for messages; `client.token` by default. */
  readonly section?: string;
}

/** Makes HS256 tokens for development and tests, from the same options that verify them. */
export class TokenIssuer {
  readonly #secret: Uint8Array;
  readonly #userIdClaim: string;
  readonly #clock: Clock;

  /** Throws TokenOptionError where the options have no HMAC secret. */
  constructor(options: TokenOptions, clock: Clock, settings: TokenIssuerSettings = {}) {
    const { hmac_secret_key: secret, user_id_claim: userIdClaim } = options;
    if (secret === "") {
      const problem = "not set; tokens for other keys must be made by whoever has the private key";
      throw new TokenOptionError(settings.section ?? "client.token", "hmac_secret_key", problem);
    }
    this.#secret = Buffer.from(secret);
    this.#userIdClaim = userIdClaim;
    this.#clock = clock;
  }

  /** A connection token. */
  issueConnection(request: TokenRequest): Promise<string> {
    return this.#sign(this.#claims(request));
  }

  /** A subscription token for one channel. */
  issueSubscription(request: TokenRequest & { readonly channel: string }): Promise<string> {
    return this.#sign({ ...this.#claims(request), channel: request.channel });
  }

  /** In the order in which Centrifugo writes them. */
  #claims({ user, ttlSec }: TokenRequest): Readonly<Record<string, string | number>> {
    const nowSec = Math.floor(this.#clock.wallMs() / 1000);
    return {
      ...(user === "" ? {} : { sub: user }),
      ...(ttlSec > 0 ? { exp: nowSec + ttlSec } : {}),
      iat: nowSec,
    };
  }

  #sign(claims: Readonly<Record<string, string | number>>): Promise<string> {
    const payload =
      this.#userIdClaim === "" ? claims : { ...claims, [this.#userIdClaim]: claims["sub"] ?? "" };
    return new CompactSign(Buffer.from(JSON.stringify(payload)))
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(this.#secret);
  }
}
