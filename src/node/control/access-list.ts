import type { AccessSubject, TokenInvalidation } from "../../core/access.ts";
import type { Clock } from "../../core/clock.ts";
import type { EntryStore, EntryTable, StoredEntry } from "../../core/entry-store.ts";
import { type Entry, ExpiringTable } from "./expiring-table.ts";

/** How long what has no end of its own is kept, and how much of it. */
export interface AccessRetention {
  /** Seconds; 0 or less for good. */
  readonly ttlSec: number;
  /** Beyond these, new entries are refused; 0 or less for no limit. */
  readonly maxEntries: number;
}

/** What the list works with. */
export interface AccessListOptions {
  readonly store: EntryStore;
  readonly clock: Clock;
  readonly blocks: AccessRetention;
  readonly revocations: AccessRetention;
  readonly invalidations: AccessRetention;
}

/** Whether a client may be connected; its token may be void although it is valid by itself. */
export type AccessVerdict = "allowed" | "blocked" | "voidToken";

type Mark = true;

/** The year 9999: whoever gives the largest number there is means it so. */
const END_OF_TIME_SEC = 253_402_300_799;

/**
 * Who is locked out: blocked users and void tokens (docs/protocols/server-api.md §4).
 *
 * Asking is a look into memory. Changes count at once and have outlived the process, where the store can, when they
 * resolve. An end is in Unix seconds; undefined stands for the retention of the configuration.
 */
export class AccessList {
  readonly #options: AccessListOptions;
  readonly #blocks: ExpiringTable<Mark>;
  readonly #revocations: ExpiringTable<Mark>;
  /** By user and channel: tokens issued before this Unix second are void. */
  readonly #invalidations: ExpiringTable<number>;
  #loading: Promise<unknown> | undefined;

  constructor(options: AccessListOptions) {
    const { store, clock, blocks, revocations, invalidations } = options;
    this.#options = options;
    const marks = { store, clock, parse: parseMark };
    this.#blocks = new ExpiringTable({ ...marks, table: "user_block", maxEntries: blocks.maxEntries });
    this.#revocations = new ExpiringTable({
      ...marks,
      table: "token_revoke",
      maxEntries: revocations.maxEntries,
    });
    this.#invalidations = new ExpiringTable({
      store,
      clock,
      table: "user_tokens_invalidate",
      maxEntries: invalidations.maxEntries,
      parse: parseSeconds,
    });
  }

  /** Takes over what the store has. Called again, it only waits for that. */
  async load(): Promise<void> {
    this.#loading ??= Promise.all([
      this.#blocks.load(),
      this.#revocations.load(),
      this.#invalidations.load(),
    ]);
    await this.#loading;
  }

  /** What the list has in one of its tables, as it is stored; nothing of other tables. */
  records(table: EntryTable): readonly StoredEntry[] {
    switch (table) {
      case "user_block":
        return this.#blocks.records();
      case "token_revoke":
        return this.#revocations.records();
      case "user_tokens_invalidate":
        return this.#invalidations.records();
      case "user_status":
        return [];
    }
  }

  verdictOn({ user, source, tokenId, issuedAtSec }: AccessSubject): AccessVerdict {
    if (user !== "" && this.#blocks.get(user) !== undefined) return "blocked";
    if (source !== "token") return "allowed";
    if (tokenId !== "" && this.#revocations.get(tokenId) !== undefined) return "voidToken";
    const issuedBeforeSec = this.#invalidations.get(keyOf(user, ""))?.value;
    return issuedBeforeSec !== undefined && issuedAtSec < issuedBeforeSec ? "voidToken" : "allowed";
  }

  /** Locks a user out. A later call sets a new end. */
  async block(user: string, expireAtSec: number | undefined): Promise<void> {
    await this.#blocks.put(user, this.#entry(true, expireAtSec, this.#options.blocks));
  }

  async unblock(user: string): Promise<void> {
    await this.#blocks.remove([user]);
  }

  /** Makes one token void. A later call sets a new end. */
  async revoke(tokenId: string, expireAtSec: number | undefined): Promise<void> {
    await this.#revocations.put(tokenId, this.#entry(true, expireAtSec, this.#options.revocations));
  }

  /** Makes the older tokens of a user void. Of two calls the later times count: no token becomes valid again. */
  async invalidate(invalidation: TokenInvalidation, expireAtSec: number | undefined): Promise<void> {
    const { user, channel, issuedBeforeSec } = invalidation;
    const key = keyOf(user, channel);
    const wanted = this.#entry(issuedBeforeSec, expireAtSec, this.#options.invalidations);
    const before = this.#invalidations.get(key);
    await this.#invalidations.put(key, before === undefined ? wanted : laterOf(before, wanted));
  }

  /** Forgets some of what has expired. */
  async sweep(maxLooks: number): Promise<void> {
    await Promise.all(
      [this.#blocks, this.#revocations, this.#invalidations].map((table) => table.sweep(maxLooks)),
    );
  }

  #entry<Value>(value: Value, expireAtSec: number | undefined, { ttlSec }: AccessRetention): Entry<Value> {
    const nowSec = Math.floor(this.#options.clock.wallMs() / 1000);
    const endSec = expireAtSec ?? (ttlSec > 0 ? nowSec + ttlSec : undefined);
    return {
      value,
      expireAtSec: endSec === undefined ? undefined : Math.min(Math.ceil(endSec), END_OF_TIME_SEC),
    };
  }
}

function keyOf(user: string, channel: string): string {
  return `${channel.length}:${channel}${user}`;
}

function laterOf(a: Entry<number>, b: Entry<number>): Entry<number> {
  const isEndless = a.expireAtSec === undefined || b.expireAtSec === undefined;
  return {
    value: Math.max(a.value, b.value),
    expireAtSec: isEndless ? undefined : Math.max(a.expireAtSec, b.expireAtSec),
  };
}

function parseMark(json: unknown): Mark {
  if (json !== true) throw new Error("an entry is not of its table's kind");
  return json;
}

function parseSeconds(json: unknown): number {
  if (typeof json !== "number") throw new Error("an entry is not of its table's kind");
  return json;
}
