import { describe, expect, it } from "vitest";
import type { ClientInfo } from "../../src/core/client-info.ts";
import type { PresenceManager } from "../../src/core/presence-manager.ts";

/** Makes a presence manager that knows of nobody, for one test. */
export type CreatePresenceManager = () => Promise<PresenceManager>;

/** What every presence manager promises; see the port in core/presence-manager.ts. */
export function describePresenceManagerContract(name: string, create: CreatePresenceManager): void {
  /** Runs a test with a new manager. */
  const withPresence = (test: (presence: PresenceManager) => Promise<void>) => async (): Promise<void> => {
    const presence = await create();
    try {
      await test(presence);
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
        await presence.add("a", info("1", "42"));
        await presence.add("a", info("2", "42"));
        expect(await presence.stats("a")).toEqual({ numClients: 2, numUsers: 1 });
        await presence.add("a", info("3", "43"));
        await presence.add("a", info("4", ""));
        await presence.add("a", info("5", ""));
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
        await presence.add("a", known);
        await presence.add("a", info("2", ""));
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
        await presence.add("a", info("1", "42"));
        const later = { ...info("1", "42"), chanInfo: Buffer.from("2") };
        await presence.add("a", later);
        expect(await presence.stats("a")).toEqual({ numClients: 1, numUsers: 1 });
        expect(await presence.get("a")).toEqual(new Map([["1", later]]));
      }),
    );

    it(
      "removing is idempotent and touches nobody else",
      withPresence(async (presence) => {
        await presence.remove("a", "1", "42");
        await presence.add("a", info("1", "42"));
        await presence.add("b", info("1", "42"));
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
      "what get gave does not change afterwards",
      withPresence(async (presence) => {
        await presence.add("a", info("1", "42"));
        const before = await presence.get("a");
        await presence.add("a", info("2", "42"));
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
