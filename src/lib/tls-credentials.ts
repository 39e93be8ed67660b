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
