import { hash, timingSafeEqual } from "node:crypto";

/** Whether two texts are the same, in a time that tells nothing about where they differ. */
export function constantTimeEqual(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}

/**
 * Makes a test for a secret whose duration tells nothing about it, neither its bytes nor its length.
 *
 * A candidate of another length costs a comparison of the secret with itself. That takes as long as any other,
 * and is a tenth of what digests of equal length would cost.
 */
export function secretMatcher(secret: Uint8Array): (candidate: Uint8Array) => boolean {
  const expected = Buffer.from(secret);
  return (candidate) => {
    const isComparable = candidate.length === expected.length;
    return timingSafeEqual(isComparable ? candidate : expected, expected) && isComparable;
  };
}
