import { describe, expect, it } from "vitest";
import type { SubscribeCommand } from "../../../src/core/commands.ts";
import { disconnect } from "../../../src/core/disconnect.ts";
import { LiveValue } from "../../../src/core/live.ts";
import { PLAIN_GRANT } from "../../../src/core/token-verifier.ts";
import { WireFormat } from "../../../src/core/wire-format.ts";
import { protobufEncoding } from "../../../src/protocols/centrifugo/uni-protocol.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { endOfTurn, FakeTransport, lineFramer } from "../../support/fake-transport.ts";
import { heardBy, keepHistory, TestNode } from "../../support/test-node.ts";

const ALL = { user: "1", client: "", session: "" };
const NOW_SEC = FakeClock.START_WALL_MS / 1000;
const KNOWN = { presence: true, joinLeave: true, forcePushJoinLeave: true } as const;

function to(channel: string, changes: Partial<SubscribeCommand> = {}): SubscribeCommand {
  return { channel, grant: PLAIN_GRANT, since: undefined, ...changes };
}

async function connected(test: TestNode, user = "1"): Promise<ReturnType<TestNode["connect"]>> {
  const client = test.connect({ user });
  await endOfTurn();
  return client;
}

describe("API subscribe", () => {
  it("uni 74: tells the client, then lets publications flow", async () => {
    const test = await TestNode.start();
    const { transport } = await connected(test);
    await test.node.sessions.subscribe(ALL, to("c"));
    await test.publish("c", 1);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "subscribe c", "pub c 1"]);
  });

  it("fails, and nothing else happens, when it takes several turns of the event loop", async () => {
    const test = await TestNode.start();
    const clients = [await connected(test), await connected(test), await connected(test)];
    let nowMs = 0;
    test.clock.monotonicMs = () => (nowMs += 1000);
    const grant = { ...PLAIN_GRANT, data: Buffer.from("no JSON") };
    // A rejection that nobody looks at would fail the run.
    await expect(test.node.sessions.subscribe(ALL, to("c", { grant }))).rejects.toMatchObject({ code: 100 });
    await endOfTurn();
    expect(clients.map(({ transport }) => heardBy(transport))).toEqual([
      ["connect"],
      ["connect"],
      ["connect"],
    ]);
    expect(await test.counts()).toEqual([3, 1, 0, 0]);
  });

  it("with data that is no JSON fails for those who speak JSON, and subscribes the user's others", async () => {
    const test = await TestNode.start();
    const { transport } = await connected(test);
    const binary = new FakeTransport(new WireFormat(protobufEncoding.codec, lineFramer));
    test.connect({ user: "1", transport: binary });
    await endOfTurn();
    const grant = { ...PLAIN_GRANT, data: Buffer.from("no JSON") };
    // Nobody's fault but the caller's.
    const cause = { name: "Refused", reason: "bad_api_request" };
    await expect(test.node.sessions.subscribe(ALL, to("c", { grant }))).rejects.toMatchObject({
      code: 100,
      cause,
    });
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect"]);
    expect(transport.closedWith).toBeUndefined();
    expect(Buffer.concat(binary.writes).toString()).toContain("no JSON");
    expect(await test.counts()).toEqual([2, 1, 1, 1]);
  });

  it("uni 53: closes a client at its channel limit with 3505, and succeeds", async () => {
    const test = await TestNode.start({ limits: { channelLimit: new LiveValue(1) } });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    await test.node.sessions.subscribe(ALL, to("d"));
    expect(transport.closedWith?.code).toBe(3505);
    expect(await test.counts()).toEqual([0, 0, 0, 0]);
  });

  it("a channel limit that a reload changes holds for the next subscription", async () => {
    const channelLimit = new LiveValue(1);
    const test = await TestNode.start({ limits: { channelLimit } });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    channelLimit.set(2);
    await test.node.sessions.subscribe(ALL, to("d"));
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "subscribe d"]);
    channelLimit.set(1);
    await test.node.sessions.subscribe(ALL, to("e"));
    expect(transport.closedWith?.code).toBe(3505);
  });

  it("counts what is being subscribed against the channel limit", async () => {
    const test = await TestNode.start({ limits: { channelLimit: new LiveValue(1) } });
    const { transport } = await connected(test);
    test.gate.hold("subscribe");
    const calls = ["c", "d"].map((channel) => test.node.sessions.subscribe(ALL, to(channel)));
    await endOfTurn();
    test.gate.open();
    await Promise.all(calls);
    expect(transport.closedWith?.code).toBe(3505);
    expect(await test.counts()).toEqual([0, 0, 0, 0]);
  });

  it("fails for a subscription that has ended already", async () => {
    const test = await TestNode.start();
    const { transport } = await connected(test);
    const late = to("c", { grant: { ...PLAIN_GRANT, expireAtSec: NOW_SEC } });
    await expect(test.node.sessions.subscribe(ALL, late)).rejects.toMatchObject({ code: 100 });
    expect(transport.closedWith).toBeUndefined();
  });

  it("ends the connection with 3006 when the subscription has ended, after a grace", async () => {
    const test = await TestNode.start();
    const { transport } = await connected(test);
    await test.node.sessions.subscribe(
      ALL,
      to("c", { grant: { ...PLAIN_GRANT, expireAtSec: NOW_SEC + 30 } }),
    );
    test.clock.advance(55_000);
    expect(transport.closedWith).toBeUndefined();
    test.clock.advance(28_000);
    expect(transport.closedWith?.code).toBe(3006);
  });

  it("ends the connection with 3004, and fails, when the broker does", async () => {
    const test = await TestNode.start({ channels: { ...KNOWN, ...keepHistory(5), forceRecovery: true } });
    const { transport } = await connected(test);
    test.gate.hold("history");
    const call = test.node.sessions.subscribe(ALL, to("c"));
    await endOfTurn();
    test.gate.fail("history");
    await expect(call).rejects.toThrow("history fails");
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "disconnect 3004"]);
    expect(await test.counts()).toEqual([0, 0, 0, 0]);
    expect((await test.presence.get("c")).size).toBe(0);
  });

  it("sends what was missed after the subscribe push, then what came meanwhile", async () => {
    const test = await TestNode.start({ channels: { ...keepHistory(5), forceRecovery: true } });
    const { transport } = await connected(test);
    const { epoch } = await test.publish("c", 1);
    await test.publish("c", 2);
    test.gate.hold("history");
    const call = test.node.sessions.subscribe(ALL, to("c", { since: { offset: 1, epoch } }));
    await endOfTurn();
    test.gate.run("history");
    await test.publish("c", 3);
    test.gate.open();
    await call;
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "subscribe c", "pub c 2", "pub c 3"]);
  });

  it("has nothing to do with a client that leaves meanwhile", async () => {
    const test = await TestNode.start({ channels: KNOWN });
    const { transport, connection } = await connected(test);
    test.gate.hold("subscribe");
    const call = test.node.sessions.subscribe(ALL, to("c"));
    await endOfTurn();
    connection.closed();
    test.gate.open();
    await call;
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect"]);
    expect(await test.counts()).toEqual([0, 0, 0, 0]);
    expect((await test.presence.get("c")).size).toBe(0);
  });
});

