import { describe, expect, it } from "vitest";
import { PLAIN_PUBLISH } from "../../../src/core/broker.ts";
import type { ClientInfo } from "../../../src/core/publication.ts";
import type { NodeCalls } from "../../../src/node/cluster/calls.ts";
import { type TestWorker, WorkerCluster } from "../../support/worker-cluster.ts";

function info(client: string, user: string): ClientInfo {
  return { client, user, connInfo: undefined, chanInfo: undefined };
}

/** What a worker's node hears, in short. */
async function listen({ ports }: TestWorker, channels: readonly string[]): Promise<string[]> {
  const heard: string[] = [];
  await ports.broker.start({
    onPublication: (channel, { publication, excludeClient }) =>
      heard.push(`${channel} ${Buffer.from(publication.data).toString()}${excludeClient}`),
    onNotice: (channel, notice) =>
      heard.push(`${channel} ${notice.type} ${"info" in notice ? notice.info.user : ""}`),
    onInterrupted: () => heard.push("interrupted"),
  });
  await ports.broker.subscribe(channels);
  return heard;
}

describe("a worker that dies", () => {
  it("leaves the channels, and those who stay are told", async () => {
    const cluster = await WorkerCluster.start();
    cluster.channelOptions = { ...cluster.channelOptions, memberNotices: true, joinLeave: true };
    const [dying, staying] = [await cluster.join(), await cluster.join()];
    const heard = await listen(staying, ["a"]);
    await dying.ports.presence.add("a", info("1", "both"), 0);
    await dying.ports.presence.add("a", info("2", "gone"), 0);
    await staying.ports.presence.add("a", info("3", "both"), 0);
    await dying.kill();
    await staying.settle();
    expect([...(await cluster.presence.get("a")).keys()]).toEqual(["3"]);
    const arrivals = ["a memberAdded both", "a memberAdded gone"];
    expect(heard.splice(0, 2)).toEqual(arrivals);
    expect(heard.toSorted()).toEqual(["a leave both", "a leave gone", "a memberRemoved gone"]);
    const members = ["onMemberAdded a both", "onMemberAdded a gone", "onMemberRemoved a gone"];
    expect(cluster.log.lines).toEqual(["onOccupied a", ...members]);
  });

  it("leaves quotas to others", async () => {
    const cluster = await WorkerCluster.start();
    const [dying, staying] = [await cluster.join(), await cluster.join()];
    for (let count = 0; count < 2; count++) await dying.ports.limits.take("a", 3);
    await staying.ports.limits.take("a", 3);
    expect(await staying.ports.limits.take("a", 3)).toBe(false);
    await dying.kill();
    expect([await staying.ports.limits.take("a", 3), await staying.ports.limits.take("a", 3)]).toEqual([
      true,
      true,
    ]);
    expect(await staying.ports.limits.take("a", 3)).toBe(false);
  });

  it("vacates the channels that it was alone in", async () => {
    const cluster = await WorkerCluster.start();
    const [dying, staying] = [await cluster.join(), await cluster.join()];
    await listen(dying, ["alone", "shared"]);
    const heard = await listen(staying, ["shared"]);
    await dying.kill();
    expect(cluster.log.lines).toEqual(["onOccupied alone", "onOccupied shared", "onVacated alone"]);
    cluster.log.take();
    await staying.ports.broker.publish("shared", { data: Buffer.from("1") }, PLAIN_PUBLISH);
    expect(heard).toEqual(["shared 1"]);
    await staying.ports.broker.subscribe(["alone"]);
    expect(cluster.log.take()).toEqual(["onOccupied alone"]);
  });

  it("leaves nothing of what it asked for last", async () => {
    const cluster = await WorkerCluster.start();
    const dying = await cluster.join();
    for (const asked of [
      dying.ports.presence.add("a", info("1", "42"), 0),
      dying.ports.presence.remove("a", "1", "42"),
      dying.ports.presence.add("a", info("1", "42"), 0),
      dying.ports.limits.take("a", 1),
      dying.ports.broker.subscribe(["a"]),
    ]) {
      void Promise.resolve(asked).catch(() => undefined);
    }
    await dying.settle();
    await dying.kill();
    const next = await cluster.join();
    expect(await next.ports.presence.get("a")).toEqual(new Map());
    expect(await next.ports.limits.take("a", 1)).toBe(true);
    cluster.log.take();
    await next.ports.broker.subscribe(["a"]);
    expect(cluster.log.take()).toEqual(["onOccupied a"]);
    expect(cluster.logged).toEqual([]);
  });

  it("is not waited for by those who ask", async () => {
    const cluster = await WorkerCluster.start();
    const [asking, dying] = [await cluster.join(), await cluster.join()];
    const isAsked = Promise.withResolvers<void>();
    const node = await asking.serve({ subscriberCount: async () => 1 });
    await dying.serve({
      subscriberCount: () => {
        isAsked.resolve();
        return new Promise<number>(() => undefined);
      },
    });
    cluster.node.serve({ subscriberCount: async () => 0 } as Partial<NodeCalls> as NodeCalls);
    const asked = [node.ask("subscriberCount", "a"), node.askNode(dying.uid, "subscriberCount", "a")];
    await isAsked.promise;
    await dying.kill();
    const answers = [asking.uid, "primary"].map((uid, at) => ({ uid, value: 1 - at }));
    expect(await Promise.all(asked)).toEqual([answers, undefined]);
    expect(node.others).toEqual(["primary"]);
  });
});

