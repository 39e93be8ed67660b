import { createPrivateKey } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/config/config-error.ts";
import type { TlsConfig } from "../../../src/config/sections/tls.ts";
import { readTlsCredentials } from "../../../src/config/tls-files.ts";
import { createIdentity } from "../../support/tls-identity.ts";

const directory = mkdtempSync(join(tmpdir(), "millrace-tls-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const { cert, key } = createIdentity();
const ca = readFileSync(join(import.meta.dirname, "../../support/tls/ca.pem"), "utf8");
const CERT_FILE = file("server.pem", cert);
const KEY_FILE = file("server-key.pem", key);
const CA_FILE = file("ca.pem", ca);

const TLS: TlsConfig = { enabled: true, cert_pem: cert, key_pem: key, client_ca_pem: "" };

function read(tls: Partial<TlsConfig>) {
  return readTlsCredentials({ http: { path: "http_server.tls", tls: { ...TLS, ...tls } } }).http;
}

function problemsOf(tls: Partial<TlsConfig>): string {
  try {
    read(tls);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "none";
}

describe("readTlsCredentials", () => {
  it.each([
    ["PEM text", { cert_pem: cert, key_pem: key, client_ca_pem: ca }],
    ["base64", { cert_pem: base64(cert), key_pem: base64(key), client_ca_pem: base64(ca) }],
    ["paths", { cert_pem: CERT_FILE, key_pem: KEY_FILE, client_ca_pem: CA_FILE }],
  ])("takes certificate, key and authority as %s", (_form, tls) => {
    expect(read(tls)).toEqual({ cert, key, clientCa: ca });
  });

  it("takes certificate and key out of one file, whichever comes first", () => {
    for (const text of [cert + key, key + cert]) {
      const both = file("both.pem", text);
      expect(read({ cert_pem: both, key_pem: both })).toEqual({ cert: text, key: text, clientCa: undefined });
    }
  });

  it("leaves alone what is switched off", () => {
    expect(read({ enabled: false, cert_pem: "/nowhere" })).toBeUndefined();
  });

  const encrypted = createPrivateKey(key)
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "p" })
    .toString();
  const derInBase64 = createPrivateKey(key).export({ type: "pkcs8", format: "der" }).toString("base64");
  mkdirSync(join(directory, "folder.pem"));

  it.each([
    ["a missing file", { cert_pem: "/nowhere/cert.pem" }, "cert_pem: there is no file /nowhere/cert.pem"],
    ["a directory", { cert_pem: join(directory, "folder.pem") }, "folder.pem is a directory, not a PEM file"],
    [
      "a file with something else",
      { cert_pem: KEY_FILE },
      `cert_pem: file ${KEY_FILE} holds no certificate in PEM`,
    ],
    [
      "a certificate for a key",
      { key_pem: CERT_FILE },
      `key_pem: file ${CERT_FILE} holds no private key in PEM`,
    ],
    ["a broken key", { key_pem: key.slice(0, 60) }, "key_pem: its text holds no private key in PEM"],
    [
      "a key behind a passphrase",
      { key_pem: file("locked.pem", encrypted) },
      "locked.pem holds a private key behind a passphrase",
    ],
    [
      "a key of another certificate",
      { key_pem: file("other.pem", createIdentity().key) },
      `key_pem: file ${join(directory, "other.pem")} holds another key than that of the certificate in cert_pem`,
    ],
    [
      "an authority that is none",
      { client_ca_pem: KEY_FILE },
      `client_ca_pem: file ${KEY_FILE} holds no certificate in PEM`,
    ],
  ])("names option and file: %s", (_what, tls, message) => {
    expect(problemsOf(tls)).toContain(message);
    expect(problemsOf(tls)).toMatch(/^http_server\.tls\./u);
  });

  it("does not print a key that is written in a wrong way", () => {
    expect(problemsOf({ key_pem: derInBase64 })).toBe(
      "http_server.tls.key_pem: expected PEM text, the same in base64, or the path of a PEM file",
    );
  });

  it("tells everything that is wrong, in all sections", () => {
    const broken = { ...TLS, cert_pem: "/no/cert.pem", key_pem: "/no/key.pem" };
    const sections = { a: { path: "uni_grpc.tls", tls: broken }, b: { path: "grpc_api.tls", tls: broken } };
    expect(() => readTlsCredentials(sections)).toThrow(
      /^uni_grpc.tls.cert_pem: .*\nuni_grpc.tls.key_pem: .*\ngrpc_api.tls.cert_pem: .*\ngrpc_api.tls.key_pem: .*$/u,
    );
  });
});

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
