import { type Disconnect, disconnect } from "../core/disconnect.ts";

/** A token that is not believed: 3500, with the reason for the log. Details name no part of the token's text. */
export function invalidToken(detail: string, cause?: unknown): Disconnect {
  return disconnect("invalidToken", new Error(detail, cause === undefined ? undefined : { cause }));
}
