const LINE_BREAKS = /[\r\n]/g;
const URL_ALPHABET = /[-_]/;

/**
 * Decodes base64 of the standard alphabet with its padding (RFC 4648 §4); line breaks are ignored.
 *
 * Undefined where the text is anything else.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const digits = text.replace(LINE_BREAKS, "");
  if (digits.length % 4 !== 0 || URL_ALPHABET.test(digits)) return undefined;
  const padding = digits.endsWith("==") ? 2 : Number(digits.endsWith("="));
  const bytes = Buffer.from(digits, "base64");
  // Node skips what it does not know, so that something is missing then.
  return bytes.length === (digits.length / 4) * 3 - padding ? bytes : undefined;
}