describe("API subscribe of a client that listens already", () => {
  const RECOVERABLE = { ...keepHistory(9), forceRecovery: true } as const;

  it("tells it and the channel again, with presence and data of the new call", async () => {
    const test = await TestNode.start({ channels: KNOWN });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    const other = await connected(test);
    const grant = { ...PLAIN_GRANT, info: Buffer.from('"i"'), data: Buffer.from("[2]") };
    await test.node.sessions.subscribe(ALL, to("c", { grant }));
    await test.publish("c", 1);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(
      expect.arrayContaining(["connect", "join c 1", "subscribe c", "join c 1", "pub c 1"]),
    );
    expect(heardBy(transport).filter((push) => push === "pub c 1")).toHaveLength(1);
    for (const client of [transport, other.transport]) {
      expect(client.messages).toContainEqual({ channel: "c", subscribe: { data: [2] } });
    }
    const infos = [...(await test.presence.get("c")).values()].map(({ chanInfo }) => String(chanInfo));
    expect(infos).toEqual(['"i"', '"i"']);
    expect(await test.counts()).toEqual([2, 1, 1, 2]);
  });

  it("loses nothing that is published meanwhile, and repeats nothing", async () => {
    const test = await TestNode.start({ channels: { ...KNOWN, ...RECOVERABLE, forcePushJoinLeave: false } });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    await test.publish("c", 1);
    test.gate.hold("presence add", "history");
    const call = test.node.sessions.subscribe(ALL, to("c"));
    await endOfTurn();
    await test.publish("c", 2);
    test.gate.answer("presence add");
    await test.publish("c", 3);
    await endOfTurn();
    test.gate.run("history");
    await test.publish("c", 4);
    test.gate.open();
    await call;
    await test.publish("c", 5);
    await endOfTurn();
    expect(heardBy(transport)).toEqual([
      ...["connect", "pub c 1", "subscribe c"],
      ...["pub c 2", "pub c 3", "pub c 4", "pub c 5"],
    ]);
    expect(transport.messages).toContainEqual({
      channel: "c",
      subscribe: expect.objectContaining({ offset: 1, positioned: true }) as unknown,
    });
  });

  it("loses nothing without positions, either", async () => {
    const test = await TestNode.start({ channels: { presence: true } });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    test.gate.hold("presence add");
    const call = test.node.sessions.subscribe(ALL, to("c"));
    await endOfTurn();
    await test.publish("c", 1);
    test.gate.open();
    await call;
    await test.publish("c", 2);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "subscribe c", "pub c 1", "pub c 2"]);
  });

  it("at the same time as another call: the later one counts, and nothing is lost", async () => {
    const test = await TestNode.start({ channels: { ...KNOWN, ...RECOVERABLE, forcePushJoinLeave: false } });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    test.gate.hold("presence add");
    const withData = (data: string): SubscribeCommand =>
      to("c", { grant: { ...PLAIN_GRANT, info: Buffer.from(data), data: Buffer.from(data) } });
    const first = test.node.sessions.subscribe(ALL, withData("1"));
    await endOfTurn();
    await test.publish("c", "a");
    const second = test.node.sessions.subscribe(ALL, withData("2"));
    await endOfTurn();
    await test.publish("c", "b");
    // The later entry comes first.
    test.gate.step(1);
    test.gate.open();
    await Promise.all([first, second]);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "subscribe c", 'pub c "a"', 'pub c "b"']);
    expect(transport.messages[1]).toMatchObject({ subscribe: { data: 2 } });
    const infos = [...(await test.presence.get("c")).values()].map(({ chanInfo }) => String(chanInfo));
    expect(infos).toEqual(["2"]);
    expect(await test.counts()).toEqual([1, 1, 1, 1]);
  });

  it("sends again what it is to have since a position", async () => {
    const test = await TestNode.start({ channels: RECOVERABLE });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    const { epoch } = await test.publish("c", 1);
    await test.publish("c", 2);
    await test.node.sessions.subscribe(ALL, to("c", { since: { offset: 1, epoch } }));
    await test.publish("c", 3);
    await endOfTurn();
    expect(heardBy(transport)).toEqual([
      "connect",
      "pub c 1",
      "pub c 2",
      "subscribe c",
      "pub c 2",
      "pub c 3",
    ]);
  });

  it("that cannot be given what it missed goes on from where it stands", async () => {
    const test = await TestNode.start({ channels: RECOVERABLE });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    await test.publish("c", 1);
    test.gate.hold("history");
    const call = test.node.sessions.subscribe(ALL, to("c", { since: { offset: 7, epoch: "other" } }));
    await endOfTurn();
    await test.publish("c", 2);
    test.gate.open();
    await call;
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "pub c 1", "subscribe c", "pub c 2"]);
  });

  it("takes it out of presence where the new call says so, and tells its leave to those who heard of it", async () => {
    const test = await TestNode.start({ channels: KNOWN });
    const watcher = test.connect({ user: "watcher", subs: { c: {} } });
    const { connection } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    const override = { presence: false, joinLeave: false };
    await test.node.sessions.subscribe(ALL, to("c", { grant: { ...PLAIN_GRANT, override } }));
    await endOfTurn();
    expect([...(await test.presence.get("c")).values()].map(({ user }) => user)).toEqual(["watcher"]);
    connection.closed();
    await endOfTurn();
    expect(heardBy(watcher.transport)).toEqual(["connect", "join c watcher", "join c 1", "leave c 1"]);
  });

  it("does not count against the channel limit", async () => {
    const test = await TestNode.start({ limits: { channelLimit: new LiveValue(1) } });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    await test.node.sessions.subscribe(ALL, to("c"));
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "subscribe c"]);
  });

  it("gives it the term of the new call", async () => {
    const test = await TestNode.start();
    const { transport } = await connected(test);
    await test.node.sessions.subscribe(
      ALL,
      to("c", { grant: { ...PLAIN_GRANT, expireAtSec: NOW_SEC + 30 } }),
    );
    await test.node.sessions.subscribe(ALL, to("c"));
    test.clock.advance(200_000);
    expect(transport.closedWith).toBeUndefined();
  });

  it("unsubscribed meanwhile, it is told that last, and its leave is told", async () => {
    const test = await TestNode.start({ channels: KNOWN });
    const watcher = test.connect({ user: "watcher", subs: { c: {} } });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    test.gate.hold("presence add");
    const call = test.node.sessions.subscribe(ALL, to("c"));
    await endOfTurn();
    await test.node.sessions.unsubscribe(ALL, "c");
    test.gate.open();
    await call;
    await endOfTurn();
    expect(heardBy(transport).at(-1)).toBe("unsubscribe c");
    expect(heardBy(watcher.transport).at(-1)).toBe("leave c 1");
    expect([...(await test.presence.get("c")).values()].map(({ user }) => user)).toEqual(["watcher"]);
    expect(await test.counts()).toEqual([2, 2, 1, 1]);
  });
});

