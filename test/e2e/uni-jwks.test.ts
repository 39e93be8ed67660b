import { describe, expect, it } from "vitest";
import { codeOf, firstPush } from "../support/connect-outcome.ts";
import { runServer } from "../support/running-server.ts";
import { WORKERS } from "../support/workers.ts";
import { keySetOf, KeyServer, makeKey, tokenBy } from "../unit/auth/jwks/key-server.ts";

const KEY = makeKey("a");

describe("uni: tokens by published keys", () => {
  it("core 20, 23: connect, however many at once, with one GET", async () => {
    const ed25519 = makeKey("d", "Ed25519");
    await using keys = await KeyServer.publish(KEY, ed25519);
    await using server = await runServer({ client: { token: { jwks_public_endpoint: keys.origin } } });
    const tokens = [tokenBy(KEY), tokenBy(ed25519, { sub: "42" }, "EdDSA"), tokenBy(KEY, { sub: "7" })];
    expect(await Promise.all(tokens.map((token) => codeOf(server, { token })))).toEqual([0, 0, 0]);
    // Each worker keeps the keys for itself.
    expect(keys.requests.length).toBeLessThanOrEqual(Number(WORKERS));
  });

  it("core 21: are told to come back while the endpoint is down", async () => {
    await using keys = await KeyServer.publish(KEY);
    keys.serve("", 503);
    await using server = await runServer({ client: { token: { jwks_public_endpoint: keys.origin } } });
    expect(await firstPush(server, { token: tokenBy(KEY) })).toEqual({
      disconnect: { code: 3004, reason: "internal server error" },
    });
    expect(keys.requests).toHaveLength(2);
  });

  it("core 22: are refused for good without key id; a key without use counts (deviation)", async () => {
    await using keys = await KeyServer.publish(KEY);
    const { use, ...unused } = KEY.jwk;
    keys.serve(keySetOf(unused));
    await using server = await runServer({ client: { token: { jwks_public_endpoint: keys.origin } } });
    expect(use).toBe("sig");
    expect(await codeOf(server, { token: tokenBy(KEY) })).toBe(0);
    expect(await codeOf(server, { token: tokenBy(KEY, { sub: "42" }, "ES256", {}) })).toBe(3500);
  });

  it("core 24: choose among the endpoints that the configuration spells out, and among no others", async () => {
    await using keys = await KeyServer.publish(KEY);
    const token = { jwks_public_endpoint: `${keys.origin}/{{t}}/keys`, issuer_regex: "^(?P<t>acme|globex)$" };
    await using server = await runServer({ client: { token } });
    expect(await codeOf(server, { token: tokenBy(KEY, { iss: "acme" }) })).toBe(0);
    expect(await codeOf(server, { token: tokenBy(KEY, { iss: "evil" }) })).toBe(3500);
    expect(keys.requests).toEqual(["/acme/keys"]);
    const open = { ...token, issuer_regex: "(?P<t>.+)" };
    await expect(runServer({ client: { token: open } })).rejects.toThrow(/^client\.token\.issuer_regex: /);
  });
});
