import { describe, expect, it } from "vitest";
import { findImpossibleOrigin, OriginPolicy } from "../../../src/http/origin-policy.ts";

describe("OriginPolicy", () => {
  it.each<[readonly string[], string | undefined, boolean]>([
    [[], undefined, true],
    [[], "https://example.com", false],
    [["*"], "https://example.com", true],
    [["https://example.com"], "https://example.com", true],
    [["https://example.com"], "https://EXAMPLE.com", true],
    [["https://example.com"], "https://example.com.evil.org", false],
    [["https://example.com"], "https://examplexcom", false],
    [["https://*.example.com"], "https://A.Example.com", true],
    [["https://*.example.com"], "https://a.b.example.com", true],
    [["https://*.example.com"], "https://example.com", false],
    [["http://host-?.test"], "http://host-1.test", true],
    [["http://host-?.test"], "http://host-12.test", false],
    [["http://[ab].test"], "http://b.test", true],
    [["http://[!ab].test"], "http://b.test", false],
    [["http://{one,two}.test"], "http://two.test", true],
    [["http://{one,two}.test"], "http://three.test", false],
    [["http://a.test", "http://b.test"], "http://b.test", true],
    [["HTTPS://EXAMPLE.COM"], "https://example.com", false],
    [["https://*.example.com"], "https://evil.test, https://a.example.com", false],
    [["*"], "https://a.test, https://b.test", false],
    [["*"], "https://a.test https://b.test", false],
  ])("%j, origin %s → %s", (allowed, origin, expected) => {
    expect(new OriginPolicy(allowed).allows(origin)).toBe(expected);
  });

  it("refuses a malformed pattern by name", () => {
    expect(() => new OriginPolicy(["http://{a.test"])).toThrow('"http://{a.test"');
    expect(() => new OriginPolicy(["http://[a.test"])).toThrow("malformed");
  });
});

describe("findImpossibleOrigin", () => {
  it.each([
    ["example.com", "begins with a scheme"],
    ["localhost:3000", "begins with a scheme"],
    ["example.*", "begins with a scheme"],
    ["https://example.com/", "no slash at its end"],
    ["https://example.com/app", "no path"],
    ["https://example.com/*", "no path"],
    ["https://Example.com", "in lower case"],
    ["https://example.com:443", "leave out the port"],
    ["http://example.com:80", "leave out the port"],
    ["https://bücher.example", "punycode"],
    [" https://example.com", "spaces"],
  ])("says why %j admits no page", (pattern, reason) => {
    expect(findImpossibleOrigin(pattern)).toContain(reason);
    expect(new OriginPolicy([pattern]).allows("https://example.com")).toBe(false);
  });

  it.each([
    "*",
    "null",
    "https://example.com",
    "https://example.com:8443",
    "http://localhost:443",
    "https://*.example.com",
    "*.example.com",
    "http*example.com",
    "{http,https}://example.com:80",
    "capacitor://localhost",
    "https://*",
  ])("has nothing to say of %j", (pattern) => {
    expect(findImpossibleOrigin(pattern)).toBeUndefined();
  });
});
