import { describe, expect, it } from "vitest";
import {
  ConnectAuthenticator,
  type ConnectAuthenticatorOptions,
  type Credentials,
} from "../../../src/auth/connect-authenticator.ts";
import { codeOf, hmacToken, NOW_SEC, refusalOf, textOf, verifierFor } from "./tokens.ts";

const DEFAULTS: ConnectAuthenticatorOptions = {
  allow_anonymous_connect_without_token: false,
  disallow_anonymous_connection_tokens: false,
  user_id_http_header: "",
  insecure: false,
};
const TOKEN = hmacToken({ sub: "42" });

async function authenticate(
  token: string,
  options: Partial<ConnectAuthenticatorOptions> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Credentials> {
  const authenticator = new ConnectAuthenticator({ ...DEFAULTS, ...options }, await verifierFor());
  return authenticator.authenticate({ token, header: (name) => headers[name] });
}

describe("credentials", () => {
  it("core 1, uni 3: come from a token", async () => {
    expect(await authenticate(TOKEN)).toMatchObject({ user: "42", source: "token" });
  });

  it("carry what the token says", async () => {
    const token = hmacToken({
      sub: "42",
      exp: NOW_SEC + 5,
      info: 1,
      meta: 2,
      channels: ["a"],
      jti: "t",
      iat: 3,
    });
    const credentials = await authenticate(token);
    expect(credentials).toMatchObject({ expireAtSec: NOW_SEC + 5, tokenId: "t", issuedAtSec: 3 });
    expect(textOf(credentials.info)).toBe("1");
    expect(textOf(credentials.meta)).toBe("2");
    expect([...credentials.subscriptions.keys()]).toEqual(["a"]);
  });

  it("core 26, uni 1: are needed", async () => {
    const refusal = await refusalOf(authenticate(""));
    expect(refusal).toMatchObject({ code: 3501, reason: "bad request" });
  });

  it("core 27, uni 2: are empty where anonymous clients are allowed", async () => {
    const credentials = await authenticate("", { allow_anonymous_connect_without_token: true });
    expect(credentials).toMatchObject({ user: "", source: "anonymous", expireAtSec: undefined });
  });

  it("core 28: may come from a token without user, unless that is not allowed", async () => {
    const token = hmacToken({});
    expect(await authenticate(token)).toMatchObject({ user: "", source: "token" });
    expect(await codeOf(authenticate(token, { disallow_anonymous_connection_tokens: true }))).toBe(3507);
    expect(await codeOf(authenticate(TOKEN, { disallow_anonymous_connection_tokens: true }))).toBe(0);
  });

  it("core 29, uni 91: come from a header where there is no token", async () => {
    const options = { user_id_http_header: "X-U" };
    expect(await authenticate("", options, { "x-u": "5" })).toMatchObject({ user: "5", source: "header" });
    expect(await authenticate(TOKEN, options, { "x-u": "5" })).toMatchObject({ user: "42", source: "token" });
    expect(await codeOf(authenticate("", options))).toBe(3501);
    expect(await codeOf(authenticate("", options, { "x-u": "" }))).toBe(3501);
    expect(await codeOf(authenticate("", {}, { "": "5", "x-u": "5" }))).toBe(3501);
  });

  it("core 30: are anonymous in spite of the header where that is allowed", async () => {
    const options = { user_id_http_header: "X-U", allow_anonymous_connect_without_token: true };
    expect(await authenticate("", options, { "x-u": "5" })).toMatchObject({ user: "", source: "anonymous" });
  });

  it("an invalid token is not made good by anything else", async () => {
    const lenient = {
      allow_anonymous_connect_without_token: true,
      insecure: true,
      user_id_http_header: "X-U",
    };
    expect(await codeOf(authenticate("abc", lenient, { "x-u": "5" }))).toBe(3500);
    expect(await codeOf(authenticate(hmacToken({ exp: 1 }), lenient))).toBe(109);
  });
});

describe("insecure", () => {
  it("needs no token, and nobody expires", async () => {
    expect(await authenticate("", { insecure: true })).toMatchObject({ user: "", source: "anonymous" });
    const token = hmacToken({ sub: "42", exp: NOW_SEC + 5 });
    expect(await authenticate(token, { insecure: true })).toMatchObject({
      user: "42",
      expireAtSec: undefined,
    });
  });

  it("uni 90: a token that is sent must be valid", async () => {
    expect(await codeOf(authenticate("garbage", { insecure: true }))).toBe(3500);
  });
});
