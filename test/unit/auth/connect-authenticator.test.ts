import { describe, expect, it } from "vitest";
import {
  type ConnectAttempt,
  ConnectAuthenticator,
  type ConnectAuthenticatorOptions,
} from "../../../src/auth/connect-authenticator.ts";
import type { ConnectAnswer } from "../../../src/core/backend.ts";
import { clientError } from "../../../src/core/client-error.ts";
import type { OpeningHeaders } from "../../../src/core/connect-request.ts";
import { type Credentials, PLAIN_GRANT } from "../../../src/core/token-verifier.ts";
import { openingHeaders } from "../../support/opening-headers.ts";
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
  headers: OpeningHeaders = openingHeaders(),
  askBackend: ConnectAttempt["askBackend"] = () => undefined,
): Promise<Credentials> {
  const authenticator = new ConnectAuthenticator({ ...DEFAULTS, ...options }, await verifierFor());
  return authenticator.authenticate({ token, headers: headers, askBackend });
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
    expect(await authenticate("", options, openingHeaders({ "x-u": "5" }))).toMatchObject({
      user: "5",
      source: "header",
    });
    expect(await authenticate(TOKEN, options, openingHeaders({ "x-u": "5" }))).toMatchObject({
      user: "42",
      source: "token",
    });
    expect(await codeOf(authenticate("", options))).toBe(3501);
    expect(await codeOf(authenticate("", options, openingHeaders({ "x-u": "" })))).toBe(3501);
    expect(await codeOf(authenticate("", {}, openingHeaders({ "": "5", "x-u": "5" })))).toBe(3501);
  });

  it("core 30: are anonymous in spite of the header where that is allowed", async () => {
    const options = { user_id_http_header: "X-U", allow_anonymous_connect_without_token: true };
    expect(await authenticate("", options, openingHeaders({ "x-u": "5" }))).toMatchObject({
      user: "",
      source: "anonymous",
    });
  });

  it("an invalid token is not made good by anything else", async () => {
    const lenient = {
      allow_anonymous_connect_without_token: true,
      insecure: true,
      user_id_http_header: "X-U",
    };
    expect(await codeOf(authenticate("abc", lenient, openingHeaders({ "x-u": "5" })))).toBe(3500);
    expect(await codeOf(authenticate(hmacToken({ exp: 1 }), lenient))).toBe(109);
  });
});

describe("a header that names the user", () => {
  const options = { user_id_http_header: "X-U" };

  it("that came twice names nobody", async () => {
    expect(await codeOf(authenticate("", options, openingHeaders({ "x-u": ["5", "6"] })))).toBe(3501);
  });

  it("is no metadata of a call", async () => {
    expect(await codeOf(authenticate("", options, openingHeaders({ "x-u": "5" }, "grpc")))).toBe(3501);
  });
});

describe("the backend", () => {
  const answer: ConnectAnswer = {
    user: "7",
    expireAtSec: NOW_SEC + 5,
    info: Buffer.from("1"),
    meta: Buffer.from("2"),
    labels: new Map([["a", "b"]]),
    subscriptions: new Map([["news", PLAIN_GRANT]]),
    data: Buffer.from("3"),
  };
  const none = openingHeaders();

  it("says who a client without token is", async () => {
    const credentials = await authenticate("", {}, none, async () => answer);
    expect(credentials).toEqual({ ...answer, tokenId: "", issuedAtSec: 0, source: "backend" });
  });

  it("may let an anonymous user in, whatever the configuration says of them", async () => {
    const user = await authenticate("", {}, none, async () => ({ ...answer, user: "" }));
    expect(user).toMatchObject({ user: "", source: "backend" });
  });

  it("is not asked about a client with a token, not even about an invalid one", async () => {
    const ask = (): never => {
      throw new Error("asked");
    };
    expect(await authenticate(TOKEN, {}, none, ask)).toMatchObject({ user: "42", data: undefined });
    expect(await codeOf(authenticate("garbage", {}, none, ask))).toBe(3500);
    expect(await codeOf(authenticate(hmacToken({ exp: 1 }), {}, none, ask))).toBe(109);
  });

  it("leaves it to the configuration where it has no opinion", async () => {
    const headers = openingHeaders({ "x-u": "5" });
    const ask = async (): Promise<undefined> => undefined;
    expect(await codeOf(authenticate("", {}, headers, ask))).toBe(3501);
    const allowed = { allow_anonymous_connect_without_token: true };
    expect(await authenticate("", allowed, headers, ask)).toMatchObject({ user: "", source: "anonymous" });
    const named = { user_id_http_header: "X-U" };
    expect(await authenticate("", named, headers, ask)).toMatchObject({ user: "5", source: "header" });
  });

  it("refuses with an error of its own", async () => {
    const ask = (): Promise<never> => Promise.reject(clientError("permissionDenied"));
    const allowed = { allow_anonymous_connect_without_token: true };
    expect(await codeOf(authenticate("", allowed, none, ask))).toBe(103);
  });

  it("nobody expires where the server is insecure", async () => {
    const credentials = await authenticate("", { insecure: true }, none, async () => answer);
    expect(credentials).toMatchObject({ user: "7", expireAtSec: undefined });
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
