import type { ClientInfo } from "../../core/client-info.ts";
import type { PresenceManager, PresenceStats } from "../../core/presence-manager.ts";

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

  async add(channel: string, info: ClientInfo): Promise<void> {
    const present = this.#channels.get(channel);
    if (present === undefined) {
      const clients = new Map([[info.client, info]]);
      this.#channels.set(channel, { clients, users: new Map([[info.user, 1]]) });
      return;
    }
    const before = present.clients.get(info.client);
    present.clients.set(info.client, info);
    if (before?.user === info.user) return;
    if (before !== undefined) countDown(present.users, before.user);
    present.users.set(info.user, (present.users.get(info.user) ?? 0) + 1);
  }

  async remove(channel: string, client: string): Promise<void> {
    const present = this.#channels.get(channel);
    const info = present?.clients.get(client);
    if (present === undefined || info === undefined) return;
    present.clients.delete(client);
    countDown(present.users, info.user);
    if (present.clients.size === 0) this.#channels.delete(channel);
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
