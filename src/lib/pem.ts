import { readFileSync } from "node:fs";

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
