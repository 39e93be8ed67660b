import type { ClientInfo } from "../core/client-info.ts";
import type { PresenceManager, PresenceStats } from "../core/presence-manager.ts";

/** An entry that went with its process. */
export interface LostEntry {
  readonly channel: string;
  readonly info: ClientInfo;
}

/** A presence manager that one of several processes uses: it remembers what the process has entered. */
export class PresenceMember implements PresenceManager {
  readonly #presence: PresenceManager;
  /** By channel, by client. */
  readonly #entries = new Map<string, Map<string, ClientInfo>>();

  constructor(presence: PresenceManager) {
    this.#presence = presence;
  }

  /** Remembered from the call on, so that whatever follows it, the end of the process included, finds the entry. */
  async add(channel: string, info: ClientInfo, maxUsers: number): Promise<boolean> {
    const ofChannel = this.#entries.get(channel) ?? new Map<string, ClientInfo>();
    const before = ofChannel.get(info.client);
    this.#entries.set(channel, ofChannel.set(info.client, info));
    const isIn = await this.#presence.add(channel, info, maxUsers);
    if (!isIn && before === undefined) this.#forget(channel, info);
    return isIn;
  }

  async remove(channel: string, client: string, user: string): Promise<void> {
    const info = this.#entries.get(channel)?.get(client);
    if (info !== undefined) this.#forget(channel, info);
    await this.#presence.remove(channel, client, user);
  }

  get(channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    return this.#presence.get(channel);
  }

  stats(channel: string): Promise<PresenceStats> {
    return this.#presence.stats(channel);
  }

  /** The manager itself stays, with what has been entered. */
  async close(): Promise<void> {}

  /** Removes everything that the process has entered. */
  async leave(): Promise<readonly LostEntry[]> {
    const lost: LostEntry[] = [];
    for (const [channel, clients] of this.#entries) {
      for (const info of clients.values()) {
        await this.#presence.remove(channel, info.client, info.user);
        lost.push({ channel, info });
      }
    }
    this.#entries.clear();
    return lost;
  }

  /** Unless the client has been entered anew. */
  #forget(channel: string, info: ClientInfo): void {
    const ofChannel = this.#entries.get(channel);
    if (ofChannel?.get(info.client) !== info) return;
    ofChannel.delete(info.client);
    if (ofChannel.size === 0) this.#entries.delete(channel);
  }
}
