import type { SubscriptionOverride } from "../core/channel-options.ts";
import { type Labels, NO_LABELS } from "../core/label-filter.ts";
import type { JsonObject } from "./json-object.ts";

/** The claims of RFC 7519 §4.1. Dates in Unix seconds, fractions included. */
export interface RegisteredClaims {
  readonly subject: string;
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly expiresSec: number | undefined;
  readonly notBeforeSec: number | undefined;
  readonly issuedAtSec: number | undefined;
  readonly tokenId: string;
}

/** A payload in one of its two spellings. */
export interface PayloadClaim {
  /** JSON as it stands in the token. */
  readonly json: Uint8Array | undefined;
  /** Base64 of the payload; wins over `json` unless empty. */
  readonly base64: string;
}

/** What a token says about one subscription. */
export interface GrantClaims {
  readonly info: PayloadClaim;
  readonly data: PayloadClaim;
  readonly override: SubscriptionOverride;
}

/** What both kinds of token have. */
interface CommonClaims {
  readonly registered: RegisteredClaims;
  /** Replaces `exp` as the end of what the token opens, not of the token; 0 or less for never. */
  readonly expireAtSec: number | undefined;
  readonly user: string;
  /** "" in a connection token. */
  readonly channel: string;
}

/** The claims of a connection token (docs/protocols/channels.md §1.2). */
export interface ConnectionClaims extends CommonClaims {
  readonly info: PayloadClaim;
  readonly meta: Uint8Array | undefined;
  readonly labels: Labels;
  readonly channels: readonly string[];
  readonly subs: ReadonlyMap<string, GrantClaims>;
}

/** The claims of a subscription token (docs/protocols/channels.md §1.2). */
export interface SubscriptionClaims extends CommonClaims {
  /** Legacy: the client the token is bound to; "" for any. */
  readonly client: string;
  readonly grant: GrantClaims;
}

/** Decodes the claims of a connection token; throws Disconnect 3500 where a type does not fit. */
export function decodeConnectionClaims(claims: JsonObject, userIdClaim: string): ConnectionClaims {
  const subs = new Map<string, GrantClaims>();
  for (const [channel, entry] of claims.object("subs")?.objects() ?? [])
    subs.set(channel, decodeGrant(entry));
  return {
    ...decodeCommon(claims, userIdClaim),
    info: decodePayload(claims, "info"),
    meta: claims.raw("meta"),
    labels: claims.object("labels")?.stringMembers() ?? NO_LABELS,
    channels: claims.strings("channels"),
    subs,
  };
}

/** Decodes the claims of a subscription token; throws Disconnect 3500 where a type does not fit. */
export function decodeSubscriptionClaims(claims: JsonObject, userIdClaim: string): SubscriptionClaims {
  return {
    ...decodeCommon(claims, userIdClaim),
    client: claims.string("client"),
    grant: decodeGrant(claims),
  };
}

function decodeCommon(claims: JsonObject, userIdClaim: string): CommonClaims {
  const registered: RegisteredClaims = {
    subject: claims.string("sub"),
    issuer: claims.string("iss"),
    audience: claims.stringOrStrings("aud"),
    expiresSec: claims.date("exp"),
    notBeforeSec: claims.date("nbf"),
    issuedAtSec: claims.date("iat"),
    tokenId: claims.string("jti"),
  };
  return {
    registered,
    expireAtSec: claims.integer("expire_at"),
    user: userIdClaim === "" ? registered.subject : claims.text(userIdClaim),
    channel: claims.string("channel"),
  };
}

function decodeGrant(claims: JsonObject): GrantClaims {
  return {
    info: decodePayload(claims, "info"),
    data: decodePayload(claims, "data"),
    override: decodeOverride(claims.object("override")),
  };
}

function decodePayload(claims: JsonObject, name: "info" | "data"): PayloadClaim {
  return { json: claims.raw(name), base64: claims.string(`b64${name}`) };
}

const OVERRIDES: readonly (readonly [claim: string, option: keyof SubscriptionOverride])[] = [
  ["presence", "presence"],
  ["join_leave", "joinLeave"],
  ["force_push_join_leave", "forcePushJoinLeave"],
  ["force_positioning", "forcePositioning"],
  ["force_recovery", "forceRecovery"],
];

/** Each option is an object with a `value`, which is false when left out. */
function decodeOverride(claims: JsonObject | undefined): SubscriptionOverride {
  const override: { -readonly [Option in keyof SubscriptionOverride]: boolean } = {};
  if (claims === undefined) return override;
  for (const [claim, option] of OVERRIDES) {
    const entry = claims.object(claim);
    if (entry !== undefined) override[option] = entry.boolean("value") ?? false;
  }
  return override;
}
