import { describe, expect, it } from "vitest";
import type { TokenConfig } from "../../../src/auth/config.ts";
import { createTokenVerifier } from "../../../src/auth/token-verifier.ts";
import { Refused, type TokenRefusal } from "../../../src/core/refusal.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import {
  type Claims,
  codeOf,
  hmacToken,
  NOW_SEC,
  refusalOf,
  textOf,
  uniCodeOf,
  verifierFor,
  withSecret,
} from "./tokens.ts";

const YEAR_SEC = 365 * 24 * 3600;

async function connect(claims: Claims, options: Parameters<typeof verifierFor>[0] = {}) {
  return (await verifierFor(options)).verifyConnection(hmacToken(claims));
}

describe("times", () => {
  it("core 1: a token without exp does not expire", async () => {
    expect(await connect({ sub: "42" })).toEqual({
      user: "42",
      expireAtSec: undefined,
      info: undefined,
      meta: undefined,
      labels: new Map(),
      subscriptions: new Map(),
      tokenId: "",
      issuedAtSec: 0,
    });
  });

  it("core 3: exp is when the connection expires", async () => {
    expect(await connect({ sub: "42", exp: NOW_SEC + 60 })).toMatchObject({ expireAtSec: NOW_SEC + 60 });
  });

  it("core 4, uni 40: exp a second ago is 109, to unidirectional clients 3005", async () => {
    const claims = { sub: "42", exp: NOW_SEC - 1 };
    expect(await codeOf(connect(claims))).toBe(109);
    expect(await uniCodeOf(connect(claims))).toBe(3005);
  });

  it("core 5: exp in the current second has passed", async () => {
    expect(await codeOf(connect({ exp: NOW_SEC }))).toBe(109);
    expect(await codeOf(connect({ exp: 0 }))).toBe(109);
  });

  it("core 6: exp in the past with a wrong signature is 3500", async () => {
    const token = hmacToken({ exp: NOW_SEC - 1 }, "other");
    expect(await codeOf((await verifierFor()).verifyConnection(token))).toBe(3500);
  });

  it("core 7, uni 40: nbf in the future is 109", async () => {
    expect(await codeOf(connect({ nbf: NOW_SEC + 60 }))).toBe(109);
    expect(await codeOf(connect({ nbf: NOW_SEC }))).toBe(0);
    expect(await codeOf(connect({ nbf: NOW_SEC - 60 }))).toBe(0);
  });

  it("core 9: exp as string or fraction is accepted, and iat in the future", async () => {
    expect(await connect({ exp: "1999999999" })).toMatchObject({ expireAtSec: NOW_SEC + YEAR_SEC });
    expect(await connect({ exp: NOW_SEC + 60.75 })).toMatchObject({ expireAtSec: NOW_SEC + 60 });
    expect(await connect(`{"exp":${NOW_SEC + 60}.0}`)).toMatchObject({ expireAtSec: NOW_SEC + 60 });
    expect(await connect({ iat: NOW_SEC + 3600 })).toMatchObject({ issuedAtSec: NOW_SEC + 3600 });
  });

  it("core 10: expire_at 0 means never, but exp still counts for the token", async () => {
    expect(await connect({ exp: NOW_SEC + 2, expire_at: 0 })).toMatchObject({ expireAtSec: undefined });
    expect(await connect({ exp: NOW_SEC + 2, expire_at: -5 })).toMatchObject({ expireAtSec: undefined });
    expect(await codeOf(connect({ exp: NOW_SEC - 2, expire_at: 0 }))).toBe(109);
  });

  it("core 11: expire_at in the past is for the caller to see", async () => {
    const claims = { exp: NOW_SEC + 60, expire_at: NOW_SEC - 1 };
    expect(await connect(claims)).toMatchObject({ expireAtSec: NOW_SEC - 1 });
  });

  it("no connection lasts longer than 365 days, unless for ever", async () => {
    const longest = { expireAtSec: NOW_SEC + YEAR_SEC };
    expect(await connect({ exp: NOW_SEC + YEAR_SEC + 1 })).toMatchObject(longest);
    expect(await connect({ exp: NOW_SEC + 60, expire_at: 9e15 })).toMatchObject(longest);
    expect(await connect({ exp: 1e300 })).toMatchObject(longest);
  });

  it("clocks may be off by the leeway: exp counts so much later, nbf so much earlier", async () => {
    const leeway = 30_000;
    expect(await codeOf(connect({ exp: NOW_SEC - 29 }, { leeway }))).toBe(0);
    expect(await codeOf(connect({ exp: NOW_SEC - 30 }, { leeway }))).toBe(109);
    expect(await codeOf(connect({ nbf: NOW_SEC + 30 }, { leeway }))).toBe(0);
    expect(await codeOf(connect({ nbf: NOW_SEC + 31 }, { leeway }))).toBe(109);
  });

  it("a connection lasts as long as its token counts, the leeway included, or until expire_at", async () => {
    const leeway = 30_000;
    expect(await connect({ exp: NOW_SEC - 10 }, { leeway })).toMatchObject({ expireAtSec: NOW_SEC + 20 });
    const claims = { exp: NOW_SEC - 10, expire_at: NOW_SEC + 5 };
    expect(await connect(claims, { leeway })).toMatchObject({ expireAtSec: NOW_SEC + 5 });
  });

  it("time passes", async () => {
    const clock = new FakeClock();
    const verifier = await verifierFor({}, clock);
    const token = hmacToken({ exp: NOW_SEC + 1 });
    clock.advance(999);
    expect(await codeOf(verifier.verifyConnection(token))).toBe(0);
    clock.advance(1);
    expect(await codeOf(verifier.verifyConnection(token))).toBe(109);
  });
});

