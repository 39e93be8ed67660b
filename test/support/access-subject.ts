import type { AccessSubject } from "../../src/core/access.ts";

/** A client with a token of user `u` that says nothing else, but for what is given. */
export function accessSubject(changes: Partial<AccessSubject> = {}): AccessSubject {
  return { user: "u", source: "token", tokenId: "", issuedAtSec: 0, ...changes };
}
