import { describe, expect, it } from "vitest";
import { RemoteKeys } from "../../../../src/auth/jwks/remote-keys.ts";
import { createClientTokenVerifier, createTokenVerifier } from "../../../../src/auth/token-verifier.ts";
import type { TokenConfig } from "../../../../src/auth/config.ts";
import type { LogFields, Logger } from "../../../../src/core/logger.ts";
import type { TokenVerifier } from "../../../../src/core/token-verifier.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { codeOf, hmacToken, NO_OPTIONS, NOW_SEC, SECRET, uniCodeOf, withSecret } from "../tokens.ts";
import { keySetOf, KeyServer, makeKey, tokenBy } from "./key-server.ts";

const A = makeKey("a");
const B = makeKey("b");
const RSA = makeKey("r", "RSA");
const ED = makeKey("d", "Ed25519");

function verifierAt(
  endpoint: string,
  options: Partial<TokenConfig> = {},
  clock = new FakeClock(),
  logger?: Logger,
): Promise<TokenVerifier> {
  return createTokenVerifier({ ...NO_OPTIONS, jwks_public_endpoint: endpoint, ...options }, clock, {
    logger,
  });
}

describe("tokens by published keys", () => {
  it("core 20: two keys come with one GET, and the second token causes none", async () => {
    await using server = await KeyServer.publish(A, B);
    const verifier = await verifierAt(`${server.origin}/keys`);
    expect(server.requests).toEqual([]);
    expect(await verifier.verifyConnection(tokenBy(A))).toMatchObject({ user: "42" });
    expect(await verifier.verifyConnection(tokenBy(B))).toMatchObject({ user: "42" });
    expect(server.requests).toEqual(["/keys"]);
  });

  it("concurrent connects cause one GET", async () => {
    await using server = await KeyServer.publish(A, B);
    const verifier = await verifierAt(server.origin);
    const tokens = Array.from({ length: 100 }, (_, index) => tokenBy(index % 2 === 0 ? A : B));
    const codes = await Promise.all(tokens.map((token) => codeOf(verifier.verifyConnection(token))));
    expect(new Set(codes)).toEqual(new Set([0]));
    expect(server.requests).toHaveLength(1);
  });

  it("core 22: a key without use counts (deviation), and a token must name its key", async () => {
    await using server = await KeyServer.publish(A);
    const { use, ...unused } = B.jwk;
    server.serve(keySetOf(A, unused));
    const verifier = await verifierAt(server.origin);
    expect(use).toBe("sig");
    expect(await codeOf(verifier.verifyConnection(tokenBy(B)))).toBe(0);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, {}, "ES256", {})))).toBe(3500);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, {}, "ES256", { kid: "" })))).toBe(3500);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, {}, "ES256", { kid: "a".repeat(513) })))).toBe(
      3500,
    );
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(0);
    expect(server.requests).toHaveLength(1);
  });

  it("core 23: Ed25519 is accepted from a key set only", async () => {
    await using server = await KeyServer.publish(ED);
    const verifier = await verifierAt(server.origin);
    expect(await codeOf(verifier.verifyConnection(tokenBy(ED, {}, "EdDSA")))).toBe(0);
    const fixed = await createTokenVerifier(withSecret(), new FakeClock());
    expect(await codeOf(fixed.verifyConnection(tokenBy(ED, {}, "EdDSA")))).toBe(3500);
  });

  it.each(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])("%s is accepted", async (algorithm) => {
    await using server = await KeyServer.publish(RSA);
    const verifier = await verifierAt(server.origin);
    expect(await codeOf(verifier.verifyConnection(tokenBy(RSA, {}, algorithm)))).toBe(0);
  });

  it.each([
    ["P-384", "ES384"],
    ["P-521", "ES512"],
  ] as const)("%s with %s is accepted", async (curve, algorithm) => {
    const key = makeKey("k", curve);
    await using server = await KeyServer.publish(key);
    const verifier = await verifierAt(server.origin);
    expect(await codeOf(verifier.verifyConnection(tokenBy(key, {}, algorithm)))).toBe(0);
  });

  it("a key with alg is for that algorithm only", async () => {
    await using server = await KeyServer.publish();
    server.serve(keySetOf({ ...RSA.jwk, alg: "RS384" }));
    const verifier = await verifierAt(server.origin);
    expect(await codeOf(verifier.verifyConnection(tokenBy(RSA, {}, "RS384")))).toBe(0);
    expect(await codeOf(verifier.verifyConnection(tokenBy(RSA, {}, "RS256")))).toBe(3500);
  });

  it.each(["none", "HS256", "PS1", "ES256K", "RS1", ""])(
    "algorithm %j is refused without asking",
    async (alg) => {
      await using server = await KeyServer.publish(A);
      const verifier = await verifierAt(server.origin);
      const token = tokenBy(A, {}, "ES256", { kid: "a", alg });
      expect(await codeOf(verifier.verifyConnection(token))).toBe(3500);
      expect(server.requests).toEqual([]);
    },
  );

  it("the signature counts, and everything after it", async () => {
    await using server = await KeyServer.publish(A, B);
    const verifier = await verifierAt(server.origin, { issuer: "i" });
    const signedByOther = tokenBy(B, { iss: "i" }, "ES256", { kid: "a" });
    expect(await codeOf(verifier.verifyConnection(signedByOther))).toBe(3500);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, { iss: "j" })))).toBe(3500);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, { iss: "i", exp: NOW_SEC })))).toBe(109);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, { iss: "i" })))).toBe(0);
  });

  it("keys with the same id are tried one after the other", async () => {
    const twin = makeKey("a");
    await using server = await KeyServer.publish(A, twin);
    const verifier = await verifierAt(server.origin);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(0);
    expect(await codeOf(verifier.verifyConnection(tokenBy(twin)))).toBe(0);
  });

  it("a key of a type to come does not spoil the others", async () => {
    await using server = await KeyServer.publish();
    server.serve(keySetOf({ kty: "AKP", alg: "ML-DSA-44", kid: "pq", use: "sig", pub: "AA" }, A));
    const verifier = await verifierAt(server.origin);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(0);
  });

  it("all other keys are ignored, even where they are no keys", async () => {
    await using server = await KeyServer.publish(A);
    const fixed = { hmac_secret_key: SECRET, rsa_public_key: "x", ecdsa_public_key: "y" };
    const verifier = await verifierAt(server.origin, fixed);
    expect(await codeOf(verifier.verifyConnection(hmacToken({ sub: "42" })))).toBe(3500);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(0);
  });

  it("a key that has been replaced is replaced here", async () => {
    await using server = await KeyServer.publish(A);
    const clock = new FakeClock();
    const verifier = await verifierAt(server.origin, {}, clock);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(0);
    server.serve(keySetOf(B));
    clock.advance(5_000);
    expect(await codeOf(verifier.verifyConnection(tokenBy(B)))).toBe(0);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(3500);
    expect(server.requests).toHaveLength(2);
  });

  it("subscription tokens may have a key set of their own", async () => {
    await using server = await KeyServer.publish(A);
    const own = { ...NO_OPTIONS, jwks_public_endpoint: `${server.origin}/sub`, enabled: true };
    const verifier = await createClientTokenVerifier(
      { token: withSecret(), subscription_token: own, insecure_skip_token_signature_verify: false },
      new FakeClock(),
    );
    const claims = { sub: "42", channel: "a" };
    expect(await codeOf(verifier.verifySubscription(tokenBy(A, claims)))).toBe(0);
    expect(await codeOf(verifier.verifySubscription(hmacToken(claims)))).toBe(3500);
    expect(await codeOf(verifier.verifyConnection(hmacToken({ sub: "42" })))).toBe(0);
    expect(server.requests).toEqual(["/sub"]);
  });

  it("core 25: are not asked for where no signature is verified", async () => {
    await using server = await KeyServer.publish(A);
    const options = { ...NO_OPTIONS, jwks_public_endpoint: server.origin };
    const verifier = await createTokenVerifier(options, new FakeClock(), { skipSignature: true });
    expect(await codeOf(verifier.verifyConnection(hmacToken({ sub: "42" }, "other")))).toBe(0);
    expect(server.requests).toEqual([]);
  });
});

