import type { UserStatus, UserStatusBook } from "../../core/access.ts";
import { badRequest } from "../../core/client-error.ts";
import type { Clock } from "../../core/clock.ts";
import type { EntryStore } from "../../core/entry-store.ts";
import { ExpiringTable } from "./expiring-table.ts";

/** What statuses are kept with. */
export interface UserStatusesOptions {
  readonly store: EntryStore;
  readonly clock: Clock;
  /** Seconds after which a status that nothing renews is forgotten; 0 or less for never. */
  readonly ttlSec: number;
  /** Beyond these, those renewed longest ago are forgotten; 0 or less for no limit. */
  readonly maxUsers: number;
  /** What states must match; undefined takes any. */
  readonly statePattern: { test(state: string): boolean } | undefined;
}

type Status = Omit<UserStatus, "user">;

/** Statuses that one write to the store holds at most. */
const SAVE_AT_ONCE = 1000;
const STATE_MAX_LENGTH = 1024;

/**
 * What is known of users' doings (docs/protocols/server-api.md §4).
 *
 * What the backend says is durable, where the store can, when it resolves. When a user was seen connected is noted in
 * memory and saved from time to time: it may be lost with the process, and then is as old as the last save.
 */
export class UserStatuses implements UserStatusBook {
  readonly #options: UserStatusesOptions;
  readonly #table: ExpiringTable<Status>;
  /** Users whose status has changed in memory only. */
  #unsaved = new Set<string>();

  constructor(options: UserStatusesOptions) {
    const { store, clock } = options;
    this.#options = options;
    // Instead of being refused, new entries push out the oldest ones.
    this.#table = new ExpiringTable({
      store,
      clock,
      table: "user_status",
      maxEntries: 0,
      parse: parseStatus,
    });
  }

  /** Takes over what the store has. */
  async load(): Promise<void> {
    await this.#table.load();
  }

  /** Statuses in the order of the users; of an unknown one all but the name is empty. */
  async get(users: readonly string[]): Promise<readonly UserStatus[]> {
    return users.map((user) => ({ user, ...(this.#table.get(user)?.value ?? UNKNOWN) }));
  }

  /** Users were active now, in this state. Rejects with ClientError 107 for a state that is none. */
  async update(users: readonly string[], state: string): Promise<void> {
    const { statePattern } = this.#options;
    if (state.length > STATE_MAX_LENGTH) throw badRequest("state", `longer than ${STATE_MAX_LENGTH}`);
    if (statePattern?.test(state) === false)
      throw badRequest("state", "not what user_status.state_regex matches");
    const activeSec = this.#nowSec();
    for (const user of users) this.#change(user, { activeSec, state });
    await this.#table.save([...new Set(users), ...this.#pushOut()]);
  }

  async delete(users: readonly string[]): Promise<void> {
    for (const user of users) this.#unsaved.delete(user);
    await this.#table.remove(users);
  }

  /** A user is connected. Cheap. */
  seen(user: string): void {
    this.#change(user, { onlineSec: this.#nowSec() });
    if (this.#options.store.isDurable) this.#unsaved.add(user);
  }

  /** Saves when users were seen. Rejects where the store fails; what has not been saved then is with the next call. */
  async save(): Promise<void> {
    while (this.#unsaved.size > 0) {
      const users = [...this.#unsaved.values().take(SAVE_AT_ONCE)];
      for (const user of users) this.#unsaved.delete(user);
      try {
        await this.#table.save(users);
      } catch (error) {
        for (const user of users) this.#unsaved.add(user);
        throw error;
      }
    }
  }

  /** Forgets some of what has expired, and what is too much. */
  async sweep(maxLooks: number): Promise<void> {
    await this.#table.sweep(maxLooks);
    await this.#table.save(this.#pushOut());
  }

  #change(user: string, changes: Partial<Status>): void {
    const { ttlSec } = this.#options;
    this.#table.set(user, {
      value: { ...(this.#table.get(user)?.value ?? UNKNOWN), ...changes },
      expireAtSec: ttlSec > 0 ? this.#nowSec() + Math.ceil(ttlSec) : undefined,
    });
  }

  #pushOut(): readonly string[] {
    const { maxUsers } = this.#options;
    return maxUsers > 0 ? this.#table.dropOldestBeyond(maxUsers) : [];
  }

  #nowSec(): number {
    return Math.floor(this.#options.clock.wallMs() / 1000);
  }
}

const UNKNOWN: Status = { activeSec: 0, onlineSec: 0, state: "" };

function parseStatus(json: unknown): Status {
  if (
    typeof json === "object" &&
    json !== null &&
    "activeSec" in json &&
    "onlineSec" in json &&
    "state" in json
  ) {
    const { activeSec, onlineSec, state } = json;
    if (typeof activeSec === "number" && typeof onlineSec === "number" && typeof state === "string")
      return { activeSec, onlineSec, state };
  }
  throw new Error("an entry is not of its table's kind");
}
