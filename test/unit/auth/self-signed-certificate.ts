import { type KeyObject, sign } from "node:crypto";

// ecdsa-with-SHA256 and commonName (RFC 5758 §3.2, RFC 5280 appendix A).
const ECDSA_WITH_SHA256 = Buffer.from("300a06082a8648ce3d040302", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");

/** A certificate for a P-256 key, signed by itself, as PEM text. */
export function selfSignedCertificate(publicKey: KeyObject, privateKey: KeyObject): string {
  const name = der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, Buffer.from("millrace test")))));
  const validity = der(
    0x30,
    der(0x17, Buffer.from("250101000000Z")),
    der(0x17, Buffer.from("490101000000Z")),
  );
  const version = der(0xa0, der(0x02, Buffer.of(2)));
  const serial = der(0x02, Buffer.of(1));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const toBeSigned = der(0x30, version, serial, ECDSA_WITH_SHA256, name, validity, name, spki);
  const signature = sign("sha256", toBeSigned, privateKey);
  const certificate = der(0x30, toBeSigned, ECDSA_WITH_SHA256, der(0x03, Buffer.of(0), signature));
  return `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

/** One value of the distinguished encoding rules. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? Buffer.of(tag, length) : Buffer.of(tag, 0x82, length >> 8, length & 0xff);
  return Buffer.concat([head, content]);
}