describe("core 21: an endpoint that cannot be used", () => {
  it("is a temporary failure after two attempts, to unidirectional clients 3004", async () => {
    await using server = await KeyServer.publish(A);
    server.serve("", 503);
    const verifier = await verifierAt(server.origin);
    expect(await uniCodeOf(verifier.verifyConnection(tokenBy(A)))).toBe(3004);
    expect(server.requests).toHaveLength(2);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(100);
    expect(server.requests).toHaveLength(2);
  });

  it("is a temporary failure where nothing listens, until something does", async () => {
    const server = await KeyServer.publish(A);
    const { origin } = server;
    await server[Symbol.asyncDispose]();
    const lines: [LogFields, string][] = [];
    const log = (fields: LogFields, message: string): void => void lines.push([fields, message]);
    const logger = { debug: log, info: log, warn: log, error: log };
    const verifier = await verifierAt(origin, {}, new FakeClock(), logger);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(100);
    expect(lines).toEqual([
      [
        {
          endpoint: `${origin}/`,
          err: expect.objectContaining({ message: expect.stringMatching(/ECONNREFUSED/) }),
        },
        "key set cannot be downloaded",
      ],
    ]);
  });

  it("does not take away the keys that are known", async () => {
    await using server = await KeyServer.publish(A);
    const clock = new FakeClock();
    const verifier = await verifierAt(server.origin, {}, clock);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(0);
    await server[Symbol.asyncDispose]();
    clock.advance(3_599_999);
    expect(await codeOf(verifier.verifyConnection(tokenBy(B)))).toBe(100);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(0);
    clock.advance(1);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(100);
  });

  it.each([
    ["is not JSON", "<html>"],
    ["is empty", ""],
    ["is no object", "[]"],
    ["has no list of keys", `{"keys":{}}`],
    ["has too many keys", JSON.stringify({ keys: Array.from({ length: 101 }, () => A.jwk) })],
    ["is too long", `${" ".repeat(262_144)}{"keys":[]}`],
  ])("is a temporary failure where the document %s", async (_, document) => {
    await using server = await KeyServer.publish(A);
    server.serve(document);
    const verifier = await verifierAt(server.origin);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(100);
  });

  it("is none where the document merely has no such key", async () => {
    await using server = await KeyServer.publish();
    server.serve(`{"keys":[null,1,"a",[],{}]}`);
    const verifier = await verifierAt(server.origin);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A)))).toBe(3500);
  });
});

