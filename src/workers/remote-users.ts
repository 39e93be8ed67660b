import type { EntryStore, EntryTable, StoredEntry } from "../core/entry-store.ts";
import type { UserStatus, UserStatusBook } from "../core/user-status.ts";
import type { PrimaryLink } from "./worker-link.ts";

/**
 * What the primary remembers of users and tokens, as a worker begins with it. Every change is told to the worker's node
 * and to the primary's alike, and the primary writes it down.
 */
export class RemoteRecords implements EntryStore {
  readonly isDurable = false;
  readonly #link: PrimaryLink;

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  load(table: EntryTable): Promise<readonly StoredEntry[]> {
    return this.#link.call("records", table);
  }

  async write(): Promise<void> {}

  async close(): Promise<void> {}
}

/** The primary's statuses of users, as a worker reaches them. */
export class RemoteStatuses implements UserStatusBook {
  readonly #link: PrimaryLink;
  #seen = new Set<string>();

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  update(users: readonly string[], state: string): Promise<void> {
    return this.#link.call("updateStatuses", users, state);
  }

  get(users: readonly string[]): Promise<readonly UserStatus[]> {
    return this.#link.call("statuses", users);
  }

  delete(users: readonly string[]): Promise<void> {
    return this.#link.call("deleteStatuses", users);
  }

  /** Goes to the primary with whoever else is seen in this turn. */
  seen(user: string): void {
    if (this.#seen.size === 0) {
      setImmediate(() => {
        this.#link.notify("seen", [...this.#seen]);
        this.#seen = new Set();
      });
    }
    this.#seen.add(user);
  }

  async save(): Promise<void> {}

  async sweep(): Promise<void> {}
}
