import type { ClientInfo } from "../../core/client-info.ts";
import type { Push } from "../../core/push.ts";
import { userInfoText } from "./codec.ts";

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
