import { describe, expect, it } from "vitest";
import { disconnect } from "../../../src/core/disconnect.ts";
import { PLAIN_GRANT, SUBSCRIPTION_SOURCE } from "../../../src/core/token-verifier.ts";
import { endOfTurn } from "../../support/fake-transport.ts";
import { heardBy, keepHistory, TestNode } from "../../support/test-node.ts";

const EVERYTHING = {
  ...keepHistory(10),
  forceRecovery: true,
  presence: true,
  joinLeave: true,
  forcePushJoinLeave: true,
} as const;
const NOTHING_LEFT = [0, 0, 0, 0];

/** Everything of a user. */
function all(user: string): { readonly user: string; readonly client: string; readonly session: string } {
  return { user, client: "", session: "" };
}

describe("a session that ends while it subscribes", () => {
  const calls = ["subscribe", "presence add", "history"] as const;
  it.each(calls)("leaves nothing behind when it ends before the answer to %s", async (held) => {
    const test = await TestNode.start({ channels: EVERYTHING });
    test.gate.hold(held);
    const { transport, connection } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    expect(test.gate.waiting).toEqual([held]);
    test.gate.run(held);
    connection.closed();
    test.gate.open();
    await endOfTurn();
    expect(await test.counts()).toEqual(NOTHING_LEFT);
    expect((await test.presence.get("c")).size).toBe(0);
    expect(test.wheel.size).toBe(0);
    expect(transport.writes).toEqual([]);
  });

  it("is not announced to the channel, neither its coming nor its going", async () => {
    const test = await TestNode.start({ channels: EVERYTHING });
    const watcher = test.connect({ user: "watcher", subs: { c: {} } });
    await endOfTurn();
    test.gate.hold("history");
    const { connection } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    connection.closed();
    test.gate.open();
    await endOfTurn();
    expect(heardBy(watcher.transport)).toEqual(["connect", "join c watcher"]);
  });

  it("lets the next one subscribe, whatever the broker was about to do", async () => {
    const test = await TestNode.start();
    test.gate.hold("subscribe", "unsubscribe");
    test.connect({ subs: { c: {} } }).connection.closed();
    const first = test.connect({ subs: { c: {} } });
    await endOfTurn();
    first.connection.closed();
    const second = test.connect({ subs: { c: {} } });
    await endOfTurn();
    expect(test.gate.waiting).toEqual(["subscribe"]);
    for (const call of ["subscribe", "unsubscribe", "subscribe"]) {
      test.gate.answer(call);
      await endOfTurn();
    }
    await test.publish("c", 1);
    await endOfTurn();
    expect(heardBy(second.transport)).toEqual(["connect", "pub c 1"]);
  });
});

describe("a session that has ended", () => {
  it("is not subscribed any more", async () => {
    const test = await TestNode.start();
    const { connection } = test.connect({ user: "1" });
    await endOfTurn();
    const [session] = test.node.sessions.ofUser("1");
    connection.closed();
    if (session === undefined) throw new Error("no session");
    const request = {
      channel: "c",
      source: SUBSCRIPTION_SOURCE.serverApi,
      grant: PLAIN_GRANT,
      since: undefined,
      wantsRecovery: false,
      wantsDelta: false,
    };
    await expect(test.node.subscriptions.subscribe(session, request)).rejects.toMatchObject({ code: 3000 });
    expect(await test.counts()).toEqual(NOTHING_LEFT);
  });
});

describe("a session that stays", () => {
  it("does not keep the grants of its token in memory", async () => {
    const test = await TestNode.start();
    test.connect({ user: "1", grants: { c: {} } });
    await endOfTurn();
    const [session] = test.node.sessions.ofUser("1");
    expect(session?.identity).not.toHaveProperty("subscriptions");
    expect(session?.subscriptions.get("c")).not.toHaveProperty("grant");
  });
});

describe("a subscription that fails", () => {
  const calls = ["subscribe", "presence add", "history"] as const;
  it.each(calls)("ends the connection with 3004 and leaves nothing behind: %s", async (failing) => {
    const test = await TestNode.start({ channels: EVERYTHING });
    test.gate.hold(failing);
    const { transport } = test.connect({ user: "1", subs: { c: {}, d: {} } });
    await endOfTurn();
    test.gate.fail(failing);
    test.gate.open();
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["disconnect 3004"]);
    expect(await test.counts()).toEqual(NOTHING_LEFT);
    expect((await test.presence.get("c")).size + (await test.presence.get("d")).size).toBe(0);
  });

  it("does not keep the next one from subscribing", async () => {
    const test = await TestNode.start();
    test.gate.hold("subscribe");
    const both = [test.connect({ subs: { c: {} } }), test.connect({ subs: { c: {} } })];
    await endOfTurn();
    test.gate.fail("subscribe");
    test.gate.open();
    await endOfTurn();
    expect(both.map(({ transport }) => heardBy(transport))).toEqual([
      ["disconnect 3004"],
      ["disconnect 3004"],
    ]);
    const { transport } = test.connect({ subs: { c: {} } });
    await endOfTurn();
    await test.publish("c", 1);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "pub c 1"]);
  });
});

