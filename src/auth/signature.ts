import { createHmac, KeyObject, timingSafeEqual } from "node:crypto";
import { compactVerify, type CryptoKey, errors } from "jose";
import type { CompactToken } from "./compact-token.ts";

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
