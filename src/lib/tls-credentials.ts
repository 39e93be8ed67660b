import { readFileSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";

/** What a TLS listener shows of itself and asks of clients, as PEM text. */
export interface TlsCredentials {
  /** Its certificate, with those between it and its authority. */
  readonly cert: string;
  readonly key: string;
  /** Authorities of client certificates; where there are any, every client must present one. */
  readonly clientCa: string | undefined;
}

/** The same as Node takes it, for TLS 1.2 or newer. */
export function secureContextOptions({ cert, key, clientCa }: TlsCredentials): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2", ...(clientCa === undefined ? {} : { ca: clientCa }) };
}

const BEGIN = "-----BEGIN ";

/** PEM text, and the file that it was read from, if it was. */
export interface Pem {
  readonly text: string;
  readonly file: string | undefined;
}

/**
 * The PEM text behind an option that holds it, holds it in base64, or names a file with it.
 * @throws if it names a file that cannot be read
 */
export function readPem(value: string): Pem {
  if (value.includes(BEGIN)) return { text: value, file: undefined };
  const decoded = Buffer.from(value, "base64").toString();
  if (decoded.includes(BEGIN)) return { text: decoded, file: undefined };
  return { text: readFileSync(value, "utf8"), file: value };
}
