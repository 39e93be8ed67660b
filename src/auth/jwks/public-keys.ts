import { type CryptoKey, importJWK, type JWK } from "jose";
import { RSA_ALGORITHMS, RSA_MIN_BITS } from "../compact-token.ts";

/** What one key can verify. */
export type KeyByAlgorithm = ReadonlyMap<string, readonly CryptoKey[]>;

/** The usable keys of a document. */
export interface PublicKeys {
  /** By key id. Keys that share an id are tried one after the other. */
  readonly byId: ReadonlyMap<string, KeyByAlgorithm>;
  /** Why other keys are not usable; for the log. */
  readonly skipped: readonly string[];
}

/** Keys of a document at most; more of them are not believed to be a key set. */
const MAX_KEYS = 100;
const CURVE_ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ["P-256", "ES256"],
  ["P-384", "ES384"],
  ["P-521", "ES512"],
]);

/** The algorithms of tokens that a published key can verify: never HMAC or `none`. */
export const PUBLIC_KEY_ALGORITHMS: ReadonlySet<string> = new Set([
  ...RSA_ALGORITHMS,
  ...CURVE_ALGORITHMS.values(),
  "EdDSA",
]);

/** A key that is left out. */
class UnusableKey extends Error {
  override readonly name = "UnusableKey";
}

/**
 * Reads a JSON Web Key Set (RFC 7517 §5); rejects where the document as a whole is none.
 *
 * Usable are public keys with an id, of type RSA from 2,048 bits, EC on P-256, P-384 or P-521, or OKP on Ed25519, that
 * are not for something else: `use` and `key_ops`, which may be missing, say so. Others are skipped. A key's `alg`
 * restricts it to that algorithm.
 */
export async function readPublicKeys(document: Uint8Array): Promise<PublicKeys> {
  const entries = readEntries(document);
  const byId = new Map<string, Map<string, CryptoKey[]>>();
  const skipped: string[] = [];
  for (const [index, entry] of entries.entries()) {
    try {
      const keyId = textOf(entry, "kid");
      const algorithms = byId.get(keyId) ?? new Map<string, CryptoKey[]>();
      for (const [algorithm, key] of await importKey(entry)) {
        algorithms.set(algorithm, [...(algorithms.get(algorithm) ?? []), key]);
      }
      byId.set(keyId, algorithms);
    } catch (cause) {
      // Not only UnusableKey: WebCrypto and jose have many errors for numbers that are no key.
      skipped.push(`key ${index}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
  return { byId, skipped };
}

function readEntries(document: Uint8Array): readonly unknown[] {
  const set: unknown = JSON.parse(Buffer.from(document).toString());
  const keys = memberOf(set, "keys");
  if (!Array.isArray(keys)) throw new Error("not a key set: `keys` is not a list");
  if (keys.length > MAX_KEYS) throw new Error(`not a key set: ${keys.length} keys, ${MAX_KEYS} at most`);
  return keys;
}

async function importKey(entry: unknown): Promise<Map<string, CryptoKey>> {
  const use = memberOf(entry, "use") ?? "sig";
  if (use !== "sig") throw new UnusableKey("`use` is not sig");
  const operations = memberOf(entry, "key_ops") ?? ["verify"];
  if (!Array.isArray(operations) || !operations.includes("verify")) {
    throw new UnusableKey("`key_ops` is not verify");
  }
  if (memberOf(entry, "d") !== undefined) throw new UnusableKey("a private key is nobody's secret any more");
  const { jwk, algorithms } = publicPartOf(entry);
  const restriction = memberOf(entry, "alg");
  const keys = new Map<string, CryptoKey>();
  for (const algorithm of algorithms) {
    if (restriction !== undefined && restriction !== algorithm) continue;
    const key = await importJWK(jwk, algorithm);
    // A symmetric key would be bytes; publicPartOf makes none.
    if (!(key instanceof Uint8Array)) keys.set(algorithm, checkStrength(key));
  }
  if (keys.size === 0) throw new UnusableKey("`alg` is none that is accepted for the type");
  return keys;
}

function publicPartOf(entry: unknown): { jwk: JWK; algorithms: readonly string[] } {
  const kty = textOf(entry, "kty");
  if (kty === "RSA") {
    const jwk = { kty, n: textOf(entry, "n"), e: textOf(entry, "e") };
    return { jwk, algorithms: RSA_ALGORITHMS };
  }
  const crv = kty === "EC" || kty === "OKP" ? textOf(entry, "crv") : "";
  const algorithm = CURVE_ALGORITHMS.get(crv);
  if (kty === "EC" && algorithm !== undefined) {
    return { jwk: { kty, crv, x: textOf(entry, "x"), y: textOf(entry, "y") }, algorithms: [algorithm] };
  }
  if (kty === "OKP" && crv === "Ed25519") {
    return { jwk: { kty, crv, x: textOf(entry, "x") }, algorithms: ["EdDSA"] };
  }
  throw new UnusableKey("its type or curve is not supported");
}

function checkStrength(key: CryptoKey): CryptoKey {
  const { algorithm } = key;
  const bits = "modulusLength" in algorithm ? Number(algorithm.modulusLength) : RSA_MIN_BITS;
  if (bits < RSA_MIN_BITS) throw new UnusableKey(`has ${bits} bits, needs at least ${RSA_MIN_BITS}`);
  return key;
}

function textOf(entry: unknown, name: string): string {
  const value = memberOf(entry, name);
  if (typeof value !== "string" || value === "") throw new UnusableKey(`\`${name}\` is missing or not text`);
  return value;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}
