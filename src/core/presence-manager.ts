import type { ClientInfo } from "./client-info.ts";

/** How many are in a channel. */
export interface PresenceStats {
  readonly numClients: number;
  /** Distinct user ids; all anonymous clients together count as one. */
  readonly numUsers: number;
}

/**
 * Who is in which channel, across nodes (core §4).
 *
 * What `add` and `remove` have resolved for, later reads see. An entry that its node has stopped refreshing
 * may be dropped after a time; the node refreshes those of its connections well within it. Failures reject.
 */
export interface PresenceManager {
  /** Adds the client to the channel, or refreshes its entry and replaces what is known of it. Idempotent. */
  add(channel: string, info: ClientInfo): Promise<void>;
  /** Removes the client, whose user is `user`, from the channel. Idempotent. */
  remove(channel: string, client: string, user: string): Promise<void>;
  /** By client id; a copy of this moment, empty for a channel nobody is in. */
  get(channel: string): Promise<ReadonlyMap<string, ClientInfo>>;
  stats(channel: string): Promise<PresenceStats>;
  /** Releases timers and connections. Idempotent. */
  close(): Promise<void>;
}
