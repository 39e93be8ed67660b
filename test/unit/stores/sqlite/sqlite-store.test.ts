import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { EntryChange } from "../../../../src/core/entry-store.ts";
import { SqliteStore } from "../../../../src/stores/sqlite/sqlite-store.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "millrace-sqlite-"));
  path = join(directory, "store.db");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function open(nowSec = 0): Promise<SqliteStore> {
  const store = await SqliteStore.open({ path, nowSec });
  onTestFinished(() => store.close());
  return store;
}

function put(key: string, expireAtSec?: number): EntryChange {
  return { type: "put", table: "user_block", entry: { key, value: "true", expireAtSec } };
}

/** Runs SQL on the file as another program would. */
function tamper(sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

describe("SqliteStore", () => {
  it("applies writes in the order of the calls, the last one wins", async () => {
    const store = await open();
    await Promise.all([
      ...Array.from({ length: 2500 }, (_, at) => store.write([put(`user ${at}`), put("same", at + 1)])),
      store.write([{ type: "remove", table: "user_block", key: "user 7" }]),
    ]);
    await store.close();
    const entries = await (await open()).load("user_block");
    expect(entries).toHaveLength(2500);
    expect(entries.find(({ key }) => key === "same")).toEqual({
      key: "same",
      value: "true",
      expireAtSec: 2500,
    });
  });

  it("keeps its files from other users of the machine", async () => {
    const store = await open();
    await store.write([put("1")]);
    for (const file of readdirSync(directory))
      expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
    await store.close();
    expect(readdirSync(directory)).toEqual(["store.db"]);
  });

  it("finishes what was written before it was closed", async () => {
    const store = await open();
    const written = store.write([put("late")]);
    await store.close();
    await written;
    expect(await (await open()).load("user_block")).toHaveLength(1);
  });

  it("drops what has expired when it is opened", async () => {
    const store = await open();
    await store.write([put("1", 99), put("2", 100), put("3", 101), put("4")]);
    await store.close();
    const keys = (await (await open(100)).load("user_block")).map(({ key }) => key);
    expect(new Set(keys)).toEqual(new Set(["3", "4"]));
  });

  it("refuses more than the disk can keep up with", async () => {
    const store = await open();
    const changes = Array.from({ length: 100_000 }, (_, at) => put(String(at)));
    const written = store.write(changes);
    await expect(store.write([put("one more")])).rejects.toThrow("does not keep up");
    await written;
    await store.write([put("one more")]);
  });

  it("says that another process has the file", async () => {
    await open();
    await expect(open()).rejects.toThrow("in use by another process");
  });

  it.each([
    ["text", "not a database"],
    ["x".repeat(10_000), "not a database"],
  ])("says that a file is none of ours", async (content, problem) => {
    writeFileSync(path, content);
    await expect(open()).rejects.toThrow(problem);
  });

  it("says that there is no such directory, or that the path is one", async () => {
    path = join(directory, "missing", "store.db");
    await expect(open()).rejects.toThrow("cannot be opened");
    path = directory;
    await expect(open()).rejects.toThrow("cannot be opened");
  });

  it("says that the database is another application's, or a newer version's, and leaves it alone", async () => {
    tamper("CREATE TABLE theirs (a)");
    await expect(open()).rejects.toThrow("the database of another application");
    tamper("DROP TABLE theirs");
    await (await open()).close();
    tamper("PRAGMA user_version = 2");
    await expect(open()).rejects.toThrow("written by a newer version of Millrace");
  });

  it.each([
    "INSERT INTO entry VALUES ('unheard_of', '\"a\"', 'true', NULL)",
    "INSERT INTO entry VALUES ('user_block', '1', 'true', NULL)",
  ])("says that an entry cannot be read: %s", async (sql) => {
    await (await open()).close();
    tamper(sql);
    await expect(open()).rejects.toThrow("damaged: an entry cannot be read");
  });

  it("says that the file is damaged", async () => {
    const store = await open();
    await store.write(Array.from({ length: 5000 }, (_, at) => put(String(at))));
    await store.close();
    const file = readFileSync(path);
    writeFileSync(path, file.fill(0xff, 4096));
    await expect(open()).rejects.toThrow("damaged");
  });

  it("rejects a write that the disk refuses as a whole, and goes on", async () => {
    await (await open()).close();
    tamper(
      "CREATE TRIGGER full BEFORE INSERT ON entry WHEN NEW.key = '\"no\"' BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    const store = await open();
    const [, failed] = await Promise.allSettled([
      store.write([put("before")]),
      store.write([put("yes"), put("no")]),
      store.write([put("after")]),
    ]);
    expect(failed).toMatchObject({ reason: { message: "the store cannot write: full" } });
    await store.write([put("later")]);
    await store.close();
    const keys = (await (await open()).load("user_block")).map(({ key }) => key);
    expect(new Set(keys)).toEqual(new Set(["before", "after", "later"]));
  });
});
