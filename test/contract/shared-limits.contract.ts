import { setImmediate as endOfTurn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import type { SharedLimits } from "../../src/core/shared-limits.ts";

/** Makes limits of which nothing is taken, as two nodes see them, for one test; twice the same where there is only one. */
export type CreateLimits = () => Promise<readonly [SharedLimits, SharedLimits]>;

/** What all limits promise; see the port in core/shared-limits.ts. */
export function describeSharedLimitsContract(name: string, create: CreateLimits): void {
  describe(`shared limits contract: ${name}`, () => {
    it("grants so many and no more, whichever node asks", async () => {
      const [one, two] = await create();
      expect([await one.take("a", 2), await two.take("a", 2)]).toEqual([true, true]);
      expect([await one.take("a", 2), await two.take("a", 2)]).toEqual([false, false]);
      expect(await two.take("a", 3)).toBe(true);
    });

    it("grants exactly so many of those asked for at once", async () => {
      const [one, two] = await create();
      const granted = await Promise.all(
        Array.from({ length: 20 }, async (_, at) => (at % 2 === 0 ? one : two).take("a", 7)),
      );
      expect(granted.filter(Boolean)).toHaveLength(7);
    });

    it("grants again what has been given back", async () => {
      const [one, two] = await create();
      await one.take("a", 1);
      one.give("a");
      // Whatever a node asks comes after what it has given.
      expect(await one.take("a", 1)).toBe(true);
      expect(await two.take("a", 1)).toBe(false);
    });

    it("counts each key for itself", async () => {
      const [one, two] = await create();
      expect([await one.take("a", 1), await two.take("b", 1), await one.take("", 1)]).toEqual([
        true,
        true,
        true,
      ]);
      expect([await two.take("a", 1), await one.take("b", 1), await two.take("", 1)]).toEqual([
        false,
        false,
        false,
      ]);
    });

    it("counts what is taken without limit", async () => {
      const [one, two] = await create();
      expect(await one.take("a", Infinity)).toBe(true);
      expect(await one.take("a", Infinity)).toBe(true);
      expect(await one.take("a", 2)).toBe(false);
      one.give("a");
      expect(await one.take("a", 2)).toBe(true);
      expect(await two.take("a", 2)).toBe(false);
    });

    it("takes and gives in the order of the calls", async () => {
      const [one, two] = await create();
      for (let round = 0; round < 3; round++) {
        void one.take("a", Infinity);
        one.give("a");
      }
      expect([await one.take("a", 1), await two.take("a", 1)]).toEqual([true, false]);
    });

    it("refuses where there may be none", async () => {
      const [one] = await create();
      expect(await one.take("a", 0)).toBe(false);
      expect(await one.take("a", 1)).toBe(true);
    });

    it("a node hears of what others take of the rates that it asks about, and not of what it takes itself", async () => {
      const [one, two] = await create();
      const heard: string[] = [];
      one.onTakenElsewhere("r", (key, points) => heard.push(`one ${key} ${points}`));
      if (two !== one) two.onTakenElsewhere("r", (key, points) => heard.push(`two ${key} ${points}`));
      one.reportTaken("r", "k", 1);
      one.reportTaken("other", "k", 1);
      one.reportTaken("r", "k2", 2);
      const expected = two === one ? [] : ["two k 1", "two k2 2"];
      await vi.waitFor(() => expect(heard).toEqual(expected));
    });

    it("knows how many sessions there are elsewhere", async () => {
      const [one, two] = await create();
      one.reportSessions(7);
      one.reportSessions(10);
      two.reportSessions(100);
      const expected = two === one ? [0, 0] : [100, 10];
      await vi.waitFor(() => expect([one.sessionsElsewhere, two.sessionsElsewhere]).toEqual(expected));
    });

    it("a node that has caught up knows all that the others had reported before", async () => {
      const [one, two] = await create();
      let taken = 0;
      two.onTakenElsewhere("r", (_key, points) => (taken += points));
      for (let count = 1; count <= 20; count++) {
        one.reportSessions(count);
        one.reportTaken("r", "", 1);
        // Whoever is told something by the other node is told at the end of the turn.
        await endOfTurn();
        await two.catchUp();
        const reported = one === two ? 0 : count;
        expect([two.sessionsElsewhere, taken]).toEqual([reported, reported]);
      }
    });

    it("nodes that catch up at the same time do so one after the other, and know what came of it before", async () => {
      const [one, two] = await create();
      if (one === two) return;
      const seen: number[] = [];
      const takeTurn = async (node: SharedLimits): Promise<void> => {
        await node.catchUp();
        seen.push(node.sessionsElsewhere);
        node.reportSessions(1);
      };
      await Promise.all([takeTurn(one), takeTurn(two)]);
      expect(seen).toEqual([0, 1]);
    });

    it("of one node, many who catch up at the same time do so together", async () => {
      const [one, two] = await create();
      if (one === two) return;
      one.reportSessions(3);
      const caughtUp = Array.from({ length: 10 }, () => two.catchUp());
      expect(new Set(caughtUp).size).toBe(1);
      await caughtUp[0];
      expect(two.sessionsElsewhere).toBe(3);
      expect(two.catchUp()).not.toBe(caughtUp[0]);
    });
  });
}
