import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { EntryTable, StoredEntry } from "../../core/entry-store.ts";
import { EntryDatabase, explainFailure } from "./entry-database.ts";
import type { WriteCommand, WriterCommand, WriterOptions, WriterReport } from "./messages.ts";

/** Entries in one message at the start. */
const ENTRIES_AT_ONCE = 10_000;
/** Writes in one transaction. */
const WRITES_AT_ONCE = 1000;

/** The thread that waits for the disk, so that nobody else has to. */
class WriterThread {
  readonly #port: MessagePort;
  readonly #database: EntryDatabase;

  constructor(port: MessagePort, database: EntryDatabase) {
    this.#port = port;
    this.#database = database;
    port.on("message", (command: WriterCommand) => this.#take(command));
  }

  report(report: WriterReport): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, no window
    this.#port.postMessage(report);
  }

  /** Tells all there is in the database. */
  reportEntries(): void {
    let page: StoredEntry[] = [];
    let pageTable: EntryTable | undefined;
    const finishPage = (): void => {
      if (pageTable !== undefined) this.report({ type: "entries", table: pageTable, entries: page });
      page = [];
    };
    for (const { table, entry } of this.#database.entries()) {
      if (table !== pageTable || page.length >= ENTRIES_AT_ONCE) finishPage();
      pageTable = table;
      page.push(entry);
    }
    finishPage();
  }

  /** Whatever has come in the meantime goes to the disk together with the command: one wait for all of it. */
  #take(first: WriterCommand): void {
    const writes: WriteCommand[] = [];
    let command: WriterCommand | undefined = first;
    while (command?.type === "write") {
      writes.push(command);
      command = writes.length < WRITES_AT_ONCE ? this.#nextWaiting() : undefined;
    }
    if (writes.length > 0) this.#write(writes);
    if (command?.type === "close") this.#close();
  }

  #nextWaiting(): WriterCommand | undefined {
    const received: { readonly message: WriterCommand } | undefined = receiveMessageOnPort(this.#port);
    return received?.message;
  }

  /** Where they cannot be written together, each has its own try: none fails for what another one says. */
  #write(writes: readonly WriteCommand[]): void {
    const ids = writes.map(({ id }) => id);
    try {
      this.#database.write(writes.flatMap(({ changes }) => changes));
      this.report({ type: "written", ids });
    } catch (error) {
      if (writes.length > 1) for (const write of writes) this.#write([write]);
      else this.report({ type: "failed", ids, problem: explainFailure(error) });
    }
  }

  #close(): void {
    this.#database[Symbol.dispose]();
    this.report({ type: "closed" });
    this.#port.close();
  }
}

function run(port: MessagePort, { path, nowSec }: WriterOptions): void {
  using cleanup = new DisposableStack();
  try {
    const database = cleanup.use(new EntryDatabase(path));
    database.removeExpired(nowSec);
    const thread = new WriterThread(port, database);
    thread.reportEntries();
    thread.report({ type: "opened" });
    cleanup.move();
  } catch (error) {
    port.postMessage({ type: "refused", problem: explainFailure(error) } satisfies WriterReport);
    port.close();
  }
}

// The store passes nothing else.
if (parentPort !== null) run(parentPort, workerData as WriterOptions);
