import { generateKeyPairSync } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TokenConfig } from "../../../src/auth/config.ts";
import { createTokenVerifier } from "../../../src/auth/token-verifier.ts";
import type { TokenVerifier } from "../../../src/core/token-verifier.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { selfSignedCertificate } from "./self-signed-certificate.ts";
import {
  assemble,
  codeOf,
  hmac,
  hmacToken,
  keyToken,
  NO_OPTIONS,
  NOW_SEC,
  SECRET,
  signerOf,
  verifierFor,
} from "./tokens.ts";

const CLAIMS = { sub: "42" };
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });

type Pair = typeof rsa;

function pemOf({ publicKey }: Pair): string {
  return publicKey.export({ type: "spki", format: "pem" }).toString();
}

function verifierOf(options: Partial<TokenConfig>): Promise<TokenVerifier> {
  return createTokenVerifier({ ...NO_OPTIONS, ...options }, new FakeClock());
}

async function verify(options: Partial<TokenConfig>, token: string): Promise<number> {
  return codeOf((await verifierOf(options)).verifyConnection(token));
}

describe("HMAC", () => {
  it("core 2: HS256, HS384 and HS512 go with the same secret", async () => {
    for (const algorithm of ["HS256", "HS384", "HS512"]) {
      expect(await codeOf((await verifierFor()).verifyConnection(hmacToken(CLAIMS, SECRET, algorithm)))).toBe(
        0,
      );
    }
  });

  it("another secret is 3500", async () => {
    expect(await codeOf((await verifierFor()).verifyConnection(hmacToken(CLAIMS, "K")))).toBe(3500);
  });

  it("secrets are UTF-8", async () => {
    expect(await verify({ hmac_secret_key: "ключ" }, hmacToken(CLAIMS, "ключ"))).toBe(0);
  });

  it("is verified in place: nothing waits for a thread pool", async () => {
    const verifier = await verifierFor();
    let isVerified = false;
    const verification = verifier.verifyConnection(hmacToken(CLAIMS)).then(() => (isVerified = true));
    for (let step = 0; step < 20; step++) await Promise.resolve();
    expect(isVerified).toBe(true);
    await verification;
  });

  it("core 19: the previous secret counts until its end", async () => {
    const options = { hmac_secret_key: "new", hmac_previous_secret_key: "old" };
    const until = (sec: number) => ({ ...options, hmac_previous_secret_key_valid_until: sec });
    const old = hmacToken(CLAIMS, "old", "HS384");
    expect(await verify(options, old)).toBe(0);
    expect(await verify(until(NOW_SEC), old)).toBe(0);
    expect(await verify(until(NOW_SEC - 1), old)).toBe(3500);
    expect(await verify(until(NOW_SEC - 1), hmacToken(CLAIMS, "new"))).toBe(0);
    expect(await verify(options, hmacToken(CLAIMS, "other"))).toBe(3500);
    expect(await verify({ hmac_previous_secret_key: "old" }, old)).toBe(0);
  });

  it("the previous secret ends while the server runs", async () => {
    const clock = new FakeClock();
    const options = { hmac_previous_secret_key: "old", hmac_previous_secret_key_valid_until: NOW_SEC };
    const verifier = await verifierFor(options, clock);
    clock.advance(1000);
    expect(await codeOf(verifier.verifyConnection(hmacToken(CLAIMS, "old")))).toBe(3500);
  });
});

