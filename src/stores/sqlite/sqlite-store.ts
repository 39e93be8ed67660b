import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { EntryChange, EntryStore, EntryTable, StoredEntry } from "../../core/entry-store.ts";
import type { WriterCommand, WriterOptions, WriterReport } from "./messages.ts";

/** Changes that wait for the disk at most; a disk that is so far behind is down. */
const MAX_PENDING_CHANGES = 100_000;

interface PendingWrite {
  readonly changes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Entries in a SQLite file. A thread of its own writes them, so that no connection waits for the disk; writes that
 * come together are one transaction. No other process may use the file meanwhile.
 */
export class SqliteStore implements EntryStore {
  readonly isDurable = true;
  readonly #thread: Worker;
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #loaded = new Map<EntryTable, StoredEntry[]>();
  readonly #pending = new Map<number, PendingWrite>();
  #pendingChanges = 0;
  #lastId = 0;
  /** Why there are no more writes. */
  #end: Error | undefined;

  private constructor(options: WriterOptions) {
    const file = `./writer-thread${extname(import.meta.url)}`;
    this.#thread = new Worker(new URL(file, import.meta.url), {
      name: "store",
      workerData: options,
      // Older versions of Node warn of their own SQLite. The process's flags stay out: threads refuse many of them.
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    this.#thread.on("message", (report: WriterReport) => this.#onReport(report));
    this.#thread.on("error", (error) =>
      this.#fail(new Error("the thread of the store has ended", { cause: error })),
    );
    this.#thread.on("exit", () => this.#fail(new Error("the store is closed")));
  }

  /** Opens the file, or makes it. Rejects with an error that says what is wrong with the file. */
  static async open(options: WriterOptions): Promise<SqliteStore> {
    const store = new SqliteStore(options);
    await store.#opened.promise;
    // Keeps the process alive while there is something to write, and no longer.
    store.#thread.unref();
    return store;
  }

  async load(table: EntryTable): Promise<readonly StoredEntry[]> {
    const entries = this.#loaded.get(table) ?? [];
    this.#loaded.delete(table);
    return entries;
  }

  async write(changes: readonly EntryChange[]): Promise<void> {
    if (this.#end !== undefined) throw this.#end;
    if (this.#pendingChanges + changes.length > MAX_PENDING_CHANGES) {
      throw new Error("the disk of the store does not keep up");
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#lastId += 1;
    if (this.#pending.size === 0) this.#thread.ref();
    this.#pending.set(this.#lastId, { changes: changes.length, resolve, reject });
    this.#pendingChanges += changes.length;
    this.#send({ type: "write", id: this.#lastId, changes });
    await promise;
  }

  async close(): Promise<void> {
    if (this.#end === undefined) {
      this.#end = new Error("the store is closed");
      this.#thread.ref();
      this.#send({ type: "close" });
    }
    await this.#closed.promise;
  }

  #send(command: WriterCommand): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    this.#thread.postMessage(command);
  }

  #onReport(report: WriterReport): void {
    switch (report.type) {
      case "entries":
        this.#take(report.table, report.entries);
        return;
      case "opened":
        this.#opened.resolve();
        return;
      case "refused":
        this.#fail(new Error(report.problem));
        return;
      case "written":
        for (const id of report.ids) this.#settle(id)?.resolve();
        return;
      case "failed":
        for (const id of report.ids)
          this.#settle(id)?.reject(new Error(`the store cannot write: ${report.problem}`));
        return;
      case "closed":
        this.#closed.resolve();
    }
  }

  #take(table: EntryTable, entries: readonly StoredEntry[]): void {
    const loaded = this.#loaded.get(table);
    if (loaded === undefined) this.#loaded.set(table, [...entries]);
    else for (const entry of entries) loaded.push(entry);
  }

  #settle(id: number): PendingWrite | undefined {
    const write = this.#pending.get(id);
    this.#pending.delete(id);
    this.#pendingChanges -= write?.changes ?? 0;
    if (this.#pending.size === 0 && this.#end === undefined) this.#thread.unref();
    return write;
  }

  /** Nothing more comes from the thread. Later calls change nothing. */
  #fail(error: Error): void {
    this.#end ??= error;
    this.#opened.reject(error);
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error);
    this.#closed.resolve();
  }
}
