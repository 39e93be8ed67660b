import { type Disconnect, disconnect } from "../core/disconnect.ts";
import { Refused, type TokenRefusal } from "../core/refusal.ts";

/** A token that is not believed: 3500. */
export function invalidToken(reason: TokenRefusal, detail: string, cause?: unknown): Disconnect {
  return disconnect("invalidToken", new Refused(reason, detail, cause));
}
