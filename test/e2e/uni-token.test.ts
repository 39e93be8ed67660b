import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { codeOf, firstPush } from "../support/connect-outcome.ts";
import { openHttpStream } from "../support/push-stream.ts";
import { type ConfigInput, type RunningServer, runServer } from "../support/running-server.ts";
import { type Claims, hmacToken, keyToken } from "../unit/auth/tokens.ts";

type TokenInput = NonNullable<NonNullable<ConfigInput["client"]>["token"]>;

function nowSec(): number {
  return Math.floor(Date.now() / 1000);
}

/** A server that verifies tokens with the secret `k` and whatever else is given. */
function tokenServer(token: TokenInput = {}): Promise<RunningServer> {
  return runServer({ client: { token } });
}

function codeOfClaims(server: RunningServer, claims: Claims): Promise<number> {
  return codeOf(server, { token: hmacToken(claims) });
}

describe("uni: connection token", () => {
  it("core 1: a valid token connects, and does not expire", async () => {
    await using server = await tokenServer();
    const { connect } = await firstPush(server, { token: hmacToken({ sub: "42" }) });
    expect(connect).toBeDefined();
    expect(connect).not.toHaveProperty("expires");
    expect(connect).not.toHaveProperty("ttl");
  });

  it.each(["HS384", "HS512"])("core 2: %s with the same key", async (algorithm) => {
    await using server = await tokenServer();
    expect(await codeOf(server, { token: hmacToken({ sub: "42" }, "k", algorithm) })).toBe(0);
  });

  it("core 3: a token with expiry tells that and the seconds left", async () => {
    await using server = await tokenServer();
    const { connect } = await firstPush(server, { token: hmacToken({ sub: "42", exp: nowSec() + 60 }) });
    expect(connect).toMatchObject({ expires: true });
    expect([59, 60]).toContain(connect?.ttl);
  });

  it("uni 40, core 4, 5, 7: an expired token, or one not valid yet, ends with 3005", async () => {
    await using server = await tokenServer();
    for (const [claims, reason] of [
      [{ exp: nowSec() - 1 }, "connection expired"],
      [{ exp: nowSec() }, "connection expired"],
      [{ nbf: nowSec() + 60 }, "token not valid yet"],
    ] as const) {
      const push = await firstPush(server, { token: hmacToken({ sub: "42", ...claims }) });
      expect(push).toEqual({ disconnect: { code: 3005, reason } });
    }
  });

  it("client.token.leeway: clocks may be off", async () => {
    await using server = await tokenServer({ leeway: "1m" });
    expect(await codeOfClaims(server, { sub: "42", exp: nowSec() - 30 })).toBe(0);
    expect(await codeOfClaims(server, { sub: "42", nbf: nowSec() + 30 })).toBe(0);
    expect(await codeOfClaims(server, { sub: "42", exp: nowSec() - 90 })).toBe(3005);
  });

  it("an empty channel name is left out, and a line break at the end does not count", async () => {
    await using server = await tokenServer();
    const { connect } = await firstPush(server, {
      token: `${hmacToken({ sub: "42", channels: ["", "a"] })}\n`,
    });
    expect(Object.keys(connect?.subs ?? {})).toEqual(["a"]);
  });

  it("core 6: an expired token with a wrong signature is invalid", async () => {
    await using server = await tokenServer();
    expect(await codeOf(server, { token: hmacToken({ sub: "42", exp: 1 }, "wrong") })).toBe(3500);
  });

  it("uni 41, core 8, 13: a numeric sub, or a channel claim, is invalid", async () => {
    await using server = await tokenServer();
    expect(await codeOfClaims(server, { sub: 42 })).toBe(3500);
    expect(await codeOfClaims(server, { sub: "42", channel: "a" })).toBe(3500);
  });

  it("core 9: exp as text or with a fraction, and iat in the future, are accepted", async () => {
    await using server = await tokenServer();
    expect(await codeOfClaims(server, { sub: "42", exp: String(nowSec() + 1000) })).toBe(0);
    expect(await codeOfClaims(server, { sub: "42", exp: nowSec() + 1000.5 })).toBe(0);
    expect(await codeOfClaims(server, { sub: "42", iat: nowSec() + 1000 })).toBe(0);
  });

  it("core 10: with expire_at 0 the connection outlives the token", async () => {
    await using server = await runServer({ client: { expired_close_delay: "100ms" } });
    const claims = { sub: "42", exp: Date.now() / 1000 + 2 };
    await using lasting = await openHttpStream(server, { token: hmacToken({ ...claims, expire_at: 0 }) });
    expect((await lasting.next()).connect).not.toHaveProperty("expires");
    await using expiring = await openHttpStream(server, { token: hmacToken(claims) });
    expect(await expiring.untilEnd()).toContain('"code":3005');
    await server.disconnect("42", 3503, "force disconnect");
    expect((await lasting.next()).disconnect?.code).toBe(3503);
  });

  it("core 11: expire_at in the past ends with 3005 although the token is valid", async () => {
    await using server = await tokenServer();
    expect(await codeOfClaims(server, { sub: "42", exp: nowSec() + 60, expire_at: 1 })).toBe(3005);
  });

  it("core 14: alg none, and what is no token, are invalid", async () => {
    await using server = await tokenServer();
    const [, claims = ""] = hmacToken({ sub: "42" }).split(".");
    const header = Buffer.from('{"alg":"none"}').toString("base64url");
    for (const token of [`${header}.${claims}.`, "abc", "a.b.c"]) {
      expect(await codeOf(server, { token })).toBe(3500);
    }
  });

  it("core 15: RS256 is invalid where only HMAC is configured, and accepted with its key", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const token = keyToken({ sub: "42" }, privateKey, "RS256");
    await using hmacOnly = await tokenServer();
    expect(await codeOf(hmacOnly, { token })).toBe(3500);
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    await using server = await tokenServer({ rsa_public_key: pem });
    expect(await codeOf(server, { token })).toBe(0);
  });

  it("core 16: audience and issuer must fit", async () => {
    await using server = await tokenServer({ audience: "a" });
    expect(await codeOfClaims(server, { sub: "42", aud: ["b", "a"] })).toBe(0);
    expect(await codeOfClaims(server, { sub: "42", aud: "b" })).toBe(3500);
    expect(await codeOfClaims(server, { sub: "42" })).toBe(3500);
    await using issuer = await tokenServer({ issuer: "i" });
    expect(await codeOfClaims(issuer, { sub: "42", iss: "i" })).toBe(0);
    expect(await codeOfClaims(issuer, { sub: "42", iss: "j" })).toBe(3500);
  });

  it("core 17: with audience and audience_regex the server does not start", async () => {
    await expect(tokenServer({ audience: "a", audience_regex: "a" })).rejects.toThrow("audience_regex");
  });

  it("core 18: user_id_claim names the user; numbers become text", async () => {
    await using server = await tokenServer({ user_id_claim: "uid" });
    await using stream = await openHttpStream(server, { token: hmacToken({ sub: "x", uid: 7 }) });
    await stream.next();
    expect(await server.connectionsOf("7")).toHaveLength(1);
  });

  it("core 19: the previous key is accepted until its time is over", async () => {
    const token = hmacToken({ sub: "42" }, "old");
    await using server = await tokenServer({ hmac_previous_secret_key: "old" });
    expect(await codeOf(server, { token })).toBe(0);
    await using later = await tokenServer({
      hmac_previous_secret_key: "old",
      hmac_previous_secret_key_valid_until: nowSec() - 1,
    });
    expect(await codeOf(later, { token })).toBe(3500);
  });

  it("core 25: insecure_skip_token_signature_verify believes signatures, not times", async () => {
    await using server = await runServer({ client: { insecure_skip_token_signature_verify: true } });
    expect(await codeOf(server, { token: hmacToken({ sub: "42" }, "wrong") })).toBe(0);
    expect(await codeOf(server, { token: hmacToken({ sub: "42", exp: 1 }, "wrong") })).toBe(3005);
  });

  it("uni 42, core 33: a channel of an unknown namespace in the token ends with 3004", async () => {
    await using server = await tokenServer();
    expect(await codeOfClaims(server, { sub: "42", subs: { "zz:a": {} } })).toBe(3004);
    expect(await codeOfClaims(server, { sub: "42", channels: ["zz:a"] })).toBe(3004);
  });

  it("core 34: b64info that is not base64 ends with 3004", async () => {
    await using server = await tokenServer();
    expect(await codeOfClaims(server, { sub: "42", b64info: "!!" })).toBe(3004);
  });
});
