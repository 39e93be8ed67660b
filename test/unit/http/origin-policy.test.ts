import { describe, expect, it } from "vitest";
import { OriginPolicy } from "../../../src/http/origin-policy.ts";

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
