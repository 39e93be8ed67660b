/** What is remembered beyond a connection; each kind in a table of its own. */
export type EntryTable = "user_block" | "token_revoke" | "user_tokens_invalidate" | "user_status";

/** One thing to remember. */
export interface StoredEntry {
  readonly key: string;
  /** JSON. */
  readonly value: string;
  /** When it may be forgotten, whole Unix seconds; undefined for never. */
  readonly expireAtSec: number | undefined;
}

/** One change to a table. An entry takes the place of the one with its key; to remove what is not there is no error. */
export type EntryChange =
  | { readonly type: "put"; readonly table: EntryTable; readonly entry: StoredEntry }
  | { readonly type: "remove"; readonly table: EntryTable; readonly key: string };

/**
 * Where entries outlive the process.
 *
 * Whoever uses the store keeps its tables in memory, and reads from there. Writes are for the next start: they take
 * effect in the order of the calls, each as a whole or not at all, and have been made durable once they resolve.
 */
export interface EntryStore {
  /** False where nothing outlives the process. */
  readonly isDurable: boolean;
  /** The entries of a table that had not expired when the store was opened. To be called once for each table. */
  load(table: EntryTable): Promise<readonly StoredEntry[]>;
  write(changes: readonly EntryChange[]): Promise<void>;
  /** Writes that were made before are finished; later ones reject. Idempotent. */
  close(): Promise<void>;
}