describe("claims", () => {
  it("core 8, uni 41: a numeric sub is 3500", async () => {
    expect(await codeOf(connect({ sub: 42 }))).toBe(3500);
  });

  it.each<Claims>([
    { exp: "soon" },
    { exp: "" },
    { exp: true },
    `{"exp":1e999}`,
    { nbf: [] },
    { iat: "x" },
    { jti: 1 },
    { iss: 1 },
    { aud: 1 },
    { aud: ["a", 1] },
    { expire_at: 1.5 },
    { expire_at: "1" },
    { channels: "a" },
    { channels: [1] },
    { subs: ["a"] },
    { subs: { a: 1 } },
    { subs: { a: { b64info: 1 } } },
    { subs: { a: { override: true } } },
    { subs: { a: { override: { presence: true } } } },
    { subs: { a: { override: { presence: { value: 1 } } } } },
    { b64info: {} },
    { channel: 1 },
    "null",
    "[]",
    "1",
    "{",
    "",
    `{"a":tru}`,
    `{} {}`,
  ])("a claim of the wrong type is 3500: %j", async (claims) => {
    expect(await codeOf(connect(claims))).toBe(3500);
  });

  it("refusals carry a reason for the log, which does not repeat the token", async () => {
    const refusal = await refusalOf(connect({ sub: 42, iss: "secret-issuer" }));
    expect(refusal?.cause).toEqual(new Refused("token_bad_claim", "sub is not a string"));
  });

  it("null counts as absent", async () => {
    const claims = {
      sub: null,
      exp: null,
      nbf: null,
      iat: null,
      aud: null,
      channels: null,
      subs: { a: null },
    };
    const token = await connect(claims);
    expect(token.user).toBe("");
    expect(token.subscriptions.get("a")).toEqual({ info: undefined, data: undefined, override: {} });
  });

  it("core 13, uni 41: a connection token with a channel is 3500", async () => {
    expect(await codeOf(connect({ sub: "42", channel: "a" }))).toBe(3500);
    expect(await codeOf(connect({ sub: "42", channel: "" }))).toBe(0);
  });

  it("a token for a channel is refused before it is found to be expired", async () => {
    expect(await codeOf(connect({ channel: "a", exp: 1 }))).toBe(3500);
  });

  it("jti and iat are passed on", async () => {
    expect(await connect({ jti: "t1", iat: NOW_SEC - 0.5 })).toMatchObject({
      tokenId: "t1",
      issuedAtSec: NOW_SEC - 1,
    });
  });

  it("core 18: a user id claim may be a number, whose digits are kept", async () => {
    const options = { user_id_claim: "uid" };
    expect(await connect({ sub: "42", uid: 7 }, options)).toMatchObject({ user: "7" });
    expect(await connect(`{"uid":12345678901234567890}`, options)).toMatchObject({
      user: "12345678901234567890",
    });
    expect(await connect({ uid: 1.5 }, options)).toMatchObject({ user: "1.5" });
    expect(await connect({ uid: "x" }, options)).toMatchObject({ user: "x" });
    expect(await connect({ uid: true }, options)).toMatchObject({ user: "true" });
    expect(await connect({ sub: "42" }, options)).toMatchObject({ user: "" });
    expect(await codeOf(connect({ uid: "x", sub: 42 }, options))).toBe(3500);
    expect(await codeOf(connect({ uid: {} }, options))).toBe(3500);
  });

  it("half a surrogate pair is a replacement character", async () => {
    expect(await connect(`{"sub":"a\\ud800","channels":["\\udc00"]}`)).toMatchObject({
      user: "a\ufffd",
      subscriptions: new Map([["\ufffd", expect.anything()]]),
    });
  });

  it("a user id claim does not find what every object has", async () => {
    expect(await connect({}, { user_id_claim: "constructor" })).toMatchObject({ user: "" });
    expect(await connect({}, { user_id_claim: "__proto__" })).toMatchObject({ user: "" });
  });
});