describe("public keys", () => {
  it("RS256, RS384, RS512, PS256, PS384 and PS512 go with the same key", async () => {
    for (const algorithm of ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]) {
      expect(await verify({ rsa_public_key: pemOf(rsa) }, keyToken(CLAIMS, rsa.privateKey, algorithm))).toBe(
        0,
      );
    }
  });

  it.each([
    ["ES256", p256],
    ["ES384", p384],
    ["ES512", p521],
  ])("%s goes with its curve only", async (algorithm, pair) => {
    const token = keyToken(CLAIMS, pair.privateKey, algorithm);
    for (const other of [p256, p384, p521]) {
      expect(await verify({ ecdsa_public_key: pemOf(other) }, token)).toBe(other === pair ? 0 : 3500);
    }
  });

  it("a key may come in a certificate", async () => {
    const certificate = selfSignedCertificate(p256.publicKey, p256.privateKey);
    expect(await verify({ ecdsa_public_key: certificate }, keyToken(CLAIMS, p256.privateKey, "ES256"))).toBe(
      0,
    );
  });

  it("a signature by another key is 3500", async () => {
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(await verify({ ecdsa_public_key: pemOf(p256) }, keyToken(CLAIMS, other.privateKey, "ES256"))).toBe(
      3500,
    );
  });

  it("the padding is that of the token's algorithm", async () => {
    const token = assemble("PS256", CLAIMS, signerOf(rsa.privateKey, "RS256"));
    expect(await verify({ rsa_public_key: pemOf(rsa) }, token)).toBe(3500);
  });

  it("several kinds of key work side by side", async () => {
    const options = { hmac_secret_key: SECRET, rsa_public_key: pemOf(rsa), ecdsa_public_key: pemOf(p256) };
    expect(await verify(options, hmacToken(CLAIMS))).toBe(0);
    expect(await verify(options, keyToken(CLAIMS, rsa.privateKey, "RS256"))).toBe(0);
    expect(await verify(options, keyToken(CLAIMS, p256.privateKey, "ES256"))).toBe(0);
  });
});

function withHeader(more: Readonly<Record<string, unknown>>): string {
  return assemble("HS256", CLAIMS, hmac("HS256", SECRET), more);
}

describe("algorithms", () => {
  it("core 14: none and texts that are no token are 3500", async () => {
    const verifier = await verifierFor();
    const none = assemble("none", CLAIMS, () => Buffer.alloc(0));
    for (const token of [
      none,
      "abc",
      "",
      "..",
      "eyJ",
      "eyJ..",
      `${hmacToken(CLAIMS)}.`,
      `${hmacToken(CLAIMS)}=`,
    ]) {
      expect(await codeOf(verifier.verifyConnection(token))).toBe(3500);
    }
  });

  it("a token with a line break at its end, as a file has it, is accepted", async () => {
    const signed: readonly (readonly [Partial<TokenConfig>, string])[] = [
      [{ hmac_secret_key: SECRET }, hmacToken(CLAIMS)],
      [{ ecdsa_public_key: pemOf(p256) }, keyToken(CLAIMS, p256.privateKey, "ES256")],
    ];
    for (const [options, token] of signed) {
      expect(await verify(options, `${token}\n`)).toBe(0);
      expect(await verify(options, `${token}\r\n`)).toBe(0);
      expect(await verify(options, `${token.slice(0, -9)}\n${token.slice(-9)}`)).toBe(0);
      expect(await verify(options, `${token} `)).toBe(3500);
      expect(await verify(options, `\n${token}`)).toBe(3500);
      expect(await verify(options, `${token}\n.`)).toBe(3500);
    }
  });

  it("the signature is over the bytes that came: a line break inside the claims is 3500", async () => {
    const token = hmacToken(CLAIMS);
    const at = token.indexOf(".") + 5;
    expect(await verify({ hmac_secret_key: SECRET }, `${token.slice(0, at)}\n${token.slice(at)}`)).toBe(3500);
  });

  it("core 15: an algorithm without key is 3500", async () => {
    const verifier = await verifierFor();
    expect(await codeOf(verifier.verifyConnection(keyToken(CLAIMS, rsa.privateKey, "RS256")))).toBe(3500);
    expect(await verify({ rsa_public_key: pemOf(rsa) }, hmacToken(CLAIMS))).toBe(3500);
    expect(await verify({}, hmacToken(CLAIMS))).toBe(3500);
  });

  it("a public key is no secret: HS256 over its text is 3500", async () => {
    expect(await verify({ rsa_public_key: pemOf(rsa) }, hmacToken(CLAIMS, pemOf(rsa)))).toBe(3500);
  });

  it.each(["PS256", "EdDSA", "hs256", "HS256 ", "constructor", "__proto__"])(
    "%s is 3500",
    async (algorithm) => {
      const token = assemble(algorithm, CLAIMS, () => Buffer.alloc(32));
      expect(await codeOf((await verifierFor()).verifyConnection(token))).toBe(3500);
    },
  );

  it("a header may say more, unless it demands what nobody knows or has a wrong type", async () => {
    const verifier = await verifierFor();
    expect(await codeOf(verifier.verifyConnection(withHeader({ kid: "any", x: 1 })))).toBe(0);
    for (const more of [{ crit: ["x"], x: 1 }, { kid: 1 }, { typ: {} }, { alg: 1 }, { alg: null }]) {
      expect(await codeOf(verifier.verifyConnection(withHeader(more)))).toBe(3500);
    }
  });
});

