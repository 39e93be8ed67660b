import { hash, timingSafeEqual } from "node:crypto";

/** Whether two texts are the same, in a time that tells nothing about where they differ. */
export function constantTimeEqual(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}

/**
 * Makes a test for a secret whose duration tells nothing about it, neither its bytes nor its length.
 *
 * Digests are compared instead of the bytes themselves, because those of equal length only can be compared.
 */
export function secretMatcher(secret: Uint8Array): (candidate: Uint8Array) => boolean {
  const expected = hash("sha256", secret, "buffer");
  return (candidate) => timingSafeEqual(hash("sha256", candidate, "buffer"), expected);
}
