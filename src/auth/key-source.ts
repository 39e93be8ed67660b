import type { TokenHeader } from "./compact-token.ts";
import type { Captures } from "./expected-parties.ts";
import type { VerificationKey } from "./signature.ts";

/** Where the keys that verify signatures come from. */
export interface KeySource {
  /**
   * The keys that may have signed a token with this header, in the order to try; none where its algorithm is
   * not configured.
   *
   * `captures` matches the configured patterns against the token's claims on first call, and throws Disconnect
   * 3500 where they do not match. Anybody can send such claims: a source that can do without does not call it.
   *
   * Throws or rejects with Disconnect 3500 where the header names no key, and with ClientError 100 where keys cannot
   * be had for now.
   */
  keysFor(
    header: TokenHeader,
    captures: () => Captures,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>;
}
