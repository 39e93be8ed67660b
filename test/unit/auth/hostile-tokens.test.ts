import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf, hmacToken, verifierFor } from "./tokens.ts";

describe("whatever is sent", () => {
  const segment = fc.oneof(
    fc.string(),
    fc.base64String(),
    fc.json().map((json) => Buffer.from(json).toString("base64url")),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64url")),
  );

  it("the answer to a text is a refusal", async () => {
    const verifier = await verifierFor();
    const text = fc.oneof(
      fc.string(),
      fc.tuple(segment, segment, segment).map((parts) => `eyJ${parts.join(".")}`),
    );
    await fc.assert(
      fc.asyncProperty(text, async (token) => {
        expect(await codeOf(verifier.verifyConnection(token))).toBe(3500);
      }),
    );
  });

  it("the answer to signed claims is a token or a refusal", async () => {
    const verifier = await verifierFor({ user_id_claim: "user" });
    const name = fc.constantFrom(
      ..."sub exp nbf iat aud iss jti info b64info meta labels channels subs expire_at channel client override user".split(
        " ",
      ),
    );
    const claims = fc.oneof(
      fc.dictionary(name, fc.jsonValue()).map((value) => JSON.stringify(value)),
      fc.json(),
      fc.string(),
      fc.constantFrom(`{"subs":${"[".repeat(20_000)}`, `{"info":${"[".repeat(20_000)}${"]".repeat(20_000)}}`),
    );
    await fc.assert(
      fc.asyncProperty(claims, async (text) => {
        expect([0, 100, 109, 3500]).toContain(await codeOf(verifier.verifyConnection(hmacToken(text))));
        expect([0, 109, 3500]).toContain(await codeOf(verifier.verifySubscription(hmacToken(text))));
      }),
    );
  });
});
