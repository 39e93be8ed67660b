import { constants, createHmac, type KeyObject, sign } from "node:crypto";
import { ConnectFailureMap } from "../../../src/auth/connect-failure.ts";
import type { TokenConfig } from "../../../src/auth/config.ts";
import { createTokenVerifier } from "../../../src/auth/token-verifier.ts";
import { ClientError } from "../../../src/core/client-error.ts";
import type { Clock } from "../../../src/core/clock.ts";
import { Disconnect } from "../../../src/core/disconnect.ts";
import type { TokenVerifier } from "../../../src/core/token-verifier.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** Where the fake clock stands at first, Unix seconds. */
export const NOW_SEC: number = FakeClock.START_WALL_MS / 1000;
export const SECRET = "k";

/** The configuration's defaults. */
export const NO_OPTIONS: TokenConfig = {
  hmac_secret_key: "",
  hmac_previous_secret_key: "",
  hmac_previous_secret_key_valid_until: 0,
  rsa_public_key: "",
  ecdsa_public_key: "",
  jwks_public_endpoint: "",
  insecure_skip_jwks_endpoint_safety_check: false,
  audience: "",
  audience_regex: "",
  issuer: "",
  issuer_regex: "",
  leeway: 0,
  user_id_claim: "",
};

/** Options with the HMAC secret `k`, and whatever else is given. */
export function withSecret(options: Partial<TokenConfig> = {}): TokenConfig {
  return { ...NO_OPTIONS, hmac_secret_key: SECRET, ...options };
}

/** A verifier for tokens signed with the secret `k`. */
export function verifierFor(
  options: Partial<TokenConfig> = {},
  clock: Clock = new FakeClock(),
): Promise<TokenVerifier> {
  return createTokenVerifier(withSecret(options), clock);
}

/** Claims: an object, or their JSON text where its spelling matters. */
export type Claims = string | Readonly<Record<string, unknown>>;

/** A token signed with HMAC, made without the library that verifies it. */
export function hmacToken(claims: Claims, secret: string = SECRET, algorithm = "HS256"): string {
  return assemble(algorithm, claims, hmac(algorithm, secret));
}

/** Signs a token's first two parts. */
export function hmac(algorithm: string, secret: string): (input: string) => Uint8Array {
  return (input) =>
    createHmac(`sha${algorithm.slice(2)}`, secret)
      .update(input)
      .digest();
}

/** A token signed with a private key. */
export function keyToken(claims: Claims, key: KeyObject, algorithm: string): string {
  return assemble(algorithm, claims, signerOf(key, algorithm));
}

/** What signs with a private key. */
export function signerOf(key: KeyObject, algorithm: string): (input: string) => Uint8Array {
  const hash = algorithm === "EdDSA" ? null : `sha${algorithm.slice(2)}`;
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const scheme = algorithm.startsWith("PS") ? pss : { dsaEncoding: "ieee-p1363" as const };
  return (input) => sign(hash, Buffer.from(input), { key, ...scheme });
}

/** A token with the given signature; `more` are further members of its header. */
export function assemble(
  algorithm: string,
  claims: Claims,
  signer: (input: string) => Uint8Array,
  more: Readonly<Record<string, unknown>> = {},
): string {
  const header = encode(JSON.stringify({ alg: algorithm, typ: "JWT", ...more }));
  const input = `${header}.${encode(typeof claims === "string" ? claims : JSON.stringify(claims))}`;
  return `${input}.${Buffer.from(signer(input)).toString("base64url")}`;
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** The code of the error or disconnect that something is refused with; 0 when it is not. */
export async function codeOf(verification: Promise<unknown>): Promise<number> {
  const refusal = await refusalOf(verification);
  return refusal === undefined ? 0 : refusal.code;
}

/** The code that a unidirectional client is disconnected with; 0 when it is not. */
export async function uniCodeOf(verification: Promise<unknown>): Promise<number> {
  const refusal = await refusalOf(verification);
  const failures = new ConnectFailureMap({ enabled: false, transforms: [] });
  return refusal === undefined ? 0 : failures.asDisconnect(refusal).code;
}

/** What something is refused with; rejects with anything that is no refusal. */
export async function refusalOf(
  verification: Promise<unknown>,
): Promise<ClientError | Disconnect | undefined> {
  try {
    await verification;
    return undefined;
  } catch (error) {
    if (error instanceof ClientError || error instanceof Disconnect) return error;
    throw error;
  }
}

/** Raw bytes as text. */
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}
