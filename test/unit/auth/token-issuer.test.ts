import { describe, expect, it } from "vitest";
import {
  checkConnectionToken,
  checkSubscriptionToken,
  TokenCheckError,
} from "../../../src/auth/token-check.ts";
import { TokenIssuer } from "../../../src/auth/token-issuer.ts";
import { createTokenVerifier } from "../../../src/auth/token-verifier.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { hmacToken, NO_OPTIONS, NOW_SEC, verifierFor, withSecret } from "./tokens.ts";

const WEEK_SEC = 604_800;
const issuer = new TokenIssuer(withSecret(), new FakeClock());

function partsOf(token: string): string[] {
  return token.split(".", 2).map((part) => Buffer.from(part, "base64url").toString());
}

describe("issued tokens", () => {
  it("core 101: have header and claims in Centrifugo's order", async () => {
    const token = await issuer.issueConnection({ user: "42", ttlSec: WEEK_SEC });
    expect(partsOf(token)).toEqual([
      `{"alg":"HS256","typ":"JWT"}`,
      `{"sub":"42","exp":${NOW_SEC + WEEK_SEC},"iat":${NOW_SEC}}`,
    ]);
    const subscription = await issuer.issueSubscription({ user: "42", ttlSec: WEEK_SEC, channel: "ch" });
    expect(partsOf(subscription)[1]).toBe(
      `{"sub":"42","exp":${NOW_SEC + WEEK_SEC},"iat":${NOW_SEC},"channel":"ch"}`,
    );
  });

  it.each([0, -1])("have no exp for a lifetime of %i, and no sub without user", async (ttlSec) => {
    expect(partsOf(await issuer.issueConnection({ user: "", ttlSec }))[1]).toBe(`{"iat":${NOW_SEC}}`);
  });

  it("have the user id in its claim, too", async () => {
    const withClaim = new TokenIssuer(withSecret({ user_id_claim: "uid" }), new FakeClock());
    const token = await withClaim.issueConnection({ user: "42", ttlSec: 0 });
    expect(partsOf(token)[1]).toBe(`{"sub":"42","iat":${NOW_SEC},"uid":"42"}`);
  });

  it("have further claims behind the usual ones, which they win over", async () => {
    const claims = { info: { n: 1 }, channels: ["a"], iat: 1 };
    const token = await issuer.issueConnection({ user: "42", ttlSec: 0, claims });
    expect(partsOf(token)[1]).toBe(`{"sub":"42","iat":1,"info":{"n":1},"channels":["a"]}`);
  });

  it("have the audience and the issuer that the options ask for", async () => {
    const options = withSecret({ audience: "a", issuer: "i" });
    const token = await new TokenIssuer(options, new FakeClock()).issueConnection({ user: "", ttlSec: 0 });
    expect(partsOf(token)[1]).toBe(`{"iat":${NOW_SEC},"aud":"a","iss":"i"}`);
    const verifier = await createTokenVerifier(options, new FakeClock());
    expect(await checkConnectionToken(verifier, token)).toMatchObject({ user: "" });
  });

  it("core 102: need an HMAC secret", () => {
    expect(() => new TokenIssuer(NO_OPTIONS, new FakeClock())).toThrow(/^client\.token\.hmac_secret_key: /);
    const settings = { section: "client.subscription_token" };
    expect(() => new TokenIssuer(NO_OPTIONS, new FakeClock(), settings)).toThrow(
      /^client\.subscription_token\./,
    );
  });
});

describe("checking", () => {
  it("core 103: an issued token is valid, and its claims are shown", async () => {
    const verifier = await verifierFor();
    const token = await issuer.issueConnection({ user: "42", ttlSec: 0 });
    const payload = `{"sub":"42","iat":${NOW_SEC}}`;
    expect(await checkConnectionToken(verifier, token)).toEqual({ user: "42", channels: [], payload });
    const subscription = await issuer.issueSubscription({ user: "42", ttlSec: 0, channel: "ch" });
    expect(await checkSubscriptionToken(verifier, subscription)).toMatchObject({ user: "42", channel: "ch" });
  });

  it("core 104: a subscription token is no connection token", async () => {
    const token = await issuer.issueSubscription({ user: "42", ttlSec: 0, channel: "ch" });
    await expect(checkConnectionToken(await verifierFor(), token)).rejects.toThrow(
      new TokenCheckError(
        `token with algorithm HS256 and claims {"sub":"42","iat":${NOW_SEC},"channel":"ch"} has error: `,
        "invalid token: a subscription token",
      ),
    );
  });

  it("an expired token is called that", async () => {
    await expect(checkConnectionToken(await verifierFor(), hmacToken({ exp: 1 }))).rejects.toThrow(
      `token with algorithm HS256 and claims {"exp":1} has error: token expired`,
    );
  });

  it("what is no token is not repeated", async () => {
    const check = checkConnectionToken(await verifierFor(), "abc");
    await expect(check).rejects.toThrow(new TokenCheckError("", "invalid token: not a JWT"));
  });
});
