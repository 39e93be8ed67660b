import { readFileSync } from "node:fs";

const BEGIN = "-----BEGIN ";

/**
 * The PEM text behind an option that holds it, holds it in base64, or names a file with it.
 * @throws if it names a file that cannot be read
 */
export function readPem(value: string): string {
  if (value.includes(BEGIN)) return value;
  const decoded = Buffer.from(value, "base64").toString();
  return decoded.includes(BEGIN) ? decoded : readFileSync(value, "utf8");
}