describe("what is due from time to time", () => {
  it("uni 87: ends the connection with 3010 when its position is not the channel's any more", async () => {
    const test = await TestNode.start({ channels: { ...keepHistory(5), forcePositioning: true } });
    const { transport } = test.connect({ subs: { c: {} } });
    await endOfTurn();
    await test.lose("c", 1);
    test.clock.advance(60_000);
    await endOfTurn();
    expect(transport.closedWith).toBeUndefined();
    test.clock.advance(20_000);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "disconnect 3010"]);
  });

  it("does not take what came while the position was asked for as a loss", async () => {
    const test = await TestNode.start({ channels: { ...keepHistory(5), forcePositioning: true } });
    const { transport } = test.connect({ subs: { c: {} } });
    await endOfTurn();
    test.gate.hold("history");
    test.clock.advance(80_000);
    await endOfTurn();
    test.gate.run("history");
    await test.publish("c", 1);
    test.gate.open();
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "pub c 1"]);
    expect(transport.closedWith).toBeUndefined();
  });

  it("does not hold a client to the position of a channel that it left meanwhile", async () => {
    const test = await TestNode.start({ channels: { ...keepHistory(5), forcePositioning: true } });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    test.gate.hold("history");
    test.clock.advance(80_000);
    await test.node.sessions.unsubscribe(all("1"), "c");
    await test.publish("c", 1);
    test.gate.open();
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "unsubscribe c"]);
  });

  it("tries again later when the broker does not tell the position", async () => {
    const test = await TestNode.start({ channels: { ...keepHistory(5), forcePositioning: true } });
    const { transport } = test.connect({ subs: { c: {} } });
    await endOfTurn();
    await test.lose("c", 1);
    test.gate.hold("history");
    test.clock.advance(80_000);
    await endOfTurn();
    test.gate.fail("history");
    await endOfTurn();
    expect(transport.closedWith).toBeUndefined();
    test.gate.open();
    test.clock.advance(80_000);
    await endOfTurn();
    expect(transport.closedWith?.code).toBe(3010);
  });

  it("keeps presence fresh in all channels while the broker is slow to tell a position", async () => {
    const channels = { ...keepHistory(5), forcePositioning: true, presence: true };
    const test = await TestNode.start({ channels });
    test.connect({ user: "1", subs: { c: {}, d: {} } });
    await endOfTurn();
    test.gate.hold("history", "presence add");
    test.clock.advance(80_000);
    expect(test.gate.waiting.filter((call) => call === "presence add").length).toBeGreaterThanOrEqual(4);
  });
});

describe("joins and leaves", () => {
  it("uni 72: come after the connect push for the joiner, and never to the leaver", async () => {
    const test = await TestNode.start({ channels: EVERYTHING });
    const stays = test.connect({ user: "stays", subs: { c: {} } });
    await endOfTurn();
    const goes = test.connect({ user: "goes", subs: { c: {} } });
    await endOfTurn();
    await test.node.sessions.unsubscribe(all("goes"), "c");
    await endOfTurn();
    expect(heardBy(goes.transport)).toEqual(["connect", "join c goes", "unsubscribe c"]);
    expect(heardBy(stays.transport)).toEqual(["connect", "join c stays", "join c goes", "leave c goes"]);
    expect([...(await test.presence.get("c")).values()].map(({ user }) => user)).toEqual(["stays"]);
  });

  it("are told to nobody while the node goes down", async () => {
    const test = await TestNode.start({ channels: EVERYTHING });
    const users = ["1", "2", "3"].map((user) => test.connect({ user, subs: { c: {} } }));
    await endOfTurn();
    await test.node.stop(disconnect("shutdown"));
    const last = users.map(({ transport }) => heardBy(transport).at(-1));
    expect(last).toEqual(["disconnect 3001", "disconnect 3001", "disconnect 3001"]);
    expect(users.flatMap(({ transport }) => heardBy(transport)).join()).not.toContain("leave");
    expect(await test.counts()).toEqual(NOTHING_LEFT);
  });

  it("do not pile up on the stack when a thousand slow clients of a channel are cut at once", async () => {
    const test = await TestNode.start({ channels: EVERYTHING, limits: { outboxMaxBytes: 1_000_000 } });
    const clients = Array.from({ length: 1000 }, (_, index) =>
      test.connect({ user: `${index}`, subs: { c: {} } }),
    );
    await endOfTurn();
    expect(await test.counts()).toEqual([1000, 1000, 1, 1000]);
    for (const { transport } of clients) transport.bufferedBytes = 999_990;
    for (const data of [1, 2]) {
      await test.publish("c", data);
      await endOfTurn();
    }
    expect(new Set(clients.map(({ transport }) => transport.abortedWith?.code))).toEqual(new Set([3008]));
    expect(await test.counts()).toEqual(NOTHING_LEFT);
    expect((await test.presence.get("c")).size).toBe(0);
  });
});
