import { generateKeyPairSync } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPublicKeys } from "../../../../src/auth/jwks/public-keys.ts";
import { keySetOf, makeKey } from "./key-server.ts";

const RSA = makeKey("r", "RSA").jwk;
const EC = makeKey("e").jwk;
const ED = makeKey("d", "Ed25519").jwk;

/** "id: algorithms" of each usable key, and why the others are not. */
async function read(...keys: readonly unknown[]): Promise<string[]> {
  const { byId, skipped } = await readPublicKeys(Buffer.from(JSON.stringify({ keys })));
  const usable = [...byId].map(([id, algorithms]) => `${id}: ${[...algorithms.keys()].join(" ")}`);
  return [...usable, ...skipped];
}

describe("a key set", () => {
  it("has the algorithms of each type and curve", async () => {
    const p384 = makeKey("p384", "P-384").jwk;
    const p521 = makeKey("p521", "P-521").jwk;
    expect(await read(RSA, EC, p384, p521, ED)).toEqual([
      "r: RS256 RS384 RS512 PS256 PS384 PS512",
      "e: ES256",
      "p384: ES384",
      "p521: ES512",
      "d: EdDSA",
    ]);
  });

  it("a key's alg restricts it", async () => {
    expect(await read({ ...RSA, alg: "RS384" })).toEqual(["r: RS384"]);
    expect(await read({ ...RSA, alg: "PS256" })).toEqual(["r: PS256"]);
    expect(await read({ ...EC, alg: "ES256" }, { ...ED, alg: "EdDSA" })).toEqual(["e: ES256", "d: EdDSA"]);
  });

  it("keys may share an id", async () => {
    const { byId } = await readPublicKeys(
      Buffer.from(keySetOf(EC, { ...makeKey("e").jwk }, { ...RSA, kid: "e" })),
    );
    expect(byId.get("e")?.get("ES256")).toHaveLength(2);
    expect(byId.get("e")?.get("RS256")).toHaveLength(1);
  });

  it("what is not needed of a key does not matter", async () => {
    expect(await read({ ...EC, x5c: ["…"], key_ops: ["verify"], ext: true, nbf: 1, x5t: {} })).toEqual([
      "e: ES256",
    ]);
  });

  it("core 22 (deviation: it counts): a key without use", async () => {
    const { use, ...noUse } = EC;
    expect(use).toBe("sig");
    expect(await read(noUse)).toEqual(["e: ES256"]);
  });

  const { n, ...noModulus } = RSA;
  const { x, ...noX } = EC;
  const { kid, ...noId } = EC;
  const secp = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey.export({ format: "jwk" });
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
  const x25519 = generateKeyPairSync("x25519").publicKey.export({ format: "jwk" });
  const SIG = { kid: "k", use: "sig" };
  const UNSUPPORTED = "its type or curve is not supported";

  it.each([
    ["for encryption", { ...EC, use: "enc" }, "`use` is not sig"],
    ["of no use that is text", { ...EC, use: 1 }, "`use` is not sig"],
    ["for other operations", { ...EC, key_ops: ["wrapKey"] }, "`key_ops` is not verify"],
    ["for operations that are no list", { ...EC, key_ops: "verify" }, "`key_ops` is not verify"],
    ["without id", noId, "`kid` is missing or not text"],
    ["with a numeric id", { ...EC, kid: 1 }, "`kid` is missing or not text"],
    ["of unknown type", { ...SIG, kty: "AKP", alg: "ML-DSA-44", pub: "AA" }, UNSUPPORTED],
    ["that is a secret", { ...SIG, kty: "oct", k: "AAAA", alg: "HS256" }, UNSUPPORTED],
    ["on an unknown curve", { ...secp, ...SIG }, UNSUPPORTED],
    ["on a curve called constructor", { ...EC, crv: "constructor" }, UNSUPPORTED],
    ["that cannot sign", { ...x25519, ...SIG }, UNSUPPORTED],
    [
      "for encryption by its algorithm",
      { ...RSA, alg: "RSA-OAEP" },
      "`alg` is none that is accepted for the type",
    ],
    ["for HMAC", { ...RSA, alg: "HS256" }, "`alg` is none that is accepted for the type"],
    [
      "of another algorithm than its curve's",
      { ...EC, alg: "ES384" },
      "`alg` is none that is accepted for the type",
    ],
    ["with a weak modulus", { ...weak, ...SIG }, "has 1024 bits, needs at least 2048"],
    ["with a private part", { ...EC, d: "AA" }, "a private key is nobody's secret any more"],
    ["without modulus", noModulus, "`n` is missing or not text"],
    ["without coordinate", noX, "`x` is missing or not text"],
    ["without type", { ...SIG }, "`kty` is missing or not text"],
    ["with a numeric coordinate", { ...EC, y: 1 }, "`y` is missing or not text"],
    ["that is null", null, "`kid` is missing or not text"],
    ["that is text", "key", "`kid` is missing or not text"],
  ])("a key %s is skipped", async (_, key, reason) => {
    expect([typeof n, typeof x, kid]).toEqual(["string", "string", "e"]);
    expect(await read(key, EC)).toEqual(["e: ES256", `key 0: ${reason}`]);
  });

  it("a point that is not on the curve is skipped", async () => {
    const skipped = await read({ ...EC, x: EC["y"] }, { ...RSA, n: "!" });
    expect(skipped).toEqual([expect.stringMatching(/^key 0: /), expect.stringMatching(/^key 1: /)]);
  });

  it("of hundreds of keys is refused", async () => {
    const keys = Array.from({ length: 101 }, () => EC);
    await expect(read(...keys)).rejects.toThrow("not a key set: 101 keys, 100 at most");
    expect(await read(...keys.slice(1))).toEqual(["e: ES256"]);
  });
});

describe("a document that is no key set", () => {
  it.each(["", "{", "null", "[]", "1", `"keys"`, "{}", `{"keys":{}}`, `{"keys":null}`, "<html>", "\ufeff{}"])(
    "%j is refused",
    async (document) => {
      await expect(readPublicKeys(Buffer.from(document))).rejects.toThrow(Error);
    },
  );

  it("bytes are refused", async () => {
    await expect(readPublicKeys(Buffer.of(0xff, 0xfe, 0))).rejects.toThrow(Error);
  });

  it("nested beyond measure is refused", async () => {
    await expect(readPublicKeys(Buffer.from("[".repeat(200_000)))).rejects.toThrow(Error);
  });
});

it("whatever a key set has in it, it is read", async () => {
  const member = fc.constantFrom("kty", "crv", "use", "alg", "kid", "n", "e", "x", "y", "d", "__proto__");
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("RSA", "EC", "OKP", "P-256", "Ed25519", "sig", "AQAB"),
  );
  const key = fc.oneof(
    fc.jsonValue(),
    fc
      .tuple(fc.constantFrom(RSA, EC, ED), fc.dictionary(member, value))
      .map(([jwk, more]) => ({ ...jwk, ...more })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(key, { maxLength: 5 }), async (keys) => {
      const { byId, skipped } = await readPublicKeys(Buffer.from(JSON.stringify({ keys })));
      expect(byId.size + skipped.length).toBeLessThanOrEqual(keys.length);
    }),
    { numRuns: 300 },
  );
});
