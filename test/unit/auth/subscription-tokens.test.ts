import { describe, expect, it } from "vitest";
import { createClientTokenVerifier } from "../../../src/auth/token-verifier.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type Claims, codeOf, hmacToken, NO_OPTIONS, NOW_SEC, verifierFor, withSecret } from "./tokens.ts";

async function subscribe(claims: Claims) {
  return (await verifierFor()).verifySubscription(hmacToken(claims));
}

describe("a subscription token", () => {
  it("says channel, user, client, payloads and override", async () => {
    const claims = {
      sub: "42",
      channel: "a",
      client: "c",
      info: 1,
      data: 2,
      override: { presence: { value: true } },
    };
    expect(await subscribe({ ...claims, exp: NOW_SEC + 9, jti: "t", iat: NOW_SEC })).toEqual({
      user: "42",
      channel: "a",
      client: "c",
      expireAtSec: NOW_SEC + 9,
      info: new Uint8Array(Buffer.from("1")),
      data: new Uint8Array(Buffer.from("2")),
      override: { presence: true },
      tokenId: "t",
      issuedAtSec: NOW_SEC,
    });
  });

  it("does not last longer than 365 days", async () => {
    const longest = NOW_SEC + 365 * 24 * 3600;
    expect(await subscribe({ channel: "a", exp: longest + 1 })).toMatchObject({ expireAtSec: longest });
  });

  it("needs a channel, but is found to be expired first", async () => {
    expect(await codeOf(subscribe({ sub: "42" }))).toBe(3500);
    expect(await codeOf(subscribe({ sub: "42", exp: 1 }))).toBe(109);
  });

  it("bad base64 is 3500", async () => {
    expect(await codeOf(subscribe({ channel: "a", b64info: "!!" }))).toBe(3500);
    expect(await codeOf(subscribe({ channel: "a", b64data: "!!" }))).toBe(3500);
  });

  it("has keys of its own where configured", async () => {
    const token = withSecret();
    const own = { ...NO_OPTIONS, hmac_secret_key: "other" };
    const claims = { sub: "42", channel: "a" };
    const options = {
      token,
      subscription_token: { ...own, enabled: true },
      insecure_skip_token_signature_verify: false,
    };
    const separate = await createClientTokenVerifier(options, new FakeClock());
    expect(await codeOf(separate.verifySubscription(hmacToken(claims)))).toBe(3500);
    expect(await codeOf(separate.verifySubscription(hmacToken(claims, "other")))).toBe(0);
    expect(await codeOf(separate.verifyConnection(hmacToken({ sub: "42" })))).toBe(0);
    const off = { ...options, subscription_token: { ...own, enabled: false } };
    const shared = await createClientTokenVerifier(off, new FakeClock());
    expect(await codeOf(shared.verifySubscription(hmacToken(claims)))).toBe(0);
  });

  it("is spoken of by its own section of the configuration", async () => {
    const broken = { ...NO_OPTIONS, rsa_public_key: "x", enabled: true };
    const options = {
      token: withSecret(),
      subscription_token: broken,
      insecure_skip_token_signature_verify: false,
    };
    await expect(createClientTokenVerifier(options, new FakeClock())).rejects.toThrow(
      /^client\.subscription_token\.rsa_public_key: /,
    );
  });
});