describe("an endpoint that depends on the token", () => {
  const ISSUERS = { issuer_regex: "^https://(?P<tenant>acme|globex)$" };
  const ANY = { issuer_regex: "(?P<tenant>.*)", insecure_skip_jwks_endpoint_safety_check: true };
  const acme = { iss: "https://acme" };

  it("has keys for each of its URLs: an id means nothing at another one", async () => {
    await using server = await KeyServer.publish();
    const twin = makeKey("a");
    server.answer = (request, response) => response.end(keySetOf(request.url === "/acme/keys" ? A : twin));
    const verifier = await verifierAt(`${server.origin}/{{tenant}}/keys`, ISSUERS);
    const globex = { iss: "https://globex" };
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, acme)))).toBe(0);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, globex)))).toBe(3500);
    expect(await codeOf(verifier.verifyConnection(tokenBy(twin, globex)))).toBe(0);
    expect(await codeOf(verifier.verifyConnection(tokenBy(twin, acme)))).toBe(3500);
    expect(server.requests).toEqual(["/acme/keys", "/globex/keys"]);
  });

  it("is not asked for a token whose issuer does not match", async () => {
    await using server = await KeyServer.publish(A);
    const verifier = await verifierAt(`${server.origin}/{{tenant}}/keys`, ISSUERS);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, { iss: "https://evil" })))).toBe(3500);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, {})))).toBe(3500);
    expect(server.requests).toEqual([]);
  });

  it("may take groups of the audience, the last of equal names", async () => {
    await using server = await KeyServer.publish(A);
    const verifier = await verifierAt(`${server.origin}/{{tenant}}/{{app}}`, {
      ...ISSUERS,
      audience_regex: "(?P<app>web|ios)",
    });
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, { ...acme, aud: ["x", "ios", "web"] })))).toBe(
      0,
    );
    expect(server.requests).toEqual(["/acme/ios"]);
  });

  it.each(["..", "a/../../b", "a//b", "", "."])("is not asked for %j", async (iss) => {
    await using server = await KeyServer.publish(A);
    const verifier = await verifierAt(`${server.origin}/{{tenant}}/keys`, ANY);
    expect(await codeOf(verifier.verifyConnection(tokenBy(A, { iss })))).toBe(3500);
    expect(server.requests).toEqual([]);
  });
});

