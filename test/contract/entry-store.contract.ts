import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EntryStore } from "../../src/core/entry-store.ts";
import { AccessList, type AccessListOptions } from "../../src/node/control/access-list.ts";
import { UserStatuses, type UserStatusesOptions } from "../../src/node/control/user-statuses.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { accessSubject } from "../support/access-subject.ts";

/** A place for stores: every one it opens knows what those before it were told, if it can. */
export interface StorePlace extends AsyncDisposable {
  open(nowSec: number): Promise<EntryStore>;
}

const NOW_SEC = FakeClock.START_WALL_MS / 1000;
const RETENTION = { ttlSec: 0, maxEntries: 0 };

/** What every store promises, alone and below those that keep their tables in it; see core/entry-store.ts. */
export function describeEntryStoreContract(name: string, createPlace: () => StorePlace): void {
  describe(`entry store contract: ${name}`, () => {
    let place: StorePlace;
    let store: EntryStore;
    let clock: FakeClock;

    beforeEach(async () => {
      clock = new FakeClock();
      place = createPlace();
      store = await place.open(NOW_SEC);
    });
    afterEach(async () => {
      await store.close();
      await place[Symbol.asyncDispose]();
    });

    /** Closes the store and opens the next one, as a restart does. */
    const restart = async (): Promise<void> => {
      await store.close();
      store = await place.open(clock.wallMs() / 1000);
    };
    const accessList = async (options: Partial<AccessListOptions> = {}): Promise<AccessList> => {
      const retention = { blocks: RETENTION, revocations: RETENTION, invalidations: RETENTION };
      const access = new AccessList({ store, clock, ...retention, ...options });
      await access.load();
      return access;
    };
    const userStatuses = async (options: Partial<UserStatusesOptions> = {}): Promise<UserStatuses> => {
      const statuses = new UserStatuses({
        ...{ store, clock, ttlSec: 3600, maxUsers: 0, statePattern: undefined },
        ...options,
      });
      await statuses.load();
      return statuses;
    };

    it("is empty at first", async () => {
      expect(await store.load("user_block")).toEqual([]);
    });

    it("takes writes until it is closed; closing twice is no error", async () => {
      await store.write([{ type: "remove", table: "user_block", key: "nobody" }]);
      await store.write([]);
      await store.close();
      await store.close();
      await expect(store.write([])).rejects.toThrow("the store is closed");
    });

    it("api 99: a user is blocked until it is unblocked", async () => {
      const access = await accessList();
      await access.block("42", undefined);
      expect(access.verdictOn(accessSubject({ user: "42" }))).toBe("blocked");
      expect(access.verdictOn(accessSubject({ user: "42", source: "header" }))).toBe("blocked");
      expect(access.verdictOn(accessSubject({ user: "43" }))).toBe("allowed");
      await access.unblock("42");
      expect(access.verdictOn(accessSubject({ user: "42" }))).toBe("allowed");
    });

    it("a change counts before it has been written", async () => {
      const access = await accessList();
      const written = access.block("42", undefined);
      expect(access.verdictOn(accessSubject({ user: "42" }))).toBe("blocked");
      await written;
    });

    it("what has expired counts no longer, to the second", async () => {
      const access = await accessList({ revocations: { ttlSec: 60, maxEntries: 0 } });
      await access.block("42", NOW_SEC + 10);
      await access.revoke("jti", undefined);
      clock.advance(9999);
      expect(access.verdictOn(accessSubject({ user: "42" }))).toBe("blocked");
      clock.advance(1);
      expect(access.verdictOn(accessSubject({ user: "42" }))).toBe("allowed");
      expect(access.verdictOn(accessSubject({ tokenId: "jti" }))).toBe("voidToken");
      clock.advance(50_000);
      expect(access.verdictOn(accessSubject({ tokenId: "jti" }))).toBe("allowed");
    });

    it("api 100: a user's earlier tokens are void, later ones and those of others are not", async () => {
      const access = await accessList();
      await access.invalidate({ user: "42", channel: "", issuedBeforeSec: 1000 }, undefined);
      const verdicts = [999, 1000, 0].map((issuedAtSec) =>
        access.verdictOn(accessSubject({ user: "42", issuedAtSec })),
      );
      expect(verdicts).toEqual(["voidToken", "allowed", "voidToken"]);
      expect(access.verdictOn(accessSubject({ user: "43", issuedAtSec: 1 }))).toBe("allowed");
      expect(access.verdictOn(accessSubject({ user: "42", source: "header" }))).toBe("allowed");
    });

    it("no later call makes a void token valid again", async () => {
      const access = await accessList();
      await access.invalidate({ user: "42", channel: "", issuedBeforeSec: 1000 }, NOW_SEC + 100);
      await access.invalidate({ user: "42", channel: "", issuedBeforeSec: 500 }, NOW_SEC + 10);
      clock.advance(20_000);
      expect(access.verdictOn(accessSubject({ user: "42", issuedAtSec: 999 }))).toBe("voidToken");
    });

    it("an invalidation for a channel is no concern of connection tokens, whatever the names", async () => {
      const access = await accessList();
      await access.invalidate({ user: "42", channel: "a", issuedBeforeSec: 1000 }, undefined);
      for (const user of ["42", "a42", "1:a42"]) {
        expect(access.verdictOn(accessSubject({ user, issuedAtSec: 1 }))).toBe("allowed");
      }
    });

    it("an end beyond all time, or within a second, is remembered like any other", async () => {
      const access = await accessList();
      await access.block("42", Number(2n ** 63n - 1n));
      await access.block("43", NOW_SEC + 1.5);
      await restart();
      const verdict = (await accessList()).verdictOn(accessSubject({ user: "42" }));
      expect(verdict).toBe(store.isDurable ? "blocked" : "allowed");
    });

    it("refuses one entry too many, but not to change one", async () => {
      const access = await accessList({ blocks: { ttlSec: 0, maxEntries: 2 } });
      await access.block("1", undefined);
      await access.block("2", undefined);
      await expect(access.block("3", undefined)).rejects.toMatchObject({ code: 106 });
      await access.block("2", NOW_SEC + 10);
      clock.advance(10_000);
      await access.sweep(1000);
      await access.block("3", undefined);
      expect(access.verdictOn(accessSubject({ user: "3" }))).toBe("blocked");
    });

    it("api 98: statuses come in the order of the users, unknown ones empty", async () => {
      const statuses = await userStatuses();
      await statuses.update(["1", "2"], "away");
      clock.advance(5000);
      statuses.seen("2");
      await statuses.delete(["1"]);
      expect(await statuses.get(["x", "2", "1"])).toEqual([
        { user: "x", activeSec: 0, onlineSec: 0, state: "" },
        { user: "2", activeSec: NOW_SEC, onlineSec: NOW_SEC + 5, state: "away" },
        { user: "1", activeSec: 0, onlineSec: 0, state: "" },
      ]);
    });

    it("statuses expire when nothing renews them", async () => {
      const statuses = await userStatuses({ ttlSec: 60 });
      await statuses.update(["1", "2"], "");
      clock.advance(59_000);
      await statuses.update(["2"], "");
      clock.advance(1000);
      expect((await statuses.get(["1", "2"])).map(({ activeSec }) => activeSec)).toEqual([0, NOW_SEC + 59]);
    });

    it("beyond the limit, statuses renewed longest ago are forgotten", async () => {
      const statuses = await userStatuses({ maxUsers: 2 });
      await statuses.update(["1"], "");
      await statuses.update(["2"], "");
      await statuses.update(["1"], "");
      await statuses.update(["3"], "");
      statuses.seen("4");
      await statuses.sweep(1000);
      expect((await statuses.get(["1", "2", "3", "4"])).map(({ activeSec }) => activeSec > 0)).toEqual([
        ...[false, false, true, false],
      ]);
    });

    it("after a restart everything is as before, where the store is durable", async () => {
      let access = await accessList();
      let statuses = await userStatuses();
      await Promise.all([
        access.block("42", undefined),
        access.block("43", undefined),
        access.block("44", NOW_SEC + 10),
        access.unblock("43"),
        access.revoke("\ud800\0jti", NOW_SEC + 100),
        access.invalidate({ user: "é", channel: "", issuedBeforeSec: 1000 }, undefined),
        statuses.update(["1", "2"], "☃"),
        statuses.delete(["2"]),
      ]);
      statuses.seen("1");
      await statuses.save();
      clock.advance(10_000);
      await restart();
      [access, statuses] = [await accessList(), await userStatuses()];
      const verdicts = [
        accessSubject({ user: "42" }),
        accessSubject({ user: "43" }),
        accessSubject({ user: "44" }),
        accessSubject({ tokenId: "\ud800\0jti" }),
        accessSubject({ user: "é", issuedAtSec: 999 }),
      ].map((subject) => access.verdictOn(subject));
      const kept = ["blocked", "allowed", "allowed", "voidToken", "voidToken"];
      expect(verdicts).toEqual(store.isDurable ? kept : kept.map(() => "allowed"));
      const empty = { activeSec: 0, onlineSec: 0, state: "" };
      const full = { activeSec: NOW_SEC, onlineSec: NOW_SEC, state: "☃" };
      expect(await statuses.get(["1", "2"])).toEqual([
        { user: "1", ...(store.isDurable ? full : empty) },
        { user: "2", ...empty },
      ]);
    });
  });
}
