import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/app/config.ts";
import { internalListener } from "../../../src/config/sections/http-server.ts";
import type { ConfigInput } from "../../../src/index.ts";

const TLS = { enabled: true, cert_pem: "cert.pem", key_pem: "key.pem" };
const INTERNAL = { address: "", port: 9000 };

describe("internalListener", () => {
  it.each<[string, ConfigInput["http_server"], ReturnType<typeof internalListener>]>([
    ["by default", {}, undefined],
    ["the same port", { internal_port: 8000 }, undefined],
    ["the same address", { address: "::1", internal_address: "::1" }, undefined],
    ["another port", { internal_port: 9000 }, { ...INTERNAL, tlsOption: undefined }],
    ["another address", { internal_address: "::1" }, { address: "::1", port: 8000, tlsOption: undefined }],
    ["TLS on both", { internal_port: 9000, tls: TLS }, { ...INTERNAL, tlsOption: "tls" }],
    [
      "TLS outside",
      { internal_port: 9000, tls: TLS, tls_external: true },
      { ...INTERNAL, tlsOption: undefined },
    ],
    ["TLS inside", { internal_port: 9000, internal_tls: TLS }, { ...INTERNAL, tlsOption: "internal_tls" }],
    [
      "TLS inside and outside",
      { internal_port: 9000, tls: TLS, tls_external: true, internal_tls: TLS },
      { ...INTERNAL, tlsOption: "internal_tls" },
    ],
  ])("%s", (_what, server, expected) => {
    expect(internalListener(parseConfig({ http_server: server }).config.http_server)).toEqual(expected);
  });

  it("is what internal_tls needs", () => {
    for (const where of [{}, { internal_port: 8000 }]) {
      expect(() => parseConfig({ http_server: { ...where, internal_tls: TLS } })).toThrow(
        "http_server.internal_tls: there is no internal listener to serve over TLS: set internal_port or internal_address",
      );
    }
  });
});

it("keepalive_timeout cannot be less than what clients are told it in", () => {
  expect(() => parseConfig({ http_server: { keepalive_timeout: "900ms" } })).toThrow("must be at least 1s");
});
