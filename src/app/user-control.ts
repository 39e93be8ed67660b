import type { UserStatusBook } from "../core/access.ts";
import type { Clock } from "../core/clock.ts";
import type { EntryStore } from "../core/entry-store.ts";
import { Re2Pattern } from "../lib/re2.ts";
import { AccessList, type AccessRetention } from "../node/control/access-list.ts";
import { UserStatuses } from "../node/control/user-statuses.ts";
import { VolatileStore } from "../stores/memory/volatile-store.ts";
import { SqliteStore } from "../stores/sqlite/sqlite-store.ts";
import type { Config } from "./config.ts";
import type { RetentionConfig } from "./user-control-config.ts";

/** What control over users begins with: everything that earlier runs have left. */
export interface UserRecords {
  readonly store: EntryStore;
  readonly access: AccessList;
  /** Undefined where switched off. */
  readonly statuses: UserStatusBook | undefined;
}

/** What control over users is in a worker, where the primary remembers everything. The list is still to be loaded. */
export function createRemoteRecords(
  config: UserRecordsConfig,
  clock: Clock,
  store: EntryStore,
  statuses: UserStatusBook,
): UserRecords {
  const access = createAccessList(config, clock, store);
  return { store, access, statuses: config.user_status.enabled ? statuses : undefined };
}

/** The options that control over users follows. */
export type UserRecordsConfig = Pick<
  Config,
  "store" | "user_status" | "user_block" | "token_revoke" | "user_tokens_invalidate"
>;

/** Opens the store and reads it. Rejects, naming the option, where the file cannot be used. */
export async function openUserRecords(config: UserRecordsConfig, clock: Clock): Promise<UserRecords> {
  await using cleanup = new AsyncDisposableStack();
  const store = cleanup.adopt(await openStore(config.store.path, clock), (opened) => opened.close());
  const access = createAccessList(config, clock, store);
  const statuses = createStatuses(config, store, clock);
  await namingThePath(config.store.path, Promise.all([access.load(), statuses?.load()]));
  cleanup.move();
  return { store, access, statuses };
}

async function openStore(path: string, clock: Clock): Promise<EntryStore> {
  if (path === "") return new VolatileStore();
  const nowSec = Math.floor(clock.wallMs() / 1000);
  return namingThePath(path, SqliteStore.open({ path, nowSec }));
}

function createAccessList(config: UserRecordsConfig, clock: Clock, store: EntryStore): AccessList {
  return new AccessList({
    store,
    clock,
    blocks: retentionOf(config.user_block),
    revocations: retentionOf(config.token_revoke),
    invalidations: retentionOf(config.user_tokens_invalidate),
  });
}

function createStatuses(
  { user_status: options }: UserRecordsConfig,
  store: EntryStore,
  clock: Clock,
): UserStatuses | undefined {
  if (!options.enabled) return undefined;
  return new UserStatuses({
    store,
    clock,
    ttlSec: options.expire_interval / 1000,
    maxUsers: options.max_users,
    statePattern: options.state_regex === "" ? undefined : Re2Pattern.compile(options.state_regex),
  });
}

function retentionOf({ expire_interval: ttlMs, max_entries: maxEntries }: RetentionConfig): AccessRetention {
  return { ttlSec: ttlMs / 1000, maxEntries };
}

async function namingThePath<Value>(path: string, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (cause) {
    throw new Error(`store.path: cannot use ${path}`, { cause });
  }
}