describe("payloads", () => {
  it("info and meta keep the token's spelling", async () => {
    const token = await connect(
      `{"info": {"n": 1.00, "big":12345678901234567890 } ,"meta":[1e2, "\\u0041"]}`,
    );
    expect(textOf(token.info)).toBe(`{"n": 1.00, "big":12345678901234567890 }`);
    expect(textOf(token.meta)).toBe(`[1e2, "\\u0041"]`);
  });

  it("info may be null", async () => {
    expect(textOf((await connect({ info: null })).info)).toBe("null");
  });

  it("do not keep the token's bytes in memory", async () => {
    const { info } = await connect({ info: 1, padding: "x".repeat(1000) });
    expect(info?.buffer.byteLength).toBe(1);
  });

  it("b64info wins over info unless empty", async () => {
    expect(textOf((await connect({ info: 1, b64info: "eyJhIjoxfQ==" })).info)).toBe(`{"a":1}`);
    expect(textOf((await connect({ info: 1, b64info: "" })).info)).toBe("1");
    expect(textOf((await connect({ b64info: "eyJh\r\nIjoxfQ==" })).info)).toBe(`{"a":1}`);
  });

  it("core 34: bad b64info of the connection is 100, to unidirectional clients 3004", async () => {
    expect(await codeOf(connect({ b64info: "!!" }))).toBe(100);
    expect(await uniCodeOf(connect({ b64info: "!!" }))).toBe(3004);
    expect(await codeOf(connect({ b64info: "YQ" }))).toBe(100);
  });

  it("bad base64 inside subs is 3500, whatever that of the connection", async () => {
    expect(await codeOf(connect({ subs: { a: { b64info: "!!" } } }))).toBe(3500);
    expect(await codeOf(connect({ subs: { a: { b64data: "!!" } }, b64info: "!!" }))).toBe(3500);
  });

  it("an expired token is expired before its payloads are looked at", async () => {
    expect(await codeOf(connect({ exp: 1, b64info: "!!" }))).toBe(109);
  });
});