describe("made-up tenants", () => {
  const options = {
    ...NO_OPTIONS,
    jwks_public_endpoint: "https://id.example/{{tenant}}",
    issuer_regex: "(?P<tenant>.+)",
    insecure_skip_jwks_endpoint_safety_check: true,
  };

  /** Asks for a tenant's key. */
  function openKeys(download: (url: string) => Promise<Uint8Array>): (tenant: string) => Promise<number> {
    const keys = new RemoteKeys(options, "client.token", {
      clock: new FakeClock(),
      logger: undefined,
      download,
    });
    return (tenant) =>
      codeOf(
        Promise.resolve(
          keys.keysFor({ algorithm: "ES256", keyId: "a" }, () => new Map([["tenant", tenant]])),
        ),
      );
  }

  it("do not drive out the keys of real ones", async () => {
    let downloads = 0;
    const ask = openKeys((url) => {
      downloads++;
      return url.endsWith("/acme")
        ? Promise.resolve(Buffer.from(keySetOf(A)))
        : Promise.reject(new Error("not found"));
    });
    expect(await ask("acme")).toBe(0);
    for (let index = 0; index < 1_000; index++) expect(await ask(`t${index}`)).toBe(100);
    expect(await ask("acme")).toBe(0);
    expect(downloads).toBe(1_001);
  });

  it("take turns where all of them have keys", async () => {
    const urls: string[] = [];
    const ask = openKeys((url) => {
      urls.push(url);
      return Promise.resolve(Buffer.from(keySetOf(A)));
    });
    for (let index = 0; index < 256; index++) expect(await ask(`t${index}`)).toBe(0);
    expect(await ask("t0")).toBe(0);
    expect(await ask("t256")).toBe(0);
    expect(await ask("t0")).toBe(0);
    expect(await ask("t1")).toBe(0);
    expect(urls.slice(256)).toEqual(["https://id.example/t256", "https://id.example/t1"]);
  });

  it("are downloaded 64 at once at most", async () => {
    let downloads = 0;
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    const ask = openKeys(() => {
      downloads++;
      return promise;
    });
    const answers = Array.from({ length: 70 }, (_, index) => ask(`t${index}`));
    resolve(Buffer.from(keySetOf(A)));
    const codes = await Promise.all(answers);
    expect(codes.slice(0, 64)).toEqual(Array.from({ length: 64 }, () => 0));
    expect(codes.slice(64)).toEqual(Array.from({ length: 6 }, () => 100));
    expect(downloads).toBe(64);
    expect(await ask("later")).toBe(0);
  });
});
