import type { ClientInfo } from "../core/client-info.ts";
import type { PresenceManager, PresenceStats } from "../core/presence-manager.ts";
import type { PrimaryLink } from "./worker-link.ts";

/** The primary's presence manager, as a worker reaches it. */
export class RemotePresenceManager implements PresenceManager {
  readonly #link: PrimaryLink;

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  add(channel: string, info: ClientInfo, maxUsers: number): Promise<boolean> {
    return this.#link.call("addPresence", channel, info, maxUsers);
  }

  remove(channel: string, client: string, user: string): Promise<void> {
    return this.#link.call("removePresence", channel, client, user);
  }

  get(channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    return this.#link.call("presence", channel);
  }

  stats(channel: string): Promise<PresenceStats> {
    return this.#link.call("presenceStats", channel);
  }

  /** The primary's presence stays. */
  async close(): Promise<void> {}
}
