import { describe, expect, it } from "vitest";
import { PLAIN_PUBLISH } from "../../../src/core/broker.ts";
import type { ClientInfo } from "../../../src/core/client-info.ts";
import type { NodeCalls } from "../../../src/core/controller.ts";
import { decodeError, encodeError } from "../../../src/workers/wire.ts";
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
  });
  for (const channel of channels) await ports.broker.subscribe(channel);
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
    expect(cluster.observed).toEqual(["onOccupied a", ...members]);
  });

  it("leaves quotas to others", async () => {
    const cluster = await WorkerCluster.start();
    const [dying, staying] = [await cluster.join(), await cluster.join()];
    for (let count = 0; count < 2; count++) await dying.ports.quotas.take("a", 3);
    await staying.ports.quotas.take("a", 3);
    expect(await staying.ports.quotas.take("a", 3)).toBe(false);
    await dying.kill();
    expect([await staying.ports.quotas.take("a", 3), await staying.ports.quotas.take("a", 3)]).toEqual([
      true,
      true,
    ]);
    expect(await staying.ports.quotas.take("a", 3)).toBe(false);
  });

  it("vacates the channels that it was alone in", async () => {
    const cluster = await WorkerCluster.start();
    const [dying, staying] = [await cluster.join(), await cluster.join()];
    await listen(dying, ["alone", "shared"]);
    const heard = await listen(staying, ["shared"]);
    await dying.kill();
    expect(cluster.observed).toEqual(["onOccupied alone", "onOccupied shared", "onVacated alone"]);
    await staying.ports.broker.publish("shared", { data: Buffer.from("1") }, PLAIN_PUBLISH);
    expect(heard).toEqual(["shared 1"]);
    expect(await staying.ports.broker.subscribe("alone")).toBe(true);
  });

  it("leaves nothing of what it asked for last", async () => {
    const cluster = await WorkerCluster.start();
    const dying = await cluster.join();
    for (const asked of [
      dying.ports.presence.add("a", info("1", "42"), 0),
      dying.ports.presence.remove("a", "1", "42"),
      dying.ports.presence.add("a", info("1", "42"), 0),
      dying.ports.quotas.take("a", 1),
      dying.ports.broker.subscribe("a"),
    ]) {
      asked.catch(() => undefined);
    }
    await dying.settle();
    await dying.kill();
    const next = await cluster.join();
    expect(await next.ports.presence.get("a")).toEqual(new Map());
    expect(await next.ports.quotas.take("a", 1)).toBe(true);
    expect(await next.ports.broker.subscribe("a")).toBe(true);
    expect(cluster.logged).toEqual([]);
  });

  it("is not waited for by those who ask", async () => {
    const cluster = await WorkerCluster.start();
    const [asking, dying] = [await cluster.join(), await cluster.join()];
    const isAsked = Promise.withResolvers<void>();
    // What is not given is not called.
    const silent = {
      subscriberCount: () => {
        isAsked.resolve();
        return new Promise<number>(() => undefined);
      },
    } as Partial<NodeCalls> as NodeCalls;
    await asking.ports.controller.start({} as NodeCalls);
    await dying.ports.controller.start(silent);
    const asked = [
      asking.ports.controller.askOthers("subscriberCount", "a"),
      asking.ports.controller.askNode(dying.uid, "subscriberCount", "a"),
    ];
    await isAsked.promise;
    await dying.kill();
    expect(await Promise.all(asked)).toEqual([[], undefined]);
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
    await asking.ports.controller.start({} as NodeCalls);
    await hanging.ports.controller.start({ block: never, counts: never } as Partial<NodeCalls> as NodeCalls);
    await hanging.ports.presence.add("a", info("1", "42"), 0);
    await hanging.ports.quotas.take("a", 1);
    await pass(cluster, [asking, hanging], 2);
    const asked = [
      asking.ports.controller.askOthers("block", "42", undefined),
      asking.ports.controller.askNode(hanging.uid, "counts"),
    ];
    await pass(cluster, [asking], 7);
    await hanging.seat.left;
    expect(await Promise.all(asked)).toEqual([[], undefined]);
    expect(await asking.ports.presence.get("a")).toEqual(new Map());
    expect(await asking.ports.quotas.take("a", 1)).toBe(true);
    expect(cluster.logged).toEqual([
      { level: "error", worker: hanging.uid, message: "worker hangs: it is killed" },
    ]);
  });

  it("in one call only is left out of its answers, and named in the log", async () => {
    const cluster = await WorkerCluster.start();
    const [asking, slow, quick] = [await cluster.join(), await cluster.join(), await cluster.join()];
    const answers = (subscriberCount: NodeCalls["subscriberCount"]): NodeCalls =>
      ({ subscriberCount }) as Partial<NodeCalls> as NodeCalls;
    await asking.ports.controller.start({} as NodeCalls);
    await slow.ports.controller.start(answers(() => new Promise(() => undefined)));
    await quick.ports.controller.start(answers(async () => 3));
    const asked = asking.ports.controller.askOthers("subscriberCount", "a");
    await pass(cluster, [asking, slow, quick], 12);
    expect(await asked).toEqual([3]);
    const message = "worker has not answered in time and is left out";
    expect(cluster.logged).toEqual([{ level: "warn", worker: slow.uid, call: "subscriberCount", message }]);
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

  it("knows what others take of rates, as far as it cares for them", async () => {
    const cluster = await WorkerCluster.start();
    const [one, two] = [await cluster.join(), await cluster.join()];
    const heard: string[] = [];
    for (const { ports } of [one, two]) await ports.controller.start({} as NodeCalls);
    for (const { ports } of [one, two])
      ports.rates.listen("l", (key, points) => heard.push(`${key} ${points}`));
    one.ports.rates.tell("l", "k", 1);
    one.ports.rates.tell("l", "k2", 2);
    one.ports.rates.tell("other", "k", 1);
    await one.settle();
    await two.settle();
    expect(heard).toEqual(["k 1", "k2 2"]);
  });

  it("hears what is asked while it joins after it has taken over what was before", async () => {
    const cluster = await WorkerCluster.start();
    await cluster.controller.start({} as NodeCalls);
    const order: string[] = [];
    let asked: Promise<unknown> | undefined;
    const joining = await cluster.join(async () => {
      order.push("taking over");
      asked = cluster.controller.askOthers("block", "42", undefined);
      await joining.settle();
      order.push("taken over");
    });
    await joining.ports.controller.start({
      block: async (user) => void order.push(`block ${user}`),
    } as Partial<NodeCalls> as NodeCalls);
    await asked;
    expect(order).toEqual(["taking over", "taken over", "block 42"]);
  });
});

it("errors keep what is looked at: name, message, code, port and causes", () => {
  const cause = Object.assign(new TypeError("inner"), { code: "EACCES", port: 80 });
  const error = Object.assign(new Error("outer", { cause }), {
    code: "EADDRINUSE",
    port: 8000,
    extra: () => 1,
  });
  const decoded = decodeError(structuredClone(encodeError(error)));
  expect(decoded).toMatchObject({ message: "outer", code: "EADDRINUSE", port: 8000 });
  expect(decoded.stack).toBe(error.stack);
  expect(decoded.cause).toMatchObject({ name: "TypeError", message: "inner", code: "EACCES", port: 80 });
  expect(decodeError(structuredClone(encodeError("just text")))).toMatchObject({ message: "just text" });
});
