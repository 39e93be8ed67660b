import { parseObject } from "./client-message.ts";
import type { SubscriptionProblem } from "./frames.ts";

const KIB = 1024;
const MAX_ID_LENGTH = 128;

/** Whom a presence channel knows a subscriber as. */
export interface Member {
  readonly user: string;
  /** Raw JSON. */
  readonly info: Uint8Array | undefined;
}

/** Who has signed in on the connection. */
export interface SignedInUser {
  /** "" for nobody. */
  readonly user: string;
  readonly info: Uint8Array | undefined;
}

/**
 * Reads `channel_data` (pusher §2): a JSON text with the member's id, a string or number, and what the others may know
 * of it. Without it, the signed-in user is the member.
 */
export function memberOf(
  channelData: string | undefined,
  signedIn: SignedInUser,
  maxKib: number,
): Member | SubscriptionProblem {
  if (channelData === undefined) {
    return signedIn.user === "" ? BAD_DATA : { user: signedIn.user, info: signedIn.info };
  }
  if (maxKib > 0 && Buffer.byteLength(channelData) > maxKib * KIB) return TOO_LARGE;
  const { user_id: id, user_info: info } = parseObject(channelData) ?? {};
  if (typeof id !== "string" && typeof id !== "number") return BAD_DATA;
  const user = String(id);
  if (user === "") return BAD_DATA;
  if (user.length > MAX_ID_LENGTH) return TOO_LARGE;
  return { user, info: info === undefined ? undefined : Buffer.from(JSON.stringify(info)) };
}

const BAD_DATA: SubscriptionProblem = {
  type: "ServerError",
  error: "channel_data names no user_id",
  status: 4302,
};
const TOO_LARGE: SubscriptionProblem = {
  type: "LimitReached",
  error: "The member's data is too large",
  status: 4301,
};
