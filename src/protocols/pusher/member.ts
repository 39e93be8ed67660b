import type { ClientInfo } from "../../core/publication.ts";
import type { Push } from "../../core/push.ts";
import { parseRawObject } from "./client-message.ts";
import { userInfoText } from "./codec.ts";
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
 * Reads `channel_data` (docs/protocols/pusher.md §2.4): a JSON text with the member's id, a string or number, and what
 * the others may know of it. Without it, the signed-in user is the member.
 */
export function memberOf(
  channelData: string | undefined,
  signedIn: SignedInUser,
  maxKib: number,
): Member | SubscriptionProblem {
  const member = channelData === undefined ? signedIn : parseMember(channelData);
  if (member.user === "") return BAD_DATA;
  const isTooLarge = maxKib > 0 && member.info !== undefined && member.info.byteLength > maxKib * KIB;
  return isTooLarge || member.user.length > MAX_ID_LENGTH ? TOO_LARGE : member;
}

/** The member that the text describes, with user "" where it names none. */
function parseMember(channelData: string): Member {
  const members = parseRawObject(channelData);
  const info = members?.get("user_info");
  return { user: idIn(members?.get("user_id")), info: info === undefined ? undefined : Buffer.from(info) };
}

/** A number is a string with the same digits: ids may have more of them than a double. */
function idIn(json: string | undefined): string {
  const id: unknown = json === undefined ? undefined : JSON.parse(json);
  if (typeof id === "string") return id.toWellFormed();
  if (typeof id !== "number") return "";
  return /^-?\d+$/u.test(json ?? "") ? (json ?? "") : String(id);
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

/** The members of a presence channel as a new one sees them: each user once, anonymous clients left out. */
export class Roster {
  readonly #members = new Map<string, string>();

  /** `clients` by client id. */
  constructor(clients: ReadonlyMap<string, ClientInfo>) {
    for (const info of clients.values()) {
      if (info.user !== "" && !this.#members.has(info.user)) this.#members.set(info.user, userInfoText(info));
    }
  }

  has(user: string): boolean {
    return this.#members.has(user);
  }

  /** What `subscription_succeeded` carries (docs/protocols/pusher.md §2.4). */
  toJson(): string {
    const ids = [...this.#members.keys()].map((id) => JSON.stringify(id));
    const hash = [...this.#members].map(([id, info]) => `${JSON.stringify(id)}:${info}`);
    return `{"presence":{"ids":[${ids.join(",")}],"hash":{${hash.join(",")}},"count":${ids.length}}}`;
  }

  /** Brings a notice into the roster that may have happened before or after it was made; false where it was in it. */
  follow(push: Push): boolean {
    if (push.type === "memberRemoved") return this.#members.delete(push.info.user);
    if (push.type !== "memberAdded") return true;
    if (this.#members.has(push.info.user)) return false;
    this.#members.set(push.info.user, userInfoText(push.info));
    return true;
  }
}
