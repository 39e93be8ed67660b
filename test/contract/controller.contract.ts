import { describe, expect, it, vi } from "vitest";
import { clientError, ClientError } from "../../src/core/client-error.ts";
import type { SessionTarget } from "../../src/core/commands.ts";
import type { Controller, NodeCalls } from "../../src/core/controller.ts";
import { disconnect, Disconnect } from "../../src/core/disconnect.ts";
import { LabelFilter } from "../../src/core/label-filter.ts";
import { PATIENCE_MS } from "../support/signal.ts";

/** One node of a cluster. */
export interface ControllerNode {
  readonly uid: string;
  readonly controller: Controller;
  /** Goes down, without a word if it can. */
  leave(): Promise<void>;
}

/** Makes controllers that are not started of so many nodes, for one test. */
export type CreateControllers = (count: number) => Promise<readonly ControllerNode[]>;

const EVERYBODY: SessionTarget = { user: "", allUsers: true, client: "", session: "" };

/** What every controller promises; see the port in core/controller.ts. */
export function describeControllerContract(name: string, create: CreateControllers): void {
  describe(`controller contract: ${name}`, () => {
    it("a node that is alone asks nobody", async () => {
      const [lone] = await startNodes(create, 1);
      expect(lone?.controller.others()).toEqual([]);
      expect(await lone?.controller.askOthers("subscriberCount", "a")).toEqual([]);
      expect(await lone?.controller.askNode("nobody", "subscriberCount", "a")).toBeUndefined();
      expect(lone?.controller.sessionsElsewhere()).toBe(0);
    });

    it("knows the other nodes", async () => {
      const nodes = await startNodes(create, 3);
      for (const { uid, controller } of nodes) {
        const others = nodes.filter((node) => node.uid !== uid).map((node) => node.uid);
        await vi.waitFor(
          () => expect([...controller.others()].toSorted()).toEqual(others.toSorted()),
          PATIENCE_MS,
        );
      }
    });

    it("asks all others, and never itself", async () => {
      const [one] = await startNodes(create, 3, (at) => ({ subscriberCount: async () => at }));
      expect((await one?.controller.askOthers("subscriberCount", "a"))?.toSorted()).toEqual([1, 2]);
    });

    it("asks one node", async () => {
      const [one, two] = await startNodes(create, 3, (at) => ({
        connectedUsers: async (users) => [...users, `${at}`],
      }));
      expect(await one?.controller.askNode(two?.uid ?? "", "connectedUsers", ["42"])).toEqual(["42", "1"]);
      expect(await two?.controller.askNode(one?.uid ?? "", "connectedUsers", [])).toEqual(["0"]);
    });

    it("asks in the order of asking", async () => {
      const heard: string[] = [];
      const [one, two] = await startNodes(create, 2, () => ({
        block: async (user) => void heard.push(`block ${user}`),
        unblock: async (user) => void heard.push(`unblock ${user}`),
      }));
      await Promise.all([
        one?.controller.askOthers("block", "1", undefined),
        one?.controller.askNode(two?.uid ?? "", "unblock", "1"),
        one?.controller.askOthers("block", "2", 7),
        one?.controller.askOthers("unblock", "2"),
      ]);
      expect(heard).toEqual(["block 1", "unblock 1", "block 2", "unblock 2"]);
    });

    it("brings maps, arrays of numbers and bytes as they are", async () => {
      const users = Float64Array.from([1.5, 2 ** 52]);
      const counts = { numClients: 1, numSubs: 2, users, channels: new Float64Array(0) };
      const [one] = await startNodes(create, 2, () => ({
        counts: async () => counts,
        channels: async ({ prefix }) => new Map([[`${prefix}☃`, 3]]),
        refreshSessions: async (_target, { info, expireAtSec }) => {
          expect([Buffer.from(info ?? []).toString(), expireAtSec]).toEqual(["{}", undefined]);
        },
      }));
      expect(await one?.controller.askOthers("counts")).toEqual([counts]);
      expect(await one?.controller.askOthers("channels", { prefix: "é" })).toEqual([new Map([["é☃", 3]])]);
      const command = { expired: false, expireAtSec: undefined, info: Buffer.from("{}") };
      await one?.controller.askOthers("refreshSessions", EVERYBODY, command);
    });

    it("brings conditions on labels, and reasons to disconnect", async () => {
      const heard: unknown[] = [];
      const [one] = await startNodes(create, 2, () => ({
        disconnect: async ({ labelFilter }, reason, whitelist) => {
          heard.push(labelFilter?.matches(new Map([["plan", "pro"]])), labelFilter?.matches(new Map()));
          heard.push(reason instanceof Disconnect, reason.code, reason.reason, whitelist);
        },
      }));
      const labelFilter = new LabelFilter({
        op: "",
        key: "plan",
        cmp: "eq",
        val: "pro",
        vals: [],
        nodes: [],
      });
      const target = { ...EVERYBODY, labelFilter };
      await one?.controller.askOthers("disconnect", target, new Disconnect(4501, "bye"), ["c"]);
      expect(heard).toEqual([true, false, true, 4501, "bye", ["c"]]);
    });

    it.each([
      ["refusals", clientError("unknownChannel"), ClientError, { code: 102, temporary: false }],
      ["disconnects", disconnect("badRequest"), Disconnect, { code: 3501, reason: "bad request" }],
      [
        "what the system says",
        Object.assign(new Error("taken"), { code: "EADDRINUSE" }),
        Error,
        { code: "EADDRINUSE" },
      ],
    ] as const)("errors reject with what they say: %s", async (_name, error, kind, expected) => {
      const [one, two] = await startNodes(create, 3, (at) => ({
        unblock: async () => {
          if (at === 1) throw error;
        },
      }));
      for (const asked of [
        one?.controller.askOthers("unblock", "1"),
        one?.controller.askNode(two?.uid ?? "", "unblock", "1"),
      ]) {
        const rejected: unknown = await asked?.catch((reason: unknown) => reason);
        expect(rejected).toBeInstanceOf(kind);
        expect(rejected).toMatchObject({ message: error.message, ...expected });
      }
    });

    it("a node that is gone has no answer, which is no error", async () => {
      const [one, two] = await startNodes(create, 3, (at) => ({ subscriberCount: async () => at }));
      await two?.leave();
      expect(await one?.controller.askOthers("subscriberCount", "a")).toEqual([2]);
      expect(await one?.controller.askNode(two?.uid ?? "", "subscriberCount", "a")).toBeUndefined();
      await vi.waitFor(() => expect(one?.controller.others()).toHaveLength(1), PATIENCE_MS);
    });

    it("counts the sessions of the others", async () => {
      const [one, two, three] = await startNodes(create, 3);
      one?.controller.reportSessions(1);
      two?.controller.reportSessions(7);
      two?.controller.reportSessions(10);
      three?.controller.reportSessions(100);
      await vi.waitFor(() => expect(one?.controller.sessionsElsewhere()).toBe(110), PATIENCE_MS);
      await vi.waitFor(() => expect(two?.controller.sessionsElsewhere()).toBe(101), PATIENCE_MS);
      await three?.leave();
      await vi.waitFor(() => expect(one?.controller.sessionsElsewhere()).toBe(10), PATIENCE_MS);
    });
  });
}

/** Nodes that answer what is given, and fail what is not. */
async function startNodes(
  create: CreateControllers,
  count: number,
  callsOf: (at: number) => Partial<NodeCalls> = () => ({}),
): Promise<readonly ControllerNode[]> {
  const nodes = await create(count);
  // What a test does not give is not called by it.
  for (const [at, { controller }] of nodes.entries()) await controller.start(callsOf(at) as NodeCalls);
  return nodes;
}
