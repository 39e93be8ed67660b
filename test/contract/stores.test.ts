import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VolatileStore } from "../../src/stores/memory/volatile-store.ts";
import { SqliteStore } from "../../src/stores/sqlite/sqlite-store.ts";
import { describeEntryStoreContract } from "./entry-store.contract.ts";

describeEntryStoreContract("memory", () => ({
  open: async () => new VolatileStore(),
  [Symbol.asyncDispose]: async () => undefined,
}));

describeEntryStoreContract("sqlite", () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-store-"));
  return {
    open: (nowSec) => SqliteStore.open({ path: join(directory, "store.db"), nowSec }),
    [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true, force: true }),
  };
});
