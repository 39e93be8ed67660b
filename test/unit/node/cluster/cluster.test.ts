import { describe, expect, it } from "vitest";
import { ClientError, clientError } from "../../../../src/core/client-error.ts";
import type { SessionTarget } from "../../../../src/core/commands.ts";
import type { ControlBus } from "../../../../src/core/control-bus.ts";
import { Disconnect, disconnect } from "../../../../src/core/disconnect.ts";
import { failureOf } from "../../../../src/core/failure.ts";
import { LabelFilter } from "../../../../src/core/label-filter.ts";
import type { NodeCalls } from "../../../../src/node/cluster/calls.ts";
import { Cluster, type ClusterHeartbeat } from "../../../../src/node/cluster/cluster.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { MemoryBusHub } from "../../../support/memory-bus.ts";
import { RecordingMetrics } from "../../../support/recording-metrics.ts";
import { type LoggedLine, loggerOf } from "../../../support/silent-logger.ts";

const EVERYBODY: SessionTarget = { user: "", allUsers: true, client: "", session: "" };
const HEARTBEAT: ClusterHeartbeat = { intervalMs: 3000, timeoutMs: 7000 };

interface NodeSetup {
  readonly uid?: string;
  readonly machine?: string;
  readonly calls?: Partial<NodeCalls>;
  readonly heartbeat?: ClusterHeartbeat;
}

/** Nodes on one bus and one clock. */
class TestNodes {
  readonly hub: MemoryBusHub = new MemoryBusHub();
  readonly clock: FakeClock = new FakeClock();
  readonly logged: LoggedLine[] = [];
  /** Of all nodes together. */
  readonly metrics: RecordingMetrics = new RecordingMetrics();

  create({ uid = "a", machine = uid, heartbeat }: NodeSetup, bus: ControlBus = this.hub.busOf(uid)): Cluster {
    const { clock } = this;
    const logger = loggerOf(this.logged, "warn");
    return new Cluster({
      uid,
      machine,
      name: `name of ${machine}`,
      version: "1",
      bus,
      heartbeat,
      clock,
      logger,
      metrics: this.metrics,
    });
  }

  /** A node that answers what is given, and fails what is not. */
  async start(setup: NodeSetup): Promise<Cluster> {
    const cluster = this.create(setup);
    await cluster.join();
    // What a test does not give is not called by it.
    cluster.serve((setup.calls ?? {}) as NodeCalls);
    return cluster;
  }
}

