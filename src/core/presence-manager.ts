import type { ClientInfo } from "./publication.ts";

/** How many are in a channel. */
export interface PresenceStats {
  readonly numClients: number;
  /** Distinct user ids; all anonymous clients together count as one. */
  readonly numUsers: number;
}

/**
 * Who is in which channel, across nodes (docs/protocols/channels.md §4).
 *
 * What `add` and `remove` have resolved for, later reads see. Both are one atomic step: of several clients of a user
 * exactly one is the first, and one the last; that is told once among all nodes to whoever observes channels
 * (`core/channel-events.ts`), so that who reads the channel then knows it already and who has read it before is told. An
 * entry that its node has stopped refreshing, for it has died, is removed after a time, and told like any other; the
 * node refreshes those of its connections well within it. Failures reject.
 */
export interface PresenceManager {
  /**
   * Adds the client to the channel, or refreshes its entry and replaces what is known of it. Idempotent.
   *
   * Resolves to false, and adds nothing, where its user would be one more than `maxUsers` (0 for any number); further
   * clients of a user who is there are not refused.
   */
  add(channel: string, info: ClientInfo, maxUsers: number): Promise<boolean>;
  /** Removes the client, whose user is `user`, from the channel. Idempotent. */
  remove(channel: string, client: string, user: string): Promise<void>;
  /** By client id; a copy of this moment, empty for a channel nobody is in. */
  get(channel: string): Promise<ReadonlyMap<string, ClientInfo>>;
  stats(channel: string): Promise<PresenceStats>;
  /** Releases timers and connections. Idempotent. */
  close(): Promise<void>;
}
