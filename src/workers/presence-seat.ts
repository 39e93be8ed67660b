import type { ClientInfo } from "../core/client-info.ts";
import type {
  MemberListener,
  PresenceEntry,
  PresenceManager,
  PresenceStats,
} from "../core/presence-manager.ts";

/** An entry that went with its node. */
export interface LostEntry {
  readonly channel: string;
  readonly info: ClientInfo;
}

/**
 * One node's place at a shared presence manager: it remembers what the node has entered.
 *
 * Firsts and lasts are told here, right when they happen: whoever reads the channel from then on knows them already, and
 * whoever has read it before is told.
 */
export class PresenceSeat implements PresenceManager {
  readonly #presence: PresenceManager;
  readonly #members: MemberListener;
  /** By channel, by client. */
  readonly #entries = new Map<string, Map<string, ClientInfo>>();

  constructor(presence: PresenceManager, members: MemberListener) {
    this.#presence = presence;
    this.#members = members;
  }

  /** Remembered from the call on, so that whatever follows it, the end of the node included, finds the entry. */
  async add(channel: string, info: ClientInfo, maxUsers: number): Promise<PresenceEntry> {
    const ofChannel = this.#entries.get(channel) ?? new Map<string, ClientInfo>();
    const before = ofChannel.get(info.client);
    this.#entries.set(channel, ofChannel.set(info.client, info));
    const entry = await this.#presence.add(channel, info, maxUsers);
    if (entry === "first") this.#members.onFirst(channel, info);
    if (entry === "full" && before === undefined) this.#forget(channel, info);
    return entry;
  }

  async remove(channel: string, client: string, user: string): Promise<boolean> {
    const info = this.#entries.get(channel)?.get(client);
    if (info !== undefined) this.#forget(channel, info);
    const wasLast = await this.#presence.remove(channel, client, user);
    if (wasLast && info !== undefined) this.#members.onLast(channel, info);
    return wasLast;
  }

  get(channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    return this.#presence.get(channel);
  }

  stats(channel: string): Promise<PresenceStats> {
    return this.#presence.stats(channel);
  }

  /** The manager itself stays, with what has been entered. */
  async close(): Promise<void> {}

  /** Removes everything that the node has entered. */
  async leave(): Promise<readonly LostEntry[]> {
    const lost: LostEntry[] = [];
    for (const [channel, clients] of this.#entries) {
      for (const info of clients.values()) {
        const wasLast = await this.#presence.remove(channel, info.client, info.user);
        if (wasLast) this.#members.onLast(channel, info);
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
