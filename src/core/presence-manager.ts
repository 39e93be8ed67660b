import type { ClientInfo } from "./client-info.ts";

/** How many are in a channel. */
export interface PresenceStats {
  readonly numClients: number;
  /** Distinct user ids; all anonymous clients together count as one. */
  readonly numUsers: number;
}

/**
 * What became of an entry: the first of its user in the channel, one of several, or refused for there being as many
 * users as there may be. An anonymous client is never the first of a user.
 */
export type PresenceEntry = "first" | "further" | "full";

/** Is told of the first and last client of each user in a channel. Its methods never throw. */
export interface MemberListener {
  onFirst(channel: string, info: ClientInfo): void;
  onLast(channel: string, info: ClientInfo): void;
}

/**
 * Who is in which channel, across nodes (core §4).
 *
 * What `add` and `remove` have resolved for, later reads see. Both are one atomic step: of several clients of a user
 * exactly one is the first, and one the last. An entry that its node has stopped refreshing may be dropped after a
 * time; the node refreshes those of its connections well within it. Failures reject.
 */
export interface PresenceManager {
  /**
   * Adds the client to the channel, or refreshes its entry and replaces what is known of it. Idempotent.
   *
   * A user that would be one more than `maxUsers` (0 for any number) is refused; further clients of a user who is
   * there are not.
   */
  add(channel: string, info: ClientInfo, maxUsers: number): Promise<PresenceEntry>;
  /**
   * Removes the client, whose user is `user`, from the channel. Resolves to true where it was the last one of a user
   * that is not anonymous. Idempotent.
   */
  remove(channel: string, client: string, user: string): Promise<boolean>;
  /** By client id; a copy of this moment, empty for a channel nobody is in. */
  get(channel: string): Promise<ReadonlyMap<string, ClientInfo>>;
  stats(channel: string): Promise<PresenceStats>;
  /** Releases timers and connections. Idempotent. */
  close(): Promise<void>;
}
