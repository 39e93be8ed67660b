import { describe, expect, it } from "vitest";
import type { PresenceManager } from "../../src/core/presence-manager.ts";
import type { ClientInfo } from "../../src/core/publication.ts";

/** A presence manager, and what it has told of its channels: "onMemberAdded a 42". */
export interface PresenceHarness {
  readonly presence: PresenceManager;
  /** What has been told since it was asked last. */
  readonly takeEvents: () => readonly string[];
}

/** Makes a presence manager that knows of nobody, for one test. */
export type CreatePresenceManager = () => Promise<PresenceHarness>;

type PresenceTest = (presence: PresenceManager, takeEvents: () => readonly string[]) => Promise<void>;

/** What every presence manager promises; see the port in core/presence-manager.ts. */
export function describePresenceManagerContract(name: string, create: CreatePresenceManager): void {
  /** Runs a test with a new manager. */
  const withPresence = (test: PresenceTest) => async (): Promise<void> => {
    const { presence, takeEvents } = await create();
    try {
      await test(presence, takeEvents);
    } finally {
      await presence.close();
    }
  };

  describe(`presence manager contract: ${name}`, () => {
    it(
      "knows of nobody at first",
      withPresence(async (presence) => {
        expect(await presence.get("a")).toEqual(new Map());
        expect(await presence.stats("a")).toEqual({ numClients: 0, numUsers: 0 });
      }),
    );

    it(
      "core 80: counts clients and distinct users",
      withPresence(async (presence) => {
        await presence.add("a", info("1", "42"), 0);
        await presence.add("a", info("2", "42"), 0);
        expect(await presence.stats("a")).toEqual({ numClients: 2, numUsers: 1 });
        await presence.add("a", info("3", "43"), 0);
        await presence.add("a", info("4", ""), 0);
        await presence.add("a", info("5", ""), 0);
        expect(await presence.stats("a")).toEqual({ numClients: 5, numUsers: 3 });
        await presence.remove("a", "1", "42");
        expect(await presence.stats("a")).toEqual({ numClients: 4, numUsers: 3 });
        await presence.remove("a", "2", "42");
        expect(await presence.stats("a")).toEqual({ numClients: 3, numUsers: 2 });
      }),
    );

    it(
      "core 83: gives what is known of each client, byte for byte",
      withPresence(async (presence) => {
        const connInfo = Buffer.from('{ "n":1 }');
        const chanInfo = Buffer.from('{"é":"☃"}');
        const known = { ...info("1", "42"), connInfo, chanInfo };
        await presence.add("a", known, 0);
        await presence.add("a", info("2", ""), 0);
        const expected = new Map([
          ["1", known],
          ["2", info("2", "")],
        ]);
        expect(await presence.get("a")).toEqual(expected);
      }),
    );

    it(
      "adding again refreshes: nobody is counted twice, the latest is what is known",
      withPresence(async (presence) => {
        await presence.add("a", info("1", "42"), 0);
        const later = { ...info("1", "42"), chanInfo: Buffer.from("2") };
        await presence.add("a", later, 0);
        expect(await presence.stats("a")).toEqual({ numClients: 1, numUsers: 1 });
        expect(await presence.get("a")).toEqual(new Map([["1", later]]));
      }),
    );

    it(
      "removing is idempotent and touches nobody else",
      withPresence(async (presence) => {
        await presence.remove("a", "1", "42");
        await presence.add("a", info("1", "42"), 0);
        await presence.add("b", info("1", "42"), 0);
        await presence.remove("a", "2", "42");
        expect(await presence.stats("a")).toEqual({ numClients: 1, numUsers: 1 });
        await presence.remove("a", "1", "42");
        await presence.remove("a", "1", "42");
        expect(await presence.get("a")).toEqual(new Map());
        expect(await presence.stats("a")).toEqual({ numClients: 0, numUsers: 0 });
        expect(await presence.stats("b")).toEqual({ numClients: 1, numUsers: 1 });
      }),
    );

    it(
      "tells the first and the last client of each user",
      withPresence(async (presence, takeEvents) => {
        const told: string[][] = [];
        for (const [client, user] of [
          ["1", "42"],
          ["1", "42"],
          ["2", "42"],
          ["3", "43"],
          ["4", ""],
        ] as const) {
          expect(await presence.add("a", info(client, user), 0)).toBe(true);
          told.push([...takeEvents()]);
        }
        expect(told).toEqual([["onMemberAdded a 42"], [], [], ["onMemberAdded a 43"], []]);
        await presence.add("b", info("1", "42"), 0);
        expect(takeEvents()).toEqual(["onMemberAdded b 42"]);
        told.length = 0;
        for (const [client, user] of [
          ["1", "42"],
          ["2", "42"],
          ["2", "42"],
          ["4", ""],
        ] as const) {
          await presence.remove("a", client, user);
          told.push([...takeEvents()]);
        }
        expect(told).toEqual([[], ["onMemberRemoved a 42"], [], []]);
        await presence.add("a", info("1", "42"), 0);
        expect(takeEvents()).toEqual(["onMemberAdded a 42"]);
      }),
    );

    it(
      "takes one first and one last of many at once",
      withPresence(async (presence, takeEvents) => {
        const clients = Array.from({ length: 20 }, (_, at) => String(at));
        await Promise.all(clients.map((client) => presence.add("a", info(client, "42"), 0)));
        expect(takeEvents()).toEqual(["onMemberAdded a 42"]);
        await Promise.all(clients.map((client) => presence.remove("a", client, "42")));
        expect(takeEvents()).toEqual(["onMemberRemoved a 42"]);
      }),
    );

    it(
      "a client that becomes another user ends one and begins the other",
      withPresence(async (presence, takeEvents) => {
        await presence.add("a", info("1", "42"), 0);
        await presence.add("a", info("1", "43"), 0);
        expect(takeEvents().toSorted()).toEqual([
          "onMemberAdded a 42",
          "onMemberAdded a 43",
          "onMemberRemoved a 42",
        ]);
        expect(await presence.stats("a")).toEqual({ numClients: 1, numUsers: 1 });
      }),
    );

    it(
      "refuses a user too many, but no further client of a user who is there",
      withPresence(async (presence, takeEvents) => {
        await presence.add("a", info("1", "42"), 2);
        await presence.add("a", info("2", "43"), 2);
        takeEvents();
        expect(await presence.add("a", info("3", "44"), 2)).toBe(false);
        expect(takeEvents()).toEqual([]);
        expect(await presence.add("a", info("4", "42"), 2)).toBe(true);
        expect(await presence.add("a", info("1", "42"), 2)).toBe(true);
        expect(await presence.stats("a")).toEqual({ numClients: 3, numUsers: 2 });
        await presence.remove("a", "2", "43");
        expect(await presence.add("a", info("3", "44"), 2)).toBe(true);
        expect(takeEvents()).toEqual(["onMemberRemoved a 43", "onMemberAdded a 44"]);
      }),
    );

    it(
      "what get gave does not change afterwards",
      withPresence(async (presence) => {
        await presence.add("a", info("1", "42"), 0);
        const before = await presence.get("a");
        await presence.add("a", info("2", "42"), 0);
        await presence.remove("a", "1", "42");
        expect([...before.keys()]).toEqual(["1"]);
      }),
    );

    it(
      "closes twice without complaint",
      withPresence(async (presence) => {
        await presence.close();
        await expect(presence.close()).resolves.toBeUndefined();
      }),
    );
  });
}

function info(client: string, user: string): ClientInfo {
  return { client, user, connInfo: undefined, chanInfo: undefined };
}
