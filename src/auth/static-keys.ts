import { createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { importSPKI } from "jose";
import type { Clock } from "../core/clock.ts";
import {
  HMAC_ALGORITHMS,
  type KeySource,
  RSA_ALGORITHMS,
  RSA_MIN_BITS,
  type TokenHeader,
  type VerificationKey,
} from "./compact-token.ts";
import { type TokenConfig, TokenOptionError } from "./config.ts";

/** Keys by the algorithm they verify. */
type Keys = ReadonlyMap<string, VerificationKey>;

/** A curve has one algorithm. The names are OpenSSL's. */
const CURVE_ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ["prime256v1", "ES256"],
  ["secp384r1", "ES384"],
  ["secp521r1", "ES512"],
]);

/** The keys that stand in the configuration. A token's `kid` plays no part. */
export class StaticKeys implements KeySource {
  readonly #keys: Keys;
  readonly #previousKeys: Keys;
  readonly #previousValidUntilSec: number;
  readonly #clock: Clock;

  private constructor(keys: Keys, previousKeys: Keys, previousValidUntilSec: number, clock: Clock) {
    this.#keys = keys;
    this.#previousKeys = previousKeys;
    this.#previousValidUntilSec = previousValidUntilSec;
    this.#clock = clock;
  }

  /** Imports all keys; rejects with TokenOptionError where one cannot be used. */
  static async import(options: TokenConfig, section: string, clock: Clock): Promise<StaticKeys> {
    const keys = new Map([
      ...importSecret(options.hmac_secret_key),
      ...(await importRsa(options.rsa_public_key, section)),
      ...(await importEcdsa(options.ecdsa_public_key, section)),
    ]);
    const previousKeys = importSecret(options.hmac_previous_secret_key);
    return new StaticKeys(keys, previousKeys, options.hmac_previous_secret_key_valid_until, clock);
  }

  keysFor({ algorithm }: TokenHeader): readonly VerificationKey[] {
    const keys: VerificationKey[] = [];
    const key = this.#keys.get(algorithm);
    if (key !== undefined) keys.push(key);
    const previous = this.#previousKeys.get(algorithm);
    if (previous !== undefined && this.#previousCounts()) keys.push(previous);
    return keys;
  }

  #previousCounts(): boolean {
    const untilSec = this.#previousValidUntilSec;
    return untilSec <= 0 || Math.floor(this.#clock.wallMs() / 1000) <= untilSec;
  }
}

function importSecret(secret: string): Keys {
  if (secret === "") return new Map();
  const key = createSecretKey(secret, "utf8");
  return new Map(HMAC_ALGORITHMS.map((algorithm) => [algorithm, key]));
}

async function importRsa(pem: string, section: string): Promise<Keys> {
  const keys = new Map<string, VerificationKey>();
  if (pem === "") return keys;
  const key = readPem(pem, section, "rsa_public_key");
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== "rsa") {
    throw new TokenOptionError(
      section,
      "rsa_public_key",
      `not an RSA key but ${key.asymmetricKeyType ?? "unknown"}`,
    );
  }
  if (bits < RSA_MIN_BITS) {
    throw new TokenOptionError(section, "rsa_public_key", `has ${bits} bits, needs at least ${RSA_MIN_BITS}`);
  }
  const spki = key.export({ type: "spki", format: "pem" }).toString();
  for (const algorithm of RSA_ALGORITHMS) keys.set(algorithm, await importSPKI(spki, algorithm));
  return keys;
}

async function importEcdsa(pem: string, section: string): Promise<Keys> {
  if (pem === "") return new Map();
  const key = readPem(pem, section, "ecdsa_public_key");
  if (key.asymmetricKeyType !== "ec") {
    throw new TokenOptionError(
      section,
      "ecdsa_public_key",
      `not an EC key but ${key.asymmetricKeyType ?? "unknown"}`,
    );
  }
  const curve = key.asymmetricKeyDetails?.namedCurve ?? "";
  const algorithm = CURVE_ALGORITHMS.get(curve);
  if (algorithm === undefined) {
    const known = [...CURVE_ALGORITHMS.keys()].join(", ");
    throw new TokenOptionError(section, "ecdsa_public_key", `curve ${curve} is none of ${known}`);
  }
  const spki = key.export({ type: "spki", format: "pem" }).toString();
  return new Map([[algorithm, await importSPKI(spki, algorithm)]]);
}

/** Reads a public key or a certificate. A private key would work as well, but has no business here. */
function readPem(pem: string, section: string, option: "rsa_public_key" | "ecdsa_public_key"): KeyObject {
  if (pem.includes("PRIVATE KEY-----")) {
    throw new TokenOptionError(section, option, "is a private key; give its public key");
  }
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new TokenOptionError(section, option, "not the PEM text of a public key or certificate", { cause });
  }
}
