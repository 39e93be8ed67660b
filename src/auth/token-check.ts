import { ClientError } from "../core/client-error.ts";
import { Disconnect } from "../core/disconnect.ts";
import { refusalOf } from "../core/refusal.ts";
import type { TokenVerifier } from "../core/token-verifier.ts";
import { parseCompactToken } from "./compact-token.ts";

/** A valid token, in words for its maker. */
export interface CheckedToken {
  /** "" for an anonymous user. */
  readonly user: string;
  /** The claims as they stand in the token: JSON text. */
  readonly payload: string;
}

/** A valid connection token, in words for its maker. */
export interface CheckedConnectionToken extends CheckedToken {
  /** Channels it subscribes to. */
  readonly channels: readonly string[];
}

/** A valid subscription token, in words for its maker. */
export interface CheckedSubscriptionToken extends CheckedToken {
  readonly channel: string;
}

/** A token that a server would refuse. The message says why, and repeats what the token claims. */
export class TokenCheckError extends Error {
  override readonly name = "TokenCheckError";
  /** Why, without what the token claims. */
  readonly reason: string;

  constructor(claims: string, reason: string, options?: ErrorOptions) {
    super(claims + reason, options);
    this.reason = reason;
  }
}

/** Verifies a connection token; rejects with TokenCheckError. */
export async function checkConnectionToken(
  verifier: TokenVerifier,
  token: string,
): Promise<CheckedConnectionToken> {
  const { user, subscriptions } = await explainRefusal(token, verifier.verifyConnection(token));
  return { user, channels: [...subscriptions.keys()], payload: payloadOf(token) };
}

/** Verifies a subscription token; rejects with TokenCheckError. */
export async function checkSubscriptionToken(
  verifier: TokenVerifier,
  token: string,
): Promise<CheckedSubscriptionToken> {
  const { user, channel } = await explainRefusal(token, verifier.verifySubscription(token));
  return { user, channel, payload: payloadOf(token) };
}

function payloadOf(token: string): string {
  return Buffer.from(parseCompactToken(token).claims).toString();
}

async function explainRefusal<Token>(text: string, verification: Promise<Token>): Promise<Token> {
  try {
    return await verification;
  } catch (cause) {
    if (!(cause instanceof Disconnect) && !(cause instanceof ClientError)) throw cause;
    throw new TokenCheckError(describe(text), reasonOf(cause), { cause });
  }
}

function reasonOf(refusal: Disconnect | ClientError): string {
  const refused = refusalOf(refusal);
  if (refused === undefined) return refusal.message;
  return `${refusal instanceof Disconnect ? refusal.reason : refusal.message}: ${refused.message}`;
}

/** What the token says of itself; "" where it cannot be read. */
function describe(text: string): string {
  try {
    const { header, claims } = parseCompactToken(text);
    return `token with algorithm ${header.algorithm} and claims ${Buffer.from(claims).toString()} has error: `;
  } catch (error) {
    if (error instanceof Disconnect) return "";
    throw error;
  }
}
