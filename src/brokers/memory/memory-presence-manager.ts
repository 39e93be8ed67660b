import type { ChannelEvents } from "../../core/channel-events.ts";
import type { PresenceManager, PresenceStats } from "../../core/presence-manager.ts";
import type { ClientInfo } from "../../core/publication.ts";

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
  readonly #events: ChannelEvents;

  /** `events` is told of the first and last client of each user in a channel. */
  constructor(events: ChannelEvents) {
    this.#events = events;
  }

  async add(channel: string, info: ClientInfo, maxUsers: number): Promise<boolean> {
    const { user, client } = info;
    const { clients, users } = this.#channels.get(channel) ?? this.#create(channel);
    const ofUser = users.get(user);
    if (ofUser === undefined && maxUsers > 0 && users.size >= maxUsers) return false;
    const before = clients.get(client);
    clients.set(client, info);
    if (before?.user === user) return true;
    users.set(user, (ofUser ?? 0) + 1);
    if (ofUser === undefined && user !== "") this.#events.onMemberAdded(channel, info);
    if (before !== undefined) this.#countDown(channel, users, before);
    return true;
  }

  async remove(channel: string, client: string): Promise<void> {
    const present = this.#channels.get(channel);
    const info = present?.clients.get(client);
    if (present === undefined || info === undefined) return;
    present.clients.delete(client);
    if (present.clients.size === 0) this.#channels.delete(channel);
    this.#countDown(channel, present.users, info);
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

  #create(channel: string): Channel {
    const created: Channel = { clients: new Map(), users: new Map() };
    this.#channels.set(channel, created);
    return created;
  }

  #countDown(channel: string, users: Map<string, number>, info: ClientInfo): void {
    const count = users.get(info.user) ?? 0;
    if (count > 1) {
      users.set(info.user, count - 1);
    } else {
      users.delete(info.user);
      if (info.user !== "") this.#events.onMemberRemoved(channel, info);
    }
  }
}