describe("a changed token", () => {
  const signed: readonly (readonly [string, Partial<TokenConfig>, string])[] = [
    ["HS256", { hmac_secret_key: SECRET }, hmacToken(CLAIMS)],
    ["RS256", { rsa_public_key: pemOf(rsa) }, keyToken(CLAIMS, rsa.privateKey, "RS256")],
    ["ES384", { ecdsa_public_key: pemOf(p384) }, keyToken(CLAIMS, p384.privateKey, "ES384")],
  ];

  it.each(signed)("%s: any other character in the signature is 3500", async (_algorithm, options, token) => {
    const verifier = await verifierOf(options);
    const start = token.lastIndexOf(".") + 1;
    const at = fc.integer({ min: start, max: token.length - 1 });
    await fc.assert(
      fc.asyncProperty(
        at,
        fc.base64String({ minLength: 4, maxLength: 4 }),
        async (position, [character = "A"]) => {
          fc.pre(token.charAt(position) !== character);
          const changed = token.slice(0, position) + character + token.slice(position + 1);
          expect(await codeOf(verifier.verifyConnection(changed))).toBe(3500);
        },
      ),
    );
  });

  it.each(signed)("%s: any flipped bit of the signature is 3500", async (_algorithm, options, token) => {
    const verifier = await verifierOf(options);
    const start = token.lastIndexOf(".") + 1;
    const signature = Buffer.from(token.slice(start), "base64url");
    const bit = fc.integer({ min: 0, max: signature.length * 8 - 1 });
    await fc.assert(
      fc.asyncProperty(bit, async (index) => {
        const changed = signature.map((byte, at) => (at === index >> 3 ? byte ^ (1 << (index & 7)) : byte));
        const text = token.slice(0, start) + Buffer.from(changed).toString("base64url");
        expect(await codeOf(verifier.verifyConnection(text))).toBe(3500);
      }),
    );
  });
});

describe("keys that cannot be used", () => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const foreign = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
  const secret = p256.privateKey.export({ type: "pkcs8", format: "pem" }).toString();

  it.each([
    ["rsa_public_key", "no PEM", "not the PEM text of a public key or certificate"],
    ["rsa_public_key", pemOf(p256), "not an RSA key but ec"],
    ["rsa_public_key", pemOf(weak), "has 1024 bits, needs at least 2048"],
    ["ecdsa_public_key", "no PEM", "not the PEM text of a public key or certificate"],
    ["ecdsa_public_key", pemOf(rsa), "not an EC key but rsa"],
    ["ecdsa_public_key", pemOf(foreign), "curve secp256k1 is none of prime256v1, secp384r1, secp521r1"],
    ["ecdsa_public_key", secret, "is a private key; give its public key"],
  ])("%s is named when the server does not start", async (option, pem, problem) => {
    await expect(verifierOf({ [option]: pem })).rejects.toThrow(`client.token.${option}: ${problem}`);
  });
});
