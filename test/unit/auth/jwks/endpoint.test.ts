import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JwksEndpoint } from "../../../../src/auth/jwks/endpoint.ts";
import { Disconnect } from "../../../../src/core/disconnect.ts";

/** The URL for captures; undefined where they are refused with 3500. */
function urlFor(template: string, captures: Readonly<Record<string, string>> = {}): string | undefined {
  try {
    return new JwksEndpoint(template).urlFor(() => new Map(Object.entries(captures)));
  } catch (error) {
    if (error instanceof Disconnect && error.code === 3500) return undefined;
    throw error;
  }
}

describe("an endpoint without placeholders", () => {
  it("is used as it stands, and asks for no captures", () => {
    const endpoint = new JwksEndpoint("https://ID.example:443/a//b/../keys?x=1");
    expect(endpoint.placeholders).toEqual([]);
    const url = endpoint.urlFor(() => {
      throw new Error("asked");
    });
    expect(url).toBe("https://id.example/a//keys?x=1");
  });

  it.each([
    ["keys", "not a URL with a path in its shortest form"],
    ["ftp://id.example/keys", "not an http(s) URL"],
    ["file:///etc/passwd", "not an http(s) URL"],
    ["https://user:secret@id.example/keys", "cannot have user and password"],
    ["https://id.example/{{t", "`{{` and `}}` must enclose the name of a group"],
    ["https://id.example/}}", "`{{` and `}}` must enclose the name of a group"],
    ["https://id.example/../{{t}}", "not a URL with a path in its shortest form"],
    ["https://id.example//{{t}}", "not a URL with a path in its shortest form"],
    ["https://id.example:{{t}}/keys", "not a URL with a path in its shortest form"],
    ["https://{{t}}@id.example/", "cannot have user and password"],
    ["{{t}}://id.example/", "not an http(s) URL"],
  ])("%s is none", (template, problem) => {
    expect(() => new JwksEndpoint(template)).toThrow(new SyntaxError(problem));
  });
});

describe("an endpoint with placeholders", () => {
  it("names them", () => {
    expect(new JwksEndpoint("https://{{a}}.example/{{b}}/keys").placeholders).toEqual(["a", "b"]);
  });

  it.each([
    ["https://id.example/{{t}}/keys", "acme", "https://id.example/acme/keys"],
    ["https://id.example/{{t}}/keys", "acme/eu", "https://id.example/acme/eu/keys"],
    ["https://id.example/{{t}}/keys/", "acme", "https://id.example/acme/keys/"],
    ["https://{{t}}.id.example", "acme", "https://acme.id.example/"],
    ["https://{{t}}.id.example:8443/keys", "acme.eu", "https://acme.eu.id.example:8443/keys"],
    ["https://id.example/keys?tenant={{t}}", "acme", "https://id.example/keys?tenant=acme"],
    ["https://id.example/{{t}}", "é ü", "https://id.example/%C3%A9%20%C3%BC"],
  ])("%s for %s is %s", (template, t, url) => {
    expect(urlFor(template, { t })).toBe(url);
  });

  it.each([
    ["https://id.example/{{t}}/keys", ""],
    ["https://id.example/{{t}}/keys", ".."],
    ["https://id.example/{{t}}/keys", "."],
    ["https://id.example/{{t}}/keys", "a/../b"],
    ["https://id.example/{{t}}/keys", "a//b"],
    ["https://id.example/{{t}}/keys", "/a"],
    ["https://id.example/{{t}}/keys", "a/"],
    ["https://id.example/.{{t}}/keys", "."],
    ["https://{{t}}.id.example/keys", "evil.example/"],
    ["https://{{t}}.id.example/keys", "evil.example#"],
    ["https://{{t}}.id.example/keys", "user@evil"],
    ["https://{{t}}.id.example/keys", "-"],
  ])("%s for %j is refused", (template, t) => {
    expect(urlFor(template, { t })).toBeUndefined();
  });

  it("a capture that is missing is refused", () => {
    expect(urlFor("https://id.example/{{t}}", { other: "x" })).toBeUndefined();
  });

  it("what captures say stays within its place of the URL", () => {
    const text = fc.oneof(
      fc
        .array(fc.integer({ min: 0, max: 0x10_ffff }))
        .map((points) => String.fromCodePoint(...points).toWellFormed()),
      fc
        .array(fc.constantFrom(..."a./\\?#%@:&=2eE \t\n".split(""), "..", "%2e", "//"))
        .map((p) => p.join("")),
    );
    fc.assert(
      fc.property(text, (t) => {
        const inPath = URL.parse(
          urlFor("https://id.example/base/{{t}}/keys?q={{t}}", { t }) ?? "https://id.example/base/x/keys?q=x",
        );
        expect(inPath?.origin).toBe("https://id.example");
        expect(inPath?.pathname).toMatch(/^\/base\/.+\/keys$/);
        expect([...(inPath?.searchParams.keys() ?? [])]).toEqual(["q"]);
        const inHost = URL.parse(
          urlFor("https://{{t}}.id.example/keys", { t }) ?? "https://x.id.example/keys",
        );
        expect(inHost?.hostname).toMatch(/^[^/]+\.id\.example$/);
        expect(inHost?.pathname).toBe("/keys");
      }),
    );
  });
});