describe("API unsubscribe", () => {
  it("uni 74: tells a client that does not listen, too", async () => {
    const test = await TestNode.start();
    const { transport } = await connected(test);
    await test.node.sessions.unsubscribe(ALL, "c");
    await test.node.sessions.unsubscribe(ALL, "");
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "unsubscribe c", "unsubscribe"]);
  });

  const calls = ["presence add", "history"] as const;
  it.each(calls)("of a channel that is being subscribed is the last word, before: %s", async (held) => {
    const test = await TestNode.start({ channels: { ...KNOWN, forcePositioning: true } });
    const watcher = test.connect({ user: "watcher", subs: { c: {} } });
    const { transport } = await connected(test);
    test.gate.hold(held);
    const call = test.node.sessions.subscribe(ALL, to("c"));
    await endOfTurn();
    await test.node.sessions.unsubscribe(ALL, "c");
    test.gate.open();
    await call;
    await test.publish("c", 1);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "unsubscribe c"]);
    expect(heardBy(watcher.transport)).toEqual(["connect", "join c watcher", "pub c 1"]);
    expect([...(await test.presence.get("c")).values()].map(({ user }) => user)).toEqual(["watcher"]);
    expect(await test.counts()).toEqual([2, 2, 1, 1]);
  });

  it("and subscribe again leave the client present, whichever call is slow", async () => {
    const test = await TestNode.start({ channels: KNOWN });
    const { transport } = await connected(test);
    test.gate.hold("presence add");
    const first = test.node.sessions.subscribe(ALL, to("c"));
    await endOfTurn();
    await test.node.sessions.unsubscribe(ALL, "c");
    const second = test.node.sessions.subscribe(ALL, to("c"));
    await endOfTurn();
    // The later entry comes first.
    test.gate.step(1);
    test.gate.open();
    await Promise.all([first, second]);
    await test.publish("c", 1);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "unsubscribe c", "subscribe c", "join c 1", "pub c 1"]);
    expect((await test.presence.get("c")).size).toBe(1);
  });
});

