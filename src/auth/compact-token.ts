import { createHmac, KeyObject, timingSafeEqual } from "node:crypto";
import { compactVerify, type CryptoKey, errors } from "jose";
import type { Captures } from "./expected-parties.ts";
import { JsonObject } from "./json-object.ts";
import { invalidToken } from "./token-refusal.ts";

/** What a token says about its signature. Nobody has vouched for it yet. */
export interface TokenHeader {
  /** `alg`; "" when absent. */
  readonly algorithm: string;
  /** `kid`; "" when absent. */
  readonly keyId: string;
}

/** A JWT taken apart, not verified. */
export interface CompactToken {
  readonly header: TokenHeader;
  /** The claims as JSON text in UTF-8, byte for byte. */
  readonly claims: Uint8Array;
  /** What the signature is over: the first two parts as they came. ASCII. */
  readonly signedText: string;
  readonly signature: Buffer;
}

const LINE_BREAKS = /[\r\n]/g;

/**
 * Takes a JWT in compact form apart (RFC 7515 §7.1); throws Disconnect 3500 when it has not that shape.
 *
 * Base64url is read strictly: there is one spelling for each signature, so that changing any character of a
 * token invalidates it. Line breaks do not count, as for upstream; text files tend to end in one.
 */
export function parseCompactToken(text: string): CompactToken {
  // Every header begins with `{"`.
  if (!text.startsWith("eyJ")) throw invalidToken("token_malformed", "not a JWT");
  const [header, claims, signature, ...rest] = text.split(".", 4);
  if (header === undefined || claims === undefined || signature === undefined || rest.length > 0) {
    throw invalidToken("token_malformed", "not three parts");
  }
  return {
    signature: decodeBase64Url(signature),
    header: parseHeader(decodeBase64Url(header)),
    claims: decodeBase64Url(claims),
    signedText: text.slice(0, header.length + 1 + claims.length),
  };
}

/** An extension that must be understood (RFC 7515 §4.1.11) is not: there are none here. */
function parseHeader(json: Uint8Array): TokenHeader {
  const header = JsonObject.parse(json, "header");
  header.string("typ");
  header.string("cty");
  if (header.raw("crit") !== undefined)
    throw invalidToken("token_malformed", "crit names unknown extensions");
  return { algorithm: header.string("alg"), keyId: header.string("kid") };
}

function decodeBase64Url(text: string): Buffer {
  const digits = text.replace(LINE_BREAKS, "");
  const bytes = Buffer.from(digits, "base64url");
  if (bytes.toString("base64url") !== digits) throw invalidToken("token_malformed", "not base64url");
  return bytes;
}

/** What verifies a signature: a secret for HMAC, or a public key for the one algorithm it was imported for. */
export type VerificationKey = KeyObject | CryptoKey;

/** Hashes of the HMAC algorithms (RFC 7518 §3.2), by algorithm. */
const HMAC_HASHES: ReadonlyMap<string, string> = new Map([
  ["HS256", "sha256"],
  ["HS384", "sha384"],
  ["HS512", "sha512"],
]);

/** The algorithms that a secret verifies. */
export const HMAC_ALGORITHMS: readonly string[] = [...HMAC_HASHES.keys()];

/** The algorithms that an RSA key verifies: both paddings, PKCS #1 and PSS (RFC 7518 §3.3, §3.5). */
export const RSA_ALGORITHMS: readonly string[] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
/** Bits of an RSA key, at least (RFC 7518 §3.3). */
export const RSA_MIN_BITS = 2048;

/**
 * Whether the token was signed by the key's owner. False for every kind of refusal; other errors are bugs, such as a
 * key that is none.
 *
 * HMAC is verified in place: WebCrypto would take the few microseconds to a thread pool, at many times their cost.
 */
export function signatureHolds(token: CompactToken, key: VerificationKey): boolean | Promise<boolean> {
  return key instanceof KeyObject ? hmacHolds(token, key) : publicKeyHolds(token, key);
}

function hmacHolds({ header, signedText, signature }: CompactToken, secret: KeyObject): boolean {
  const hash = HMAC_HASHES.get(header.algorithm);
  if (hash === undefined) return false;
  const expected = createHmac(hash, secret).update(signedText).digest();
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

async function publicKeyHolds(token: CompactToken, key: CryptoKey): Promise<boolean> {
  const { header, signedText, signature } = token;
  try {
    const text = `${signedText}.${signature.toString("base64url")}`;
    await compactVerify(text, key, { algorithms: [header.algorithm] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

/** Where the keys that verify signatures come from. */
export interface KeySource {
  /**
   * The keys that may have signed a token with this header, in the order to try; none where its algorithm is
   * not configured.
   *
   * `captures` matches the configured patterns against the token's claims on first call, and throws Disconnect
   * 3500 where they do not match. Anybody can send such claims: a source that can do without does not call it.
   *
   * Throws or rejects with Disconnect 3500 where the header names no key, and with ClientError 100 where keys cannot
   * be had for now.
   */
  keysFor(
    header: TokenHeader,
    captures: () => Captures,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>;
}
