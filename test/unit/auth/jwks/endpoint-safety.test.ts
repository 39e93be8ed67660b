import { describe, expect, it } from "vitest";
import { findEndpointProblem, findEndpointRisk } from "../../../../src/auth/jwks/endpoint-safety.ts";
import { verifierFor } from "../tokens.ts";

const TEMPLATE = "https://id.example/{{t}}/keys";

function riskOf(issuer_regex: string, audience_regex = "", endpoint = TEMPLATE): string | undefined {
  return findEndpointRisk({ jwks_public_endpoint: endpoint, issuer_regex, audience_regex })?.option;
}

describe("an endpoint that depends on a token", () => {
  it.each([
    "(?P<t>a)",
    "(?<t>a|b)",
    "^https://(?P<t>acme|globex)\\.example$",
    String.raw`(?P<t>a\.b|c\-d|e\/f)`,
    String.raw`\\(?P<t>a)`,
    "(?P<t>a-b_c é|x)(.*)",
    "(?P<other>.*)(?P<t>a)",
  ])("is safe with %s", (pattern) => {
    expect(riskOf(pattern)).toBeUndefined();
    expect(riskOf("", pattern)).toBeUndefined();
  });

  it.each([
    "(?P<t>.+)",
    "(?P<t>a|.+)",
    "(?P<t>a*)",
    "(?P<t>a|)",
    "(?P<t>)",
    "(?P<t>(a|b))",
    "(?P<t>(?:a|b))",
    "(?P<t>^a$)",
    "(?P<t>a{2})",
    String.raw`(?P<t>\Q.\E)`,
    "(?P<t>[ab])",
    String.raw`(?P<t>\d)`,
    String.raw`(?P<t>\pL)`,
    String.raw`(?P<t>a)\W`,
    "[x](?P<t>a)",
    String.raw`\(?P<t>a\)(?P<t>.+)`,
  ])("core 24: is not safe with %s", (pattern) => {
    expect(riskOf(pattern)).toBe("issuer_regex");
    expect(riskOf("", pattern)).toBe("audience_regex");
  });

  it("both patterns count", () => {
    expect(riskOf("(?P<t>a|b)", "(?P<t>.+)")).toBe("audience_regex");
    expect(riskOf("(?P<t>a|b)", "[0-9]")).toBe("audience_regex");
    expect(riskOf("(?P<t>a|b)", ".*")).toBeUndefined();
  });

  it("without placeholders patterns are free", () => {
    expect(riskOf("(?P<t>.+)", "[0-9]", "https://id.example/keys")).toBeUndefined();
    expect(riskOf("(?P<t>.+)", "[0-9]", "")).toBeUndefined();
  });

  it("takes named groups only", () => {
    const options = { jwks_public_endpoint: TEMPLATE, issuer_regex: "(?P<u>a)", audience_regex: "(t)" };
    expect(findEndpointProblem(options)).toEqual({
      option: "jwks_public_endpoint",
      message: "{{t}} is no named group of `issuer_regex` or `audience_regex`",
    });
    expect(findEndpointProblem({ ...options, audience_regex: "(?P<t>a)" })).toBeUndefined();
    expect(findEndpointProblem({ ...options, jwks_public_endpoint: "" })).toBeUndefined();
  });

  it("is not blamed for a pattern that is none", () => {
    const options = { jwks_public_endpoint: TEMPLATE, issuer_regex: "(", audience_regex: "(?P<t>.+)" };
    expect(findEndpointProblem(options)).toBeUndefined();
    expect(riskOf("(")).toBeUndefined();
  });
});

describe("core 24: a server whose tokens choose where keys come from", () => {
  const options = { jwks_public_endpoint: TEMPLATE, issuer_regex: "(?P<t>.+)" };

  it("does not start", async () => {
    await expect(verifierFor(options)).rejects.toThrow(/^client\.token\.issuer_regex: the group t must be/);
    await expect(verifierFor({ ...options, issuer_regex: "" })).rejects.toThrow(
      /^client\.token\.jwks_public_endpoint: \{\{t\}\} is no named group/,
    );
    await expect(verifierFor({ jwks_public_endpoint: "keys" })).rejects.toThrow(
      /^client\.token\.jwks_public_endpoint: not a URL/,
    );
  });

  it("starts where the check is switched off", async () => {
    const started = verifierFor({ ...options, insecure_skip_jwks_endpoint_safety_check: true });
    await expect(started).resolves.toBeDefined();
  });
});
