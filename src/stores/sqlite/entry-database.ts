import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { EntryChange, EntryTable, StoredEntry } from "../../core/entry-store.ts";

/** How long another process may keep the file, for a restart that overlaps, milliseconds. */
const LOCK_PATIENCE_MS = 2000;
/** "Mill": tells our files from those of others. */
const APPLICATION_ID = 0x4d69_6c6c;
const VERSION = 1;

const CREATE = `
  CREATE TABLE entry (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    expire_at INTEGER,
    PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
`;

/**
 * The file of a store, used by one process at a time.
 *
 * What is committed has reached the disk (WAL, `synchronous = FULL`): it outlives the process and the machine's power.
 * Keys are JSON there, since SQLite's text cannot hold every string of ours. All calls wait for the disk.
 */
export class EntryDatabase implements Disposable {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  /** Opens the file, or makes it. Throws where it cannot be used; `explainFailure` says why. */
  constructor(path: string) {
    using cleanup = new DisposableStack();
    // Whom a server blocks is nobody else's business; SQLite gives its other files the same mode.
    closeSync(openSync(path, "a", 0o600));
    const database = cleanup.use(new DatabaseSync(path, { timeout: LOCK_PATIENCE_MS }));
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    // Takes the lock that the file is held with from now on.
    database.exec("BEGIN IMMEDIATE");
    prepareSchema(database);
    database.exec("COMMIT");
    this.#put = database.prepare(
      `INSERT INTO entry (kind, key, value, expire_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value, expire_at = excluded.expire_at`,
    );
    this.#remove = database.prepare("DELETE FROM entry WHERE kind = ? AND key = ?");
    this.#database = database;
    cleanup.move();
  }

  /** Drops what has expired. */
  removeExpired(nowSec: number): void {
    this.#database.prepare("DELETE FROM entry WHERE expire_at <= ?").run(nowSec);
  }

  /** All entries, those that expire first in front. */
  *entries(): Generator<{ readonly table: EntryTable; readonly entry: StoredEntry }> {
    const rows = this.#database.prepare(
      "SELECT kind, key, value, expire_at AS expireAtSec FROM entry ORDER BY kind, expire_at",
    );
    for (const row of rows.iterate()) yield readRow(row);
  }

  /** Makes all changes durable, or none. */
  write(changes: Iterable<EntryChange>): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const change of changes) this.#apply(change);
      this.#database.exec("COMMIT");
    } catch (error) {
      // SQLite has rolled back by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #apply(change: EntryChange): void {
    if (change.type === "remove") {
      this.#remove.run(change.table, JSON.stringify(change.key));
      return;
    }
    const { key, value, expireAtSec } = change.entry;
    this.#put.run(change.table, JSON.stringify(key), value, expireAtSec ?? null);
  }
}

function prepareSchema(database: DatabaseSync): void {
  const isNew = numberOf(database, "SELECT count(*) AS number FROM sqlite_schema") === 0;
  if (isNew) {
    database.exec(CREATE);
    return;
  }
  if (numberOf(database, "SELECT application_id AS number FROM pragma_application_id") !== APPLICATION_ID) {
    throw new Error("the database of another application");
  }
  if (numberOf(database, "SELECT user_version AS number FROM pragma_user_version") !== VERSION) {
    throw new Error("written by a newer version of Millrace");
  }
  if (database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"] !== "ok") throw new Error("damaged");
}

function numberOf(database: DatabaseSync, query: string): unknown {
  return database.prepare(query).get()?.["number"];
}

function readRow(row: Readonly<Record<string, unknown>>): {
  readonly table: EntryTable;
  readonly entry: StoredEntry;
} {
  const { kind, key: keyJson, value, expireAtSec } = row;
  const key: unknown = typeof keyJson === "string" ? JSON.parse(keyJson) : undefined;
  const isTimed = typeof expireAtSec === "number";
  if (
    !isTable(kind) ||
    typeof key !== "string" ||
    typeof value !== "string" ||
    !(isTimed || expireAtSec === null)
  ) {
    throw new Error("damaged: an entry cannot be read");
  }
  return { table: kind, entry: { key, value, expireAtSec: isTimed ? expireAtSec : undefined } };
}

const TABLES: Readonly<Record<EntryTable, true>> = {
  user_block: true,
  token_revoke: true,
  user_tokens_invalidate: true,
  user_status: true,
};

function isTable(kind: unknown): kind is EntryTable {
  return typeof kind === "string" && Object.hasOwn(TABLES, kind);
}

const CANNOT_OPEN = "cannot be opened: does its directory exist, and may the server write there?";

/** Primary result codes of SQLite that operators can do something about (sqlite.org/rescode.html). */
const EXPLANATIONS: ReadonlyMap<number, string> = new Map([
  [5, "in use by another process"],
  [8, "not writable"],
  [11, "damaged"],
  [13, "no space left on the disk"],
  [14, CANNOT_OPEN],
  [26, "not a database"],
]);

/** Why a file cannot be used, for operators. */
export function explainFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("syscall" in error) return CANNOT_OPEN;
  const code = "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : 0;
  return EXPLANATIONS.get(code) ?? error.message;
}
