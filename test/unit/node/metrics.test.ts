import { describe, expect, it } from "vitest";
import { Disconnect, disconnect } from "../../../src/core/disconnect.ts";
import { endOfTurn, FakeTransport } from "../../support/fake-transport.ts";
import { RecordingMetrics } from "../../support/recording-metrics.ts";
import { keepHistory, TestNode, type TestNodeOptions } from "../../support/test-node.ts";

const RECOVERABLE = { ...keepHistory(10), forceRecovery: true };

async function start(options: TestNodeOptions = {}) {
  const metrics = new RecordingMetrics();
  return { metrics, test: await TestNode.start({ ...options, metrics }) };
}

async function connected(test: TestNode, client: Parameters<TestNode["connect"]>[0] = {}) {
  const connection = test.connect(client);
  await endOfTurn();
  return connection;
}

describe("a node counts", () => {
  it("connections whose clients are let in, and those that are there", async () => {
    const { metrics, test } = await start();
    const { connection } = await connected(test, { user: "1", subs: { c: {}, d: {} } });
    await connected(test, { subs: { c: {} } });
    // This one never says who it is.
    test.protocol.accept(new FakeTransport());
    expect(metrics.counted("client_connections_accepted")).toEqual({ "transport=fake": 2 });
    expect(metrics.measured("client_connections_inflight")).toEqual({ "transport=fake": 2 });
    expect(metrics.measured("node_num_clients")).toEqual({ "": 2 });
    expect(metrics.measured("node_num_users")).toEqual({ "": 2 });
    expect(metrics.measured("node_num_subscriptions")).toEqual({ "": 3 });
    expect(metrics.measured("node_num_channels")).toEqual({ "": 2 });
    expect(metrics.measured("node_num_nodes")).toEqual({ "": 1 });
    connection.closed();
    expect(metrics.measured("client_connections_inflight")).toEqual({ "transport=fake": 1 });
  });

  it("connections that it ends, by code: slow ones among them, and not those that clients end", async () => {
    const { metrics, test } = await start({ limits: { outboxMaxBytes: 1000 } });
    const left = await connected(test);
    left.connection.closed();
    await connected(test, { subs: { c: {} } });
    await test.publish("c", "x".repeat(1000));
    await endOfTurn();
    await connected(test, { user: "1" });
    await test.node.sessions.disconnect(
      { user: "1", client: "", session: "" },
      new Disconnect(4501, "bye"),
      [],
    );
    expect(metrics.counted("client_num_server_disconnects")).toEqual({ "code=3008": 1, "code=4501": 1 });
    expect(metrics.counted("transport_outgoing_close_count")).toEqual({
      "code=3008,transport=fake": 1,
      "code=4501,transport=fake": 1,
    });
  });

  it("whom it refuses, by the reason in the log, however few lines that has", async () => {
    const { metrics, test } = await start();
    for (let time = 0; time < 3; time++) await connected(test, { grants: { "unknown:x": {} } });
    await expect(test.publish("unknown:x", 1)).rejects.toMatchObject({ code: 102 });
    expect(metrics.counted("refusals_total")).toEqual({ "reason=unknown_namespace": 4 });
  });

  it("subscriptions that are given what they missed, and those that cannot be", async () => {
    const { metrics, test } = await start({ channels: RECOVERABLE });
    const { epoch } = await test.publish("c", 1);
    await test.publish("c", 2);
    const since = (offset: number) => ({ subs: { c: { recover: true, offset, epoch } } });
    await connected(test, since(0));
    await connected(test, since(2));
    await connected(test, { subs: { c: { recover: true, offset: 1, epoch: "another" } } });
    await connected(test, { subs: { c: {} } });
    expect(metrics.counted("client_recover")).toEqual({
      "has_recovered_publications=yes,recovered=yes": 1,
      "has_recovered_publications=no,recovered=yes": 1,
      "has_recovered_publications=no,recovered=no": 1,
    });
    expect(metrics.observed("client_recovered_publications")).toEqual({ "": [2, 0] });
  });

  it("gaps, by what has shown them", async () => {
    const { metrics, test } = await start({ channels: RECOVERABLE });
    const first = await connected(test, { subs: { c: {} } });
    await test.lose("c", 1);
    await test.publish("c", 2);
    await endOfTurn();
    expect(first.transport.closedWith?.code).toBe(3010);
    const second = await connected(test, { subs: { d: {} } });
    await test.lose("d", 1);
    test.node.onInterrupted();
    await endOfTurn();
    expect(second.transport.closedWith?.code).toBe(3010);
    expect(metrics.counted("client_position_gaps_total")).toEqual({
      "found_by=publication": 1,
      "found_by=check": 1,
    });
  });

  it("messages and bytes that clients are sent", async () => {
    const { metrics, test } = await start();
    const clients = [await connected(test, { subs: { c: {} } }), await connected(test, { subs: { c: {} } })];
    await test.publish("c", 1);
    await test.publish("c", 2);
    await endOfTurn();
    expect(metrics.counted("transport_messages_sent")).toEqual({
      "frame_type=push_connect,transport=fake": 2,
      "frame_type=push_publication,transport=fake": 4,
    });
    const written = clients.flatMap(({ transport }) => transport.writes);
    const sizes = Object.values(metrics.counted("transport_messages_sent_size"));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(Buffer.concat(written).byteLength);
  });

  it("publications and notices, once each, however many subscribe", async () => {
    const { metrics, test } = await start({ channels: { joinLeave: true, forcePushJoinLeave: true } });
    const { connection } = await connected(test, { user: "1", subs: { c: {} } });
    await connected(test, { user: "2", subs: { c: {} } });
    await test.publish("c", 1);
    connection.closed();
    await endOfTurn();
    const expected = { "type=publication": 1, "type=join": 2, "type=leave": 1 };
    expect(metrics.counted("node_messages_sent_count")).toMatchObject(expected);
    expect(metrics.counted("node_messages_received_count")).toMatchObject(expected);
  });

  it("nothing more once it has stopped, though connections may still come", async () => {
    const { metrics, test } = await start();
    await connected(test);
    await test.node.stop(disconnect("shutdown"));
    expect(metrics.counted("client_num_server_disconnects")).toEqual({ "code=3001": 1 });
    expect(metrics.measured("client_connections_inflight")).toEqual({});
    expect(metrics.measured("node_num_clients")).toEqual({});
    const late = Object.assign(new FakeTransport(), { name: "never seen before" });
    test.protocol.accept(late);
    await endOfTurn();
    expect(late.closedWith?.code).toBe(3001);
  });
});