describe("subscriptions of a connection token", () => {
  it("core 31, uni 50: channels count only without subs", async () => {
    expect([...(await connect({ channels: ["a", "b"] })).subscriptions.keys()]).toEqual(["a", "b"]);
    expect([...(await connect({ channels: ["a"], subs: { b: {} } })).subscriptions.keys()]).toEqual(["b"]);
    expect([...(await connect({ channels: ["a"], subs: {} })).subscriptions.keys()]).toEqual(["a"]);
  });

  it("an empty channel name is left out", async () => {
    expect([...(await connect({ channels: ["", "b"] })).subscriptions.keys()]).toEqual(["b"]);
    expect([...(await connect({ subs: { "": {}, b: {} } })).subscriptions.keys()]).toEqual(["b"]);
    expect([...(await connect({ channels: ["a"], subs: { "": {} } })).subscriptions.keys()]).toEqual([]);
  });

  it("core 32: data and info of a subscription stay raw", async () => {
    const { subscriptions } = await connect(
      `{"subs":{"a":{"data":{"x":1.0},"info":[ ]},"b":{"b64data":"AAE="}}}`,
    );
    expect(textOf(subscriptions.get("a")?.data)).toBe(`{"x":1.0}`);
    expect(textOf(subscriptions.get("a")?.info)).toBe("[ ]");
    expect(subscriptions.get("b")?.data).toEqual(Buffer.of(0, 1));
  });

  it("core 35, uni 51: override changes the options it names", async () => {
    const override = {
      force_recovery: { value: true },
      presence: { value: false },
      join_leave: {},
      other: 1,
    };
    const { subscriptions } = await connect({ subs: { a: { override } } });
    expect(subscriptions.get("a")?.override).toEqual({
      forceRecovery: true,
      presence: false,
      joinLeave: false,
    });
  });

  it("core 45: channel names are free", async () => {
    const { subscriptions } = await connect({ channels: ["é", "__proto__"], subs: {} });
    expect([...subscriptions.keys()]).toEqual(["é", "__proto__"]);
    expect([...(await connect(`{"subs":{"__proto__":{}}}`)).subscriptions.keys()]).toEqual(["__proto__"]);
  });
});

describe("audience and issuer", () => {
  it("core 16: audience must be among aud, issuer must equal iss", async () => {
    expect(await codeOf(connect({ aud: ["b", "a"] }, { audience: "a" }))).toBe(0);
    expect(await codeOf(connect({ aud: "a" }, { audience: "a" }))).toBe(0);
    expect(await codeOf(connect({ aud: "b" }, { audience: "a" }))).toBe(3500);
    expect(await codeOf(connect({}, { audience: "a" }))).toBe(3500);
    expect(await codeOf(connect({ iss: "i" }, { issuer: "i" }))).toBe(0);
    expect(await codeOf(connect({ iss: "j" }, { issuer: "i" }))).toBe(3500);
    expect(await codeOf(connect({}, { issuer: "i" }))).toBe(3500);
  });

  it("an expired token for another audience is 3500", async () => {
    expect(await codeOf(connect({ aud: "b", exp: 1 }, { audience: "a" }))).toBe(3500);
    expect(await codeOf(connect({ iss: "b", exp: 1 }, { issuer_regex: "^a$" }))).toBe(3500);
  });

  it("patterns are not anchored; one of the audiences must match", async () => {
    expect(await codeOf(connect({ aud: ["x", "team-7"] }, { audience_regex: "(?P<team>[0-9]+)" }))).toBe(0);
    expect(await codeOf(connect({ aud: ["x"] }, { audience_regex: "[0-9]" }))).toBe(3500);
    expect(await codeOf(connect({}, { audience_regex: "" }))).toBe(0);
    expect(await codeOf(connect({}, { audience_regex: ".*" }))).toBe(3500);
    expect(
      await codeOf(connect({ iss: "https://a.example.com" }, { issuer_regex: String.raw`example\.com\z` })),
    ).toBe(0);
    expect(
      await codeOf(connect({ iss: "https://b.test" }, { issuer_regex: String.raw`example\.com\z` })),
    ).toBe(3500);
  });

  it("core 17: an exact value and a pattern at once are refused at start", async () => {
    await expect(verifierFor({ audience: "a", audience_regex: "a" })).rejects.toThrow(
      "client.token.audience_regex: cannot be set together with audience",
    );
    await expect(verifierFor({ issuer: "a", issuer_regex: "a" })).rejects.toThrow(
      /^client\.token\.issuer_regex: /,
    );
  });

  it("a bad pattern is refused at start", async () => {
    await expect(verifierFor({ issuer_regex: "(" })).rejects.toThrow(/^client\.token\.issuer_regex: /);
  });

  it("no text keeps a pattern busy", async () => {
    const claims = { iss: `${"a".repeat(64)}!` };
    expect(await codeOf(connect(claims, { issuer_regex: "^(a+)+$" }))).toBe(3500);
    expect(await codeOf(connect({ iss: "a".repeat(64) }, { issuer_regex: "^(a+)+$" }))).toBe(0);
  });

  it("a text beyond 2,048 characters matches no pattern", async () => {
    expect(await codeOf(connect({ iss: "a".repeat(2048) }, { issuer_regex: "a" }))).toBe(0);
    expect(await codeOf(connect({ iss: "a".repeat(2049) }, { issuer_regex: "a" }))).toBe(3500);
    expect(await codeOf(connect({ aud: ["a".repeat(2049), "a"] }, { audience_regex: "a" }))).toBe(0);
  });
});