describe("Cluster", () => {
  it("a node that is alone asks itself only", async () => {
    const cluster = await new TestNodes().start({ calls: { subscriberCount: async () => 3 } });
    expect(cluster.others).toEqual([]);
    expect(await cluster.ask("subscriberCount", "a")).toEqual([{ uid: "a", value: 3 }]);
    expect(await cluster.askNode("nobody", "subscriberCount", "a")).toBeUndefined();
  });

  it("nodes know each other as soon as they have joined", async () => {
    const nodes = new TestNodes();
    const [a, b, c] = [
      await nodes.start({ uid: "a" }),
      await nodes.start({ uid: "b" }),
      await nodes.start({ uid: "c" }),
    ];
    expect([a.others, b.others, c.others]).toEqual([
      ["b", "c"],
      ["a", "c"],
      ["a", "b"],
    ]);
    nodes.clock.advance(5000);
    const [, second] = a.nodes;
    expect(second).toStrictEqual({ uid: "b", machine: "b", name: "name of b", version: "1", uptimeSec: 5 });
  });

  it("one of several processes of a machine has joined once it knows the others", async () => {
    const nodes = new TestNodes();
    const early = nodes.create({ uid: "m-1", machine: "m" });
    let hasJoined = false;
    const joining = early.join().then(() => (hasJoined = true));
    await Promise.resolve();
    const other = await nodes.start({ uid: "z" });
    expect(hasJoined).toBe(false);
    const primary = await nodes.start({ uid: "m" });
    await joining;
    const late = nodes.create({ uid: "m-2", machine: "m" });
    await late.join();
    expect(late.others.toSorted()).toEqual(["m", "m-1", "z"]);
    expect(primary.nodes.map(({ machine }) => machine)).toEqual(["m", "m", "z", "m"]);
    expect(other.others).toHaveLength(3);
  });

  it("asks all nodes, itself first, and tells who has answered what", async () => {
    const nodes = new TestNodes();
    const counting = (count: number): Partial<NodeCalls> => ({ subscriberCount: async () => count });
    const a = await nodes.start({ uid: "a", calls: counting(1) });
    await nodes.start({ uid: "b", calls: counting(2) });
    await nodes.start({ uid: "c", calls: counting(3) });
    expect(await a.ask("subscriberCount", "x")).toEqual([
      { uid: "a", value: 1 },
      { uid: "b", value: 2 },
      { uid: "c", value: 3 },
    ]);
    expect(await a.askNode("c", "subscriberCount", "x")).toBe(3);
    expect(await a.askNode("a", "subscriberCount", "x")).toBe(1);
  });

  it("asks in the order of asking", async () => {
    const nodes = new TestNodes();
    const heard: string[] = [];
    const calls: Partial<NodeCalls> = {
      block: async ({ id }) => void heard.push(`block ${id}`),
      unblock: async (user) => void heard.push(`unblock ${user}`),
    };
    const a = await nodes.start({
      uid: "a",
      calls: { ...calls, block: async () => {}, unblock: async () => {} },
    });
    await nodes.start({ uid: "b", calls });
    await Promise.all([
      a.ask("block", { id: "1", expireAtSec: undefined }),
      a.askNode("b", "unblock", "1"),
      a.ask("block", { id: "2", expireAtSec: 7 }),
      a.ask("unblock", "2"),
    ]);
    expect(heard).toEqual(["block 1", "unblock 1", "block 2", "unblock 2"]);
  });

  it("what is asked of a node that is starting waits until it can answer", async () => {
    const nodes = new TestNodes();
    const a = await nodes.start({ uid: "a", calls: { subscriberCount: async () => 1 } });
    const b = nodes.create({ uid: "b" });
    await b.join();
    const asked = a.ask("subscriberCount", "x");
    await Promise.resolve();
    b.serve({ subscriberCount: async () => 2 } as Partial<NodeCalls> as NodeCalls);
    expect(await asked).toHaveLength(2);
  });

  it("brings conditions on labels, and reasons to disconnect", async () => {
    const nodes = new TestNodes();
    const heard: unknown[] = [];
    const a = await nodes.start({ uid: "a" });
    await nodes.start({
      uid: "b",
      calls: {
        disconnect: async ({ target: { labelFilter }, reason, whitelist }) => {
          heard.push(labelFilter?.matches(new Map([["plan", "pro"]])), labelFilter?.matches(new Map()));
          heard.push(reason instanceof Disconnect, reason.code, reason.reason, whitelist);
        },
      },
    });
    const labelFilter = new LabelFilter({ op: "", key: "plan", cmp: "eq", val: "pro", vals: [], nodes: [] });
    const reason = new Disconnect(4501, "bye");
    await a.askNode("b", "disconnect", { target: { ...EVERYBODY, labelFilter }, reason, whitelist: ["c"] });
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
    const nodes = new TestNodes();
    const a = await nodes.start({ uid: "a", calls: { unblock: async () => {} } });
    const fails: Partial<NodeCalls> = {
      unblock: async () => {
        throw error;
      },
    };
    await nodes.start({ uid: "b", calls: fails });
    for (const asked of [a.ask("unblock", "1"), a.askNode("b", "unblock", "1")]) {
      const rejected: unknown = await asked.catch((reason: unknown) => reason);
      expect(rejected).toBeInstanceOf(kind);
      expect(rejected).toMatchObject({ message: error.message, ...expected });
    }
  });

  it("counts its messages, and how long the others take to answer", async () => {
    const nodes = new TestNodes();
    const a = await nodes.start({ uid: "a", calls: { subscriberCount: async () => 1 } });
    const answer = Promise.withResolvers<number>();
    await nodes.start({ uid: "b", calls: { subscriberCount: () => answer.promise } });
    const before = nodes.metrics.counted("node_messages_sent_count")["type=control"] ?? 0;
    const asked = a.ask("subscriberCount", "x");
    await new Promise((resolve) => setImmediate(resolve));
    nodes.clock.advance(250);
    answer.resolve(2);
    await asked;
    expect(nodes.metrics.observed("node_survey_duration_seconds_histogram")).toEqual({
      "op=subscriberCount": [0.25],
    });
    expect(nodes.metrics.counted("node_messages_sent_count")).toEqual({ "type=control": before + 2 });
    expect(nodes.metrics.counted("node_messages_received_count")["type=control"]).toBeGreaterThan(0);
  });

  it("bugs of all nodes that have some are in the log, each once", async () => {
    const nodes = new TestNodes();
    const failing = (message: string): Partial<NodeCalls> => ({
      unblock: () => Promise.reject(new TypeError(message)),
    });
    const a = await nodes.start({ uid: "a", calls: { unblock: async () => {} } });
    await nodes.start({ uid: "b", calls: failing("of b") });
    await nodes.start({ uid: "c", calls: failing("of c") });
    const rejected: unknown = await a.ask("unblock", "1").catch((error: unknown) => error);
    const report = { logger: loggerOf(nodes.logged), message: "api call failed" };
    expect(failureOf(rejected, report)).toMatchObject({ code: 100 });
    expect(nodes.logged).toMatchObject([
      { level: "error", message: "call of another node failed", node: "a", call: "unblock" },
      { err: { name: "TypeError", message: "of c" } },
    ]);
  });

  it("a node that leaves has no answer, which is no error", async () => {
    const nodes = new TestNodes();
    const a = await nodes.start({ uid: "a", calls: { subscriberCount: async () => 1 } });
    const b = await nodes.start({ uid: "b", calls: { subscriberCount: () => new Promise(() => undefined) } });
    const asked = a.ask("subscriberCount", "x");
    await b.leave();
    expect(await asked).toEqual([{ uid: "a", value: 1 }]);
    expect(a.others).toEqual([]);
    expect(nodes.logged).toEqual([]);
  });

  it("a node that does not answer in time is left out, and named in the log", async () => {
    const nodes = new TestNodes();
    const a = await nodes.start({ uid: "a", calls: { subscriberCount: async () => 1 } });
    await nodes.start({ uid: "b", calls: { subscriberCount: () => new Promise(() => undefined) } });
    await nodes.start({ uid: "c", calls: { subscriberCount: async () => 3 } });
    const asked = a.ask("subscriberCount", "x");
    // What has been answered has arrived when this turn is over.
    await new Promise((resolve) => setImmediate(resolve));
    nodes.clock.advance(10_000);
    expect(await asked).toEqual([
      { uid: "a", value: 1 },
      { uid: "c", value: 3 },
    ]);
    expect(nodes.logged).toMatchObject([
      { node: "b", name: "name of b", call: "subscriberCount", level: "warn" },
    ]);
  });

  it("a node that dies without a word is gone after a time, for all", async () => {
    const nodes = new TestNodes();
    const a = await nodes.start({ uid: "a", heartbeat: HEARTBEAT });
    const b = await nodes.start({ uid: "b", heartbeat: HEARTBEAT });
    await nodes.start({ uid: "c", heartbeat: HEARTBEAT });
    nodes.clock.advance(60_000);
    expect(a.others).toEqual(["b", "c"]);
    nodes.hub.cutOff("c");
    nodes.clock.advance(30_000);
    expect([a.others, b.others]).toEqual([["b"], ["a"]]);
    // To the one that was cut off, the others are gone.
    expect(nodes.logged.map(({ node }) => node)).toEqual(["c", "c", "a", "b"]);
  });

  it("a node that is lost to whoever carries its messages is gone for all", async () => {
    const nodes = new TestNodes();
    const primary = await nodes.start({ uid: "m" });
    const one = await nodes.start({ uid: "m-1", machine: "m" });
    await nodes.start({ uid: "m-2", machine: "m" });
    nodes.hub.cutOff("m-2");
    await primary.lost("m-2");
    expect([primary.others, one.others]).toEqual([["m-1"], ["m"]]);
  });

  it("bytes that are no message, and calls of another version, do no harm", async () => {
    const nodes = new TestNodes();
    const a = await nodes.start({ uid: "a", calls: { subscriberCount: async () => 1 } });
    await nodes.hub.busOf("x").send({ node: "a" }, Buffer.from("\u00ff\u00ff garbage"));
    expect(nodes.logged).toMatchObject([{ message: "message of another node cannot be read" }]);
    expect(await a.ask("subscriberCount", "x")).toHaveLength(1);
  });
});
