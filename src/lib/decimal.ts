const DECIMAL = /^([+-]?)(\d+)(?:\.(\d{1,19}))?$/;
const MAX_LENGTH = 200;
const FRACTION_DIGITS = 19;

/**
 * The exact value of a decimal number, times 10^19, so that any two of them compare without rounding.
 *
 * Undefined for what is none: an exponent, a bare dot, more than 19 digits of a fraction or 200 characters.
 */
export function decimalOf(text: string): bigint | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", fraction = ""] = match;
  const magnitude = BigInt(whole + fraction.padEnd(FRACTION_DIGITS, "0"));
  return sign === "-" ? -magnitude : magnitude;
}