describe("commands to a client that is still connecting", () => {
  it("wait for its connect push", async () => {
    const test = await TestNode.start({ channels: { ...KNOWN, ...keepHistory(5), forceRecovery: true } });
    test.gate.hold("history");
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    await test.node.sessions.unsubscribe(ALL, "c");
    await test.node.sessions.refresh(ALL, { expired: false, expireAtSec: NOW_SEC + 60, info: undefined });
    const call = test.node.sessions.subscribe(ALL, to("d"));
    await endOfTurn();
    expect(transport.writes).toEqual([]);
    test.gate.open();
    await call;
    await endOfTurn();
    expect(heardBy(transport)).toEqual([
      "connect",
      "join c 1",
      "unsubscribe c",
      "refresh",
      "subscribe d",
      "join d 1",
    ]);
    expect(await test.counts()).toEqual([1, 1, 1, 1]);
  });

  it("come to nothing when it leaves first", async () => {
    const test = await TestNode.start();
    test.gate.hold("subscribe");
    const { transport, connection } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    await test.node.sessions.unsubscribe(ALL, "c");
    const call = test.node.sessions.subscribe(ALL, to("d"));
    connection.closed();
    await call;
    test.gate.open();
    await endOfTurn();
    expect(transport.writes).toEqual([]);
    expect(await test.counts()).toEqual([0, 0, 0, 0]);
  });

  it("disconnect it at once", async () => {
    const test = await TestNode.start();
    test.gate.hold("subscribe");
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    await test.node.sessions.disconnect(ALL, disconnect("forceNoReconnect"), []);
    expect(heardBy(transport)).toEqual(["disconnect 3503"]);
    test.gate.open();
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["disconnect 3503"]);
  });
});