describe("insecure_skip_token_signature_verify", () => {
  const clock = new FakeClock();

  it("core 25: believes any signature, but an expired token is expired", async () => {
    const verifier = await createTokenVerifier(withSecret(), clock, { skipSignature: true });
    expect(await codeOf(verifier.verifyConnection(hmacToken({ sub: "42" }, "other")))).toBe(0);
    expect(await codeOf(verifier.verifyConnection(hmacToken({ exp: NOW_SEC - 1 }, "other")))).toBe(109);
  });

  it("checks audience, issuer and types all the same", async () => {
    const verifier = await createTokenVerifier(withSecret({ issuer_regex: "^a$" }), clock, {
      skipSignature: true,
    });
    expect(await codeOf(verifier.verifyConnection(hmacToken({ iss: "b" }, "other")))).toBe(3500);
    expect(await codeOf(verifier.verifyConnection(hmacToken({ iss: "a", sub: 1 }, "other")))).toBe(3500);
  });
});

describe("why a token is refused is one of a closed set of reasons", () => {
  const cases: readonly (readonly [TokenRefusal, Claims, Partial<TokenConfig>])[] = [
    ["token_malformed", "[]", {}],
    ["token_bad_claim", { sub: 42 }, {}],
    ["token_bad_claim", { subs: [] }, {}],
    ["token_bad_claim", { b64info: "!" }, {}],
    ["token_bad_claim", { subs: { a: { b64info: "!" } } }, {}],
    ["token_wrong_kind", { channel: "a" }, {}],
    ["token_wrong_audience", { aud: "b" }, { audience: "a" }],
    ["token_wrong_audience", { aud: "b" }, { audience_regex: "a" }],
    ["token_wrong_issuer", { iss: "b" }, { issuer: "a" }],
    ["token_wrong_issuer", { iss: "b" }, { issuer_regex: "a" }],
    ["token_expired", { exp: NOW_SEC }, {}],
    ["token_not_yet_valid", { nbf: NOW_SEC + 60 }, {}],
    ["token_bad_signature", { sub: "42" }, { hmac_secret_key: "other" }],
    ["token_unknown_key", { sub: "42" }, { hmac_secret_key: "" }],
  ];

  it.each(cases)("%s: %j", async (reason, claims, options) => {
    const refusal = await refusalOf(connect(claims, options));
    expect(refusal?.cause).toMatchObject({ name: "Refused", reason });
  });

  it("whatever is no token is malformed", async () => {
    const verifier = await verifierFor();
    for (const text of ["abc", "eyJ.a", "eyJ.a.b!", "eyJh.eyJh.AAAA"]) {
      const refusal = await refusalOf(verifier.verifyConnection(text));
      expect(refusal?.cause).toMatchObject({ reason: "token_malformed" });
    }
  });

  it("a connection token where a subscription token belongs is of the wrong kind", async () => {
    const refusal = await refusalOf((await verifierFor()).verifySubscription(hmacToken({ sub: "42" })));
    expect(refusal?.cause).toMatchObject({ reason: "token_wrong_kind" });
  });
});
