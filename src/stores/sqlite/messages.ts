import type { EntryChange, EntryTable, StoredEntry } from "../../core/entry-store.ts";

/** What the writer thread is started with. */
export interface WriterOptions {
  readonly path: string;
  /** Entries that have expired by then are dropped, Unix seconds. */
  readonly nowSec: number;
}

/** Changes to be written, all or none. */
export interface WriteCommand {
  readonly type: "write";
  readonly id: number;
  readonly changes: readonly EntryChange[];
}

/** What the writer thread is told. */
export type WriterCommand = WriteCommand | { readonly type: "close" };

/** What the writer thread tells: entries, then `opened`; or `refused` alone. */
export type WriterReport =
  | { readonly type: "entries"; readonly table: EntryTable; readonly entries: readonly StoredEntry[] }
  | { readonly type: "opened" }
  | { readonly type: "refused"; readonly problem: string }
  | { readonly type: "written"; readonly ids: readonly number[] }
  | { readonly type: "failed"; readonly ids: readonly number[]; readonly problem: string }
  | { readonly type: "closed" };
