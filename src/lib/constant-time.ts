import { hash, timingSafeEqual } from "node:crypto";

/**
 * Makes a test for a secret whose duration tells nothing about it, neither its bytes nor its length.
 *
 * Digests are compared instead of the bytes themselves, because those of equal length only can be compared.
 */
export function secretMatcher(secret: Uint8Array): (candidate: Uint8Array) => boolean {
  const expected = hash("sha256", secret, "buffer");
  return (candidate) => timingSafeEqual(hash("sha256", candidate, "buffer"), expected);
}
