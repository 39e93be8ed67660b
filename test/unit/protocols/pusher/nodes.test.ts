import { describe, expect, it } from "vitest";
import { disconnect } from "../../../../src/core/disconnect.ts";
import { clientIdOf } from "../../../../src/protocols/pusher/channel-name.ts";
import { PusherTestNode, type PusherTestOptions } from "../../../support/pusher-node.ts";
import { startSharedCluster } from "../../../support/shared-cluster.ts";

const ROOM = "presence-room";

/** Two nodes that share broker and presence. */
async function startTwo(options: PusherTestOptions = {}): Promise<[PusherTestNode, PusherTestNode]> {
  const cluster = await startSharedCluster();
  return [
    await PusherTestNode.start({ ...options, cluster }),
    await PusherTestNode.start({ ...options, cluster }),
  ];
}

describe("pusher on two nodes", () => {
  it("pusher 47: a user with connections on both nodes is one member", async () => {
    const [one, two] = await startTwo();
    const watcher = await one.welcomed();
    await watcher.enter(ROOM, "w");
    const [here, there] = [await one.welcomed(), await two.welcomed()];
    await here.enter(ROOM, "1");
    const [frame] = await there.enter(ROOM, "1");
    expect(JSON.parse(frame?.data as string)).toMatchObject({ presence: { ids: ["w", "1"], count: 2 } });
    expect(await watcher.events()).toEqual(["pusher_internal:member_added"]);
    await here.leave();
    expect(await watcher.events()).toEqual([]);
    await there.leave();
    expect(await watcher.events()).toEqual(["pusher_internal:member_removed"]);
    expect([...one.told("member_added"), ...two.told("member_added")]).toHaveLength(2);
  });

  it("pusher 48: members of a node that goes down are told to have gone", async () => {
    const [one, two] = await startTwo();
    const watcher = await one.welcomed();
    await watcher.enter(ROOM, "w");
    await (await two.welcomed()).enter(ROOM, "1");
    await watcher.texts();
    await two.test.node.stop(disconnect("shutdown"));
    expect(await watcher.events()).toEqual(["pusher_internal:member_removed"]);
  });

  it("pusher 62: a client event reaches subscribers on the other node", async () => {
    const [one, two] = await startTwo({ app: { enable_client_messages: true } });
    const [sender, neighbour, listener] = [await one.welcomed(), await one.welcomed(), await two.welcomed()];
    for (const client of [sender, neighbour, listener]) await client.join("private-a");
    sender.send({ event: "client-e", channel: "private-a", data: "hi" });
    expect(await sender.texts()).toEqual([]);
    const text = '{"event":"client-e","channel":"private-a","data":"hi"}';
    expect([await neighbour.texts(), await listener.texts()]).toEqual([[text], [text]]);
  });

  it("pusher 79: an excluded socket does not get an event that another node publishes", async () => {
    const [one, two] = await startTwo();
    const [excluded, other] = [await two.welcomed(), await two.welcomed()];
    for (const client of [excluded, other]) await client.subscribe("a");
    await one.trigger("a", "e", "1", clientIdOf(excluded.socketId));
    expect([await excluded.events(), await other.events()]).toEqual([[], ["e"]]);
    await two.trigger("a", "e", "1", clientIdOf(excluded.socketId));
    expect([await excluded.events(), await other.events()]).toEqual([[], ["e"]]);
  });

  it("tells who watches a user of the user's first and last connection, wherever they are", async () => {
    const [one, two] = await startTwo({ app: { enable_watchlist_events: true } });
    const watcher = await one.welcomed();
    await watcher.signIn('{"id":"w","watchlist":["1"]}');
    const [here, there] = [await one.welcomed(), await two.welcomed()];
    await there.signIn('{"id":"1"}');
    await here.signIn('{"id":"1"}');
    await there.leave();
    await here.leave();
    expect((await watcher.heard()).map(({ data }) => data)).toEqual([
      '{"events":[{"name":"online","user_ids":["1"]}]}',
      '{"events":[{"name":"offline","user_ids":["1"]}]}',
    ]);
  });

  it("occupied and vacated are told once for both nodes", async () => {
    const [one, two] = await startTwo();
    const [here, there] = [await one.welcomed(), await two.welcomed()];
    await here.subscribe("a");
    await there.subscribe("a");
    await here.leave();
    await there.leave();
    one.test.clock.advance(5000);
    const told = (name: "channel_occupied" | "channel_vacated"): number =>
      one.told(name).length + two.told(name).length;
    expect([told("channel_occupied"), told("channel_vacated")]).toEqual([1, 1]);
  });
});
