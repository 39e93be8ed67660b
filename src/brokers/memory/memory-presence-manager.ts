import type { ClientInfo } from "../../core/client-info.ts";
import type { PresenceEntry, PresenceManager, PresenceStats } from "../../core/presence-manager.ts";

interface Channel {
  /** By client id. */
  readonly clients: Map<string, ClientInfo>;
  /** User id → number of clients, so that large channels are counted without a walk. */
  readonly users: Map<string, number>;
}

/**
 * Presence on a single node.
 *
 * Entries stay until they are removed: they are lost with the process, as are the connections they stand for.
 */
export class MemoryPresenceManager implements PresenceManager {
  readonly #channels = new Map<string, Channel>();

  async add(channel: string, info: ClientInfo, maxUsers: number): Promise<PresenceEntry> {
    const { user, client } = info;
    const present = this.#channels.get(channel);
    if (present === undefined) {
      this.#channels.set(channel, { clients: new Map([[client, info]]), users: new Map([[user, 1]]) });
      return user === "" ? "further" : "first";
    }
    const { clients, users } = present;
    const ofUser = users.get(user);
    if (ofUser === undefined && maxUsers > 0 && users.size >= maxUsers) return "full";
    const before = clients.get(client);
    clients.set(client, info);
    if (before?.user === user) return "further";
    if (before !== undefined) countDown(users, before.user);
    users.set(user, (ofUser ?? 0) + 1);
    return ofUser === undefined && user !== "" ? "first" : "further";
  }

  async remove(channel: string, client: string): Promise<boolean> {
    const present = this.#channels.get(channel);
    const info = present?.clients.get(client);
    if (present === undefined || info === undefined) return false;
    present.clients.delete(client);
    countDown(present.users, info.user);
    if (present.clients.size === 0) this.#channels.delete(channel);
    return info.user !== "" && !present.users.has(info.user);
  }

  async get(channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    return new Map(this.#channels.get(channel)?.clients);
  }

  async stats(channel: string): Promise<PresenceStats> {
    const present = this.#channels.get(channel);
    if (present === undefined) return { numClients: 0, numUsers: 0 };
    return { numClients: present.clients.size, numUsers: present.users.size };
  }

  async close(): Promise<void> {
    this.#channels.clear();
  }
}

function countDown(users: Map<string, number>, user: string): void {
  const count = users.get(user) ?? 0;
  if (count > 1) users.set(user, count - 1);
  else users.delete(user);
}