describe("a worker that hangs", () => {
  /** Seconds pass for all but one, and what was sent in them arrives. */
  async function pass(
    cluster: WorkerCluster,
    workers: readonly TestWorker[],
    seconds: number,
  ): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      for (const { linkClock } of [cluster, ...workers]) linkClock.advance(1000);
      await new Promise(setImmediate);
    }
  }

  it("is found within seconds, leaves all that it stood for, and is named in the log", async () => {
    const cluster = await WorkerCluster.start();
    const [asking, hanging] = [await cluster.join(), await cluster.join()];
    const never = (): Promise<never> => new Promise(() => undefined);
    const node = await asking.serve({ block: async () => undefined });
    cluster.node.serve({ block: async () => undefined } as Partial<NodeCalls> as NodeCalls);
    await hanging.serve({ block: never, counts: never });
    await hanging.ports.presence.add("a", info("1", "42"), 0);
    await hanging.ports.limits.take("a", 1);
    await pass(cluster, [asking, hanging], 2);
    const asked = [
      node.ask("block", { id: "42", expireAtSec: undefined }),
      node.askNode(hanging.uid, "counts", undefined),
    ];
    await pass(cluster, [asking], 7);
    await hanging.peer.left;
    expect(await Promise.all(asked)).toEqual([[{ uid: asking.uid }, { uid: "primary" }], undefined]);
    expect(await asking.ports.presence.get("a")).toEqual(new Map());
    expect(await asking.ports.limits.take("a", 1)).toBe(true);
    expect(cluster.logged).toEqual([
      { level: "error", worker: hanging.uid, message: "worker hangs: it is killed" },
    ]);
  });

  it("in one call only is left out of its answers, and named in the log", async () => {
    const cluster = await WorkerCluster.start();
    const [asking, slow, quick] = [await cluster.join(), await cluster.join(), await cluster.join()];
    const node = await asking.serve({ subscriberCount: async () => 1 });
    cluster.node.serve({ subscriberCount: async () => 0 } as Partial<NodeCalls> as NodeCalls);
    await slow.serve({ subscriberCount: () => new Promise(() => undefined) });
    await quick.serve({ subscriberCount: async () => 3 });
    const asked = node.ask("subscriberCount", "a");
    await pass(cluster, [asking, slow, quick], 12);
    cluster.clock.advance(12_000);
    expect((await asked).map(({ value }) => value)).toEqual([1, 0, 3]);
    const message = "node has not answered in time and is left out";
    const line = { level: "warn", node: slow.uid, name: "m", call: "subscriberCount", message };
    expect(cluster.logged).toEqual([line]);
  });
});

describe("a worker", () => {
  it("gets the publications of the channels it has subscribers in, and no others cross to it", async () => {
    const cluster = await WorkerCluster.start();
    const [one, two] = [await cluster.join(), await cluster.join()];
    const [here, there] = [await listen(one, ["a"]), await listen(two, ["b"])];
    const options = { ...PLAIN_PUBLISH, excludeClient: "!" };
    for (const channel of ["a", "b", "c", "a"]) {
      await one.ports.broker.publish(channel, { data: Buffer.from(channel) }, options);
    }
    await two.settle();
    expect([here, there]).toEqual([["a a!", "a a!"], ["b b!"]]);
  });

  it("is told that publications may be missing", async () => {
    const cluster = await WorkerCluster.start();
    const worker = await cluster.join();
    const heard = await listen(worker, ["a"]);
    cluster.broker.onInterrupted();
    await worker.settle();
    expect(heard).toEqual(["interrupted"]);
  });
});
