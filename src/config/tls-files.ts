import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { type Pem, readPem, secureContextOptions, type TlsCredentials } from "../lib/tls-credentials.ts";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import type { TlsConfig } from "./sections/tls.ts";

/**
 * Reads the credentials of TLS listeners, by the paths of their sections; undefined for those in plain text. Throws
 * ConfigError with everything that cannot be used, by option and file.
 */
export function readTlsCredentials<Name extends string>(
  sections: Readonly<Record<Name, TlsSection | undefined>>,
): Record<Name, TlsCredentials | undefined> {
  const problems: ConfigProblem[] = [];
  const entries = Object.entries<TlsSection | undefined>(sections).map(([name, section]) => {
    const reader = section?.tls.enabled === true ? new CredentialsReader(section) : undefined;
    const credentials = reader?.read();
    problems.push(...(reader?.problems ?? []));
    return [name, credentials] as const;
  });
  if (problems.length > 0) throw new ConfigError(problems);
  // The names are those of `sections`.
  return Object.fromEntries(entries) as Record<Name, TlsCredentials | undefined>;
}

/** A section of the configuration that is about TLS. */
export interface TlsSection {
  /** Such as `http_server.tls`. */
  readonly path: string;
  readonly tls: TlsConfig;
}

type PemOption = "cert_pem" | "key_pem" | "client_ca_pem";

class CredentialsReader {
  readonly problems: ConfigProblem[] = [];
  readonly #section: TlsSection;

  constructor(section: TlsSection) {
    this.#section = section;
  }

  read(): TlsCredentials | undefined {
    const cert = this.#readPem("cert_pem");
    const key = this.#readPem("key_pem");
    const clientCa = this.#section.tls.client_ca_pem === "" ? undefined : this.#readPem("client_ca_pem");
    const certificate = cert && this.#parse("cert_pem", cert, "certificate", parseCertificate);
    const privateKey = key && this.#parse("key_pem", key, "private key", parsePrivateKey);
    if (clientCa !== undefined) this.#parse("client_ca_pem", clientCa, "certificate", parseCertificate);
    if (certificate !== undefined && key !== undefined && privateKey !== undefined) {
      if (!certificate.checkPrivateKey(privateKey)) {
        this.#report(
          "key_pem",
          `${originOf(key)} holds another key than that of the certificate in cert_pem`,
        );
      }
    }
    if (this.problems.length > 0 || cert === undefined || key === undefined) return undefined;
    const credentials = { cert: cert.text, key: key.text, clientCa: clientCa?.text };
    this.#tryOut(credentials);
    return credentials;
  }

  #readPem(option: PemOption): Pem | undefined {
    const value = this.#section.tls[option];
    try {
      return readPem(value);
    } catch (error) {
      this.#report(option, explainUnreadable(value, error));
      return undefined;
    }
  }

  #parse<T>(option: PemOption, pem: Pem, what: string, parse: (text: string) => T): T | undefined {
    try {
      return parse(pem.text);
    } catch (error) {
      const reason =
        error instanceof EncryptedKey
          ? "holds a private key behind a passphrase, which nobody can be asked for: decrypt it"
          : `holds no ${what} in PEM`;
      this.#report(option, `${originOf(pem)} ${reason}`);
      return undefined;
    }
  }

  /** Has TLS itself look, which knows more rules: those of key sizes, for one. */
  #tryOut(credentials: TlsCredentials): void {
    try {
      createSecureContext(secureContextOptions(credentials));
    } catch (error) {
      this.#report("cert_pem", `cannot be used for TLS: ${messageOf(error)}`);
    }
  }

  #report(option: PemOption, message: string): void {
    this.problems.push({ path: `${this.#section.path}.${option}`, message });
  }
}

function originOf({ file }: Pem): string {
  return file === undefined ? "its text" : `file ${file}`;
}

class EncryptedKey extends Error {}

function parseCertificate(text: string): X509Certificate {
  return new X509Certificate(text);
}

function parsePrivateKey(text: string): KeyObject {
  if (text.includes("ENCRYPTED")) throw new EncryptedKey();
  return createPrivateKey(text);
}

/** What is no PEM is taken as a path; it may be anything, a secret too. */
function explainUnreadable(value: string, error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (!LOOKS_LIKE_A_PATH.test(value))
    return "expected PEM text, the same in base64, or the path of a PEM file";
  if (code === "ENOENT") return `there is no file ${value}`;
  if (code === "EACCES") return `file ${value} may not be read by this user`;
  if (code === "EISDIR") return `${value} is a directory, not a PEM file`;
  return `file ${value} cannot be read: ${messageOf(error)}`;
}

/** A short text that names a file with its extension, or a whole path; DER in base64 is neither. */
const LOOKS_LIKE_A_PATH = /^(?=.{1,255}$)(?:\.{0,2}\/.*|.*\.\w{1,8}|[\w-]{1,32})$/u;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
