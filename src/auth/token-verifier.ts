import { clientError } from "../core/client-error.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { Refused } from "../core/refusal.ts";
import {
  type ConnectionToken,
  MAX_LIFETIME_SEC,
  PLAIN_GRANT,
  type SubscriptionGrant,
  type SubscriptionToken,
  type TokenVerifier,
} from "../core/token-verifier.ts";
import {
  type ConnectionClaims,
  decodeConnectionClaims,
  decodeSubscriptionClaims,
  type GrantClaims,
  type PayloadClaim,
  type RegisteredClaims,
} from "./claims.ts";
import { type CompactToken, type KeySource, parseCompactToken, signatureHolds } from "./compact-token.ts";
import type { SubscriptionTokenConfig, TokenConfig } from "./config.ts";
import { type Captures, ExpectedParties } from "./expected-parties.ts";
import { JsonObject } from "./json-object.ts";
import { downloadKeySet, RemoteKeys } from "./jwks/remote-keys.ts";
import { StaticKeys } from "./static-keys.ts";
import { invalidToken } from "./token-refusal.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** How a verifier differs from the usual one. */
export interface TokenVerifierSettings {
  /** Path of the options in the configuration, for messages; `client.token` by default. */
  readonly section?: string;
  /** Believes every signature. For development. All else is checked. */
  readonly skipSignature?: boolean;
  /** Told where keys cannot be downloaded. */
  readonly logger?: Logger | undefined;
}

/** Makes a verifier; rejects with TokenOptionError where an option cannot be used. */
export async function createTokenVerifier(
  options: TokenConfig,
  clock: Clock,
  settings: TokenVerifierSettings = {},
): Promise<TokenVerifier> {
  const section = settings.section ?? "client.token";
  const parties = new ExpectedParties(options, section);
  const keys =
    options.jwks_public_endpoint === ""
      ? await StaticKeys.import(options, section, clock)
      : new RemoteKeys(options, section, { clock, logger: settings.logger, download: downloadKeySet });
  const skipSignature = settings.skipSignature === true;
  return new JwtVerifier({
    keys,
    parties,
    userIdClaim: options.user_id_claim,
    leewayMs: options.leeway,
    skipSignature,
    clock,
  });
}

/** The options of the section `client` that decide about tokens. */
export interface ClientTokenOptions {
  readonly token: TokenConfig;
  /** Where enabled, subscription tokens are verified by this section alone. */
  readonly subscription_token: SubscriptionTokenConfig;
  readonly insecure_skip_token_signature_verify: boolean;
}

/** Makes the verifier of a server, which may treat both kinds of token differently. */
export async function createClientTokenVerifier(
  options: ClientTokenOptions,
  clock: Clock,
  logger?: Logger,
): Promise<TokenVerifier> {
  const skipSignature = options.insecure_skip_token_signature_verify;
  const connection = await createTokenVerifier(options.token, clock, { skipSignature, logger });
  if (!options.subscription_token.enabled) return connection;
  const section = "client.subscription_token";
  const subscription = await createTokenVerifier(options.subscription_token, clock, {
    section,
    skipSignature,
    logger,
  });
  return {
    verifyConnection: (token) => connection.verifyConnection(token),
    verifySubscription: (token) => subscription.verifySubscription(token),
  };
}

interface JwtVerifierParts {
  readonly keys: KeySource;
  readonly parties: ExpectedParties;
  /** "" for `sub`. */
  readonly userIdClaim: string;
  readonly leewayMs: number;
  readonly skipSignature: boolean;
  readonly clock: Clock;
}

/**
 * Verifies tokens in the order of docs/protocols/channels.md §1.1, in which the first failure decides: shape, types of
 * the claims, patterns, signature, audience, issuer, kind of token, times, payloads.
 *
 * Patterns wait for the signature where the keys do not depend on them; both failures look the same outside.
 */
class JwtVerifier implements TokenVerifier {
  readonly #parts: JwtVerifierParts;

  constructor(parts: JwtVerifierParts) {
    this.#parts = parts;
  }

