import { describe, expect, it } from "vitest";
import type { ClientError } from "../../../src/core/client-error.ts";
import { disconnect } from "../../../src/core/disconnect.ts";
import { PLAIN_GRANT } from "../../../src/core/token-verifier.ts";
import { endOfTurn, FakeTransport } from "../../support/fake-transport.ts";
import { type LoggedLine, loggerOf } from "../../support/silent-logger.ts";
import { heardBy, keepHistory, TestNode } from "../../support/test-node.ts";

const ALL = { user: "1", client: "", session: "" };
const EVERYTHING = {
  ...keepHistory(5),
  forceRecovery: true,
  presence: true,
  joinLeave: true,
  forcePushJoinLeave: true,
} as const;

describe("ServerNode", () => {
  it("counts clients, users, channels and subscriptions, and forgets them however they end", async () => {
    const test = await TestNode.start({ channels: EVERYTHING, limits: { outboxMaxBytes: 5000 } });
    const connect = (user: string): ReturnType<TestNode["connect"]> =>
      test.connect({ user, subs: { c: {}, [`own-${user}`]: {} } });
    const [leaves, , isSlow] = [connect("1"), connect("1"), connect("2")];
    const silent = test.protocol.accept(new FakeTransport());
    await endOfTurn();
    expect(await test.counts()).toEqual([3, 2, 3, 6]);
    expect(await test.node.channels.list({ prefix: "own-" })).toEqual(
      new Map([
        ["own-1", 2],
        ["own-2", 1],
      ]),
    );
    leaves.connection.closed();
    expect(await test.counts()).toEqual([2, 2, 3, 4]);
    isSlow.transport.bufferedBytes = 4999;
    for (const data of [1, 2]) {
      await test.publish("c", data);
      await endOfTurn();
    }
    expect(isSlow.transport.abortedWith?.code).toBe(3008);
    expect(await test.counts()).toEqual([1, 1, 2, 2]);
    await test.node.sessions.disconnect(
      { user: "1", client: "", session: "" },
      disconnect("forceReconnect"),
      [],
    );
    silent.closed();
    await endOfTurn();
    expect(await test.counts()).toEqual([0, 0, 0, 0]);
    expect(test.node.sessions.count).toBe(0);
    expect([test.subscribed.size, test.wheel.size]).toEqual([0, 0]);
    for (const channel of ["c", "own-1", "own-2"]) expect((await test.presence.get(channel)).size).toBe(0);
  });

  it("says once which namespace is missing, whatever is asked of its channels, and what to change", async () => {
    const lines: LoggedLine[] = [];
    const { node } = await TestNode.start({ logger: loggerOf(lines) });
    const publish = (channel: string): Promise<unknown> =>
      node.channels.publish(channel, { data: Buffer.from("1") }, { idempotencyKey: "" });
    const command = { channel: "$gone:b", grant: PLAIN_GRANT, since: undefined };
    const long = `${"x".repeat(10_000)}:a`;
    const calls = [
      ...[
        publish("gone:a"),
        publish("gone:b"),
        node.channels.presence("gone:a"),
        node.sessions.subscribe(ALL, command),
      ],
      ...[publish("other:a"), publish(long)],
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 102 });
    expect(lines).toMatchObject(
      ["gone", "other", "x".repeat(500)].map((namespace) => ({
        level: "info",
        hint: expect.stringContaining("add the namespace to `channel.namespaces`") as unknown,
        reason: "unknown_namespace",
        namespace,
      })),
    );
  });

  it("answers for channels: 102 for an unknown namespace, 108 for what a channel does not have", async () => {
    const test = await TestNode.start();
    const { node } = test;
    const filter = { limit: 0, reverse: false };
    const command = { channel: "x:y", grant: PLAIN_GRANT, since: undefined };
    const unknown = [
      test.publish("x:y", 1),
      node.channels.history("x:y", filter),
      node.channels.removeHistory("x:y"),
      node.channels.presence("x:y"),
      node.channels.presenceStats("x:y"),
      node.sessions.subscribe(ALL, command),
      node.sessions.unsubscribe(ALL, "x:y"),
    ];
    const missing = [
      node.channels.history("c", filter),
      node.channels.removeHistory("c"),
      node.channels.presence("c"),
      node.channels.presenceStats("c"),
    ];
    const codes = async (calls: readonly Promise<unknown>[]): Promise<readonly unknown[]> =>
      Promise.all(
        calls.map((call) =>
          call.then(
            () => 0,
            (error: unknown) => (error as ClientError).code,
          ),
        ),
      );
    expect(await codes(unknown)).toEqual(unknown.map(() => 102));
    expect(await codes(missing)).toEqual(missing.map(() => 108));
  });
});

describe("a node that stops", () => {
  it("uni 83: tells those who are connected, and not those who have said nothing", async () => {
    const test = await TestNode.start({ channels: EVERYTHING });
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    test.gate.hold("history");
    const connecting = test.connect({ user: "2", subs: { c: {} } });
    const silent = new FakeTransport();
    test.protocol.accept(silent);
    await endOfTurn();
    await test.node.stop(disconnect("shutdown"));
    test.gate.open();
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "join c 1", "disconnect 3001"]);
    expect(heardBy(connecting.transport)).toEqual(["disconnect 3001"]);
    expect([silent.writes.length, silent.closedWith?.code]).toEqual([0, 3001]);
    expect(await test.counts()).toEqual([0, 0, 0, 0]);
    expect(test.wheel.size).toBe(0);
  });

  it("closes the broker once it knows that everybody has left", async () => {
    const test = await TestNode.start({ channels: EVERYTHING });
    test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    test.gate.hold("leave", "presence remove", "unsubscribe", "close");
    const stopping = test.node.stop(disconnect("shutdown"));
    await endOfTurn();
    expect(test.gate.waiting.toSorted()).toEqual(["leave", "presence remove", "unsubscribe"]);
    for (const call of ["leave", "presence remove", "unsubscribe"]) test.gate.answer(call);
    await endOfTurn();
    expect(test.gate.waiting).toEqual(["close"]);
    test.gate.open();
    await stopping;
  });

  it("lets nobody in any more", async () => {
    const test = await TestNode.start();
    await test.node.stop(disconnect("shutdown"));
    const { transport } = test.connect({ user: "1", subs: { c: {} } });
    await endOfTurn();
    expect([transport.writes.length, transport.closedWith?.code]).toEqual([0, 3001]);
    expect(await test.counts()).toEqual([0, 0, 0, 0]);
    expect(test.wheel.size).toBe(0);
  });
});