describe("API disconnect", () => {
  it("spares the whitelist and everybody who does not match", async () => {
    const test = await TestNode.start();
    const clients = [await connected(test), await connected(test), await connected(test, "2")];
    const [first] = [...test.node.sessions.ofUser("1")];
    await test.node.sessions.disconnect(ALL, disconnect("forceReconnect"), [first?.id ?? ""]);
    expect(clients.map(({ transport }) => transport.closedWith?.code)).toEqual([undefined, 3011, undefined]);
    await test.node.sessions.disconnect(
      { ...ALL, session: first?.id ?? "" },
      disconnect("forceReconnect"),
      [],
    );
    expect(clients[0]?.transport.closedWith).toBeUndefined();
    await test.node.sessions.disconnect(
      { ...ALL, session: first?.secretId ?? "" },
      disconnect("forceReconnect"),
      [],
    );
    expect(clients[0]?.transport.closedWith?.code).toBe(3011);
  });
});

describe("API refresh", () => {
  it("uni 76: prolongs, tells the seconds left, and replaces what is known of the user", async () => {
    const test = await TestNode.start({ channels: KNOWN });
    const { transport } = test.connect({ user: "1", subs: { c: {} }, expireAtSec: NOW_SEC + 10 });
    await endOfTurn();
    test.clock.advance(500);
    const info = Buffer.from('{"n":2}');
    await test.node.sessions.refresh(ALL, { expired: false, expireAtSec: NOW_SEC + 60, info });
    await endOfTurn();
    expect(transport.messages.at(-1)).toEqual({ refresh: { expires: true, ttl: 60 } });
    test.clock.advance(80_000);
    expect(transport.closedWith).toBeUndefined();
    const [present] = (await test.presence.get("c")).values();
    expect(present?.connInfo).toEqual(info);
    test.clock.advance(7_000);
    expect(transport.closedWith?.code).toBe(3005);
  });

  it("uni 76: takes the expiry away, and leaves the info as it is then", async () => {
    const test = await TestNode.start();
    const { transport } = test.connect({ user: "1", expireAtSec: NOW_SEC + 10 });
    await endOfTurn();
    await test.node.sessions.refresh(ALL, {
      expired: false,
      expireAtSec: undefined,
      info: Buffer.from("1"),
    });
    await endOfTurn();
    expect(transport.messages.at(-1)).toEqual({ refresh: {} });
    test.clock.advance(100_000);
    expect(transport.closedWith).toBeUndefined();
    expect([...test.node.sessions.ofUser("1")][0]?.identity.info).toBeUndefined();
  });

  it("is limited to a year", async () => {
    const test = await TestNode.start();
    const { transport } = await connected(test);
    await test.node.sessions.refresh(ALL, { expired: false, expireAtSec: NOW_SEC * 2, info: undefined });
    await endOfTurn();
    expect(transport.messages.at(-1)).toEqual({ refresh: { expires: true, ttl: 365 * 24 * 3600 } });
  });

  it.each([
    ["says so", { expired: true, expireAtSec: undefined }],
    ["gives a time that is over", { expired: false, expireAtSec: NOW_SEC }],
  ])("uni 76: ends with 3005 when it %s", async (_what, command) => {
    const test = await TestNode.start();
    const { transport } = await connected(test);
    await test.node.sessions.refresh(ALL, { ...command, info: undefined });
    expect(transport.closedWith?.code).toBe(3005);
  });
});