  async verifyConnection(text: string): Promise<ConnectionToken> {
    const token = parseCompactToken(text);
    const claims = decodeConnectionClaims(JsonObject.parse(token.claims, "claims"), this.#parts.userIdClaim);
    await this.#verifyOrigin(token, claims.registered);
    if (claims.channel !== "") throw invalidToken("token_wrong_kind", "a subscription token");
    this.#checkTimes(claims.registered);
    const subscriptions = grantsOf(claims);
    const info = decodeConnectionInfo(claims.info);
    return {
      user: claims.user,
      expireAtSec: this.#expiry(claims.registered, claims.expireAtSec),
      info,
      meta: claims.meta,
      labels: claims.labels,
      subscriptions,
      ...identityOf(claims.registered),
    };
  }

  async verifySubscription(text: string): Promise<SubscriptionToken> {
    const token = parseCompactToken(text);
    const claims = decodeSubscriptionClaims(
      JsonObject.parse(token.claims, "claims"),
      this.#parts.userIdClaim,
    );
    await this.#verifyOrigin(token, claims.registered);
    this.#checkTimes(claims.registered);
    if (claims.channel === "") throw invalidToken("token_wrong_kind", "no channel: a connection token?");
    return {
      user: claims.user,
      channel: claims.channel,
      client: claims.client,
      ...decodeGrant(claims.grant),
      expireAtSec: this.#expiry(claims.registered, claims.expireAtSec),
      ...identityOf(claims.registered),
    };
  }

  /** Makes sure that the token comes from one of ours and is meant for us. */
  async #verifyOrigin(token: CompactToken, registered: RegisteredClaims): Promise<void> {
    const { parties, skipSignature } = this.#parts;
    let matched: Captures | undefined;
    const captures = (): Captures => (matched ??= parties.matchPatterns(registered));
    if (!skipSignature) await this.#verifySignature(token, captures);
    captures();
    parties.checkExact(registered);
  }

  async #verifySignature(token: CompactToken, captures: () => Captures): Promise<void> {
    const keys = await this.#parts.keys.keysFor(token.header, captures);
    if (keys.length === 0) throw invalidToken("token_unknown_key", "no key for the token's algorithm");
    for (const key of keys) if (await signatureHolds(token, key)) return;
    throw invalidToken("token_bad_signature", "signature does not hold");
  }

  #checkTimes({ expiresSec, notBeforeSec }: RegisteredClaims): void {
    const { clock, leewayMs } = this.#parts;
    const nowMs = clock.wallMs();
    if (expiresSec !== undefined && expiresSec * 1000 + leewayMs <= nowMs) {
      throw clientError("tokenExpired", new Refused("token_expired", "exp has passed"));
    }
    if (notBeforeSec !== undefined && notBeforeSec * 1000 - leewayMs > nowMs) {
      throw clientError("tokenNotYetValid", new Refused("token_not_yet_valid", "nbf is still to come"));
    }
  }

  /** What a token opens lasts as long as the token itself counts, unless `expire_at` says otherwise. */
  #expiry({ expiresSec }: RegisteredClaims, expireAtSec: number | undefined): number | undefined {
    const { clock, leewayMs } = this.#parts;
    const endSec = expireAtSec ?? (expiresSec === undefined ? undefined : expiresSec + leewayMs / 1000);
    if (endSec === undefined || endSec <= 0) return undefined;
    return Math.min(Math.floor(endSec), Math.floor(clock.wallMs() / 1000) + MAX_LIFETIME_SEC);
  }
}

function identityOf({ tokenId, issuedAtSec = 0 }: RegisteredClaims): {
  tokenId: string;
  issuedAtSec: number;
} {
  return { tokenId, issuedAtSec: Math.floor(issuedAtSec) };
}

/** `channels` counts only where `subs` is empty. There is no channel without a name: it is left out, as upstream. */
function grantsOf({ channels, subs }: ConnectionClaims): ReadonlyMap<string, SubscriptionGrant> {
  const grants = new Map<string, SubscriptionGrant>();
  for (const [channel, grant] of subs) grants.set(channel, decodeGrant(grant));
  if (subs.size === 0) for (const channel of channels) grants.set(channel, PLAIN_GRANT);
  grants.delete("");
  return grants;
}

function decodeGrant({ info, data, override }: GrantClaims): SubscriptionGrant {
  return { info: decodePayload(info), data: decodePayload(data), override, expireAtSec: undefined };
}

function decodePayload(claim: PayloadClaim): Uint8Array | undefined {
  if (claim.base64 === "") return claim.json;
  const bytes = decodeBase64(claim.base64);
  if (bytes === undefined) throw invalidToken("token_bad_claim", "a payload is not base64");
  return bytes;
}

/** Of the connection's own payload a mistake counts as ours, by upstream's habit: 100, not 3500. */
function decodeConnectionInfo(claim: PayloadClaim): Uint8Array | undefined {
  if (claim.base64 === "") return claim.json;
  const bytes = decodeBase64(claim.base64);
  if (bytes === undefined)
    throw clientError("internal", new Refused("token_bad_claim", "b64info is not base64"));
  return bytes;
}

/** Standard base64 with padding; line breaks may stand anywhere. */
function decodeBase64(text: string): Uint8Array | undefined {
  const joined = text.replaceAll(/[\r\n]/g, "");
  return BASE64.test(joined) ? Buffer.from(joined, "base64") : undefined;
}
