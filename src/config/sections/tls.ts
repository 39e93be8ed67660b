import { z } from "zod";
import { section, type Section } from "../section.ts";

/** TLS of one listener. */
export interface TlsConfig {
  readonly enabled: boolean;
  readonly cert_pem: string;
  readonly key_pem: string;
  readonly client_ca_pem: string;
}

/** TLS of one listener. A certificate or key is PEM text, PEM text in base64, or the path of a PEM file. */
export const tlsConfig: Section<TlsConfig> = section<TlsConfig>(
  "TLS of this listener (1.2 or newer).",
  {
    enabled: z.boolean().default(false).describe("Serves over TLS instead of plain text."),
    cert_pem: z
      .string()
      .default("")
      .describe("Certificate chain: PEM text, the same in base64, or the path of a PEM file.")
      .meta({ formerWord: "cert", isReloadable: true }),
    key_pem: z
      .string()
      .default("")
      .describe("Private key of the certificate, given in the same ways.")
      .meta({ formerWord: "key", isSecret: true, isReloadable: true }),
    client_ca_pem: z
      .string()
      .default("")
      .describe("Authorities of client certificates; when set, every client must present one.")
      .meta({ formerWord: "client_ca" }),
  },
  (tls, report) => {
    if (!tls.enabled) return;
    if (tls.cert_pem === "") report(["cert_pem"], "TLS needs a certificate");
    if (tls.key_pem === "") report(["key_pem"], "TLS needs a private key");
  },
);
