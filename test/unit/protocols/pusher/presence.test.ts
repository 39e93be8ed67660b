import { describe, expect, it } from "vitest";
import { type PusherClient, type PusherFrame, PusherTestNode } from "../../../support/pusher-node.ts";

const ROOM = "presence-room";

/** The members that `subscription_succeeded` tells of. */
function presenceIn(frames: readonly PusherFrame[]): unknown {
  const [frame, ...others] = frames;
  expect(others).toEqual([]);
  expect(frame).toMatchObject({ event: "pusher_internal:subscription_succeeded", channel: ROOM });
  return (JSON.parse(frame?.data as string) as { readonly presence: unknown }).presence;
}

/** What a client hears of members: `+1 {}` for one who comes, `-1` for one who goes. */
async function membersHeard(client: PusherClient): Promise<string[]> {
  return (await client.heard()).map(({ event, data }) => {
    const { user_id: id, user_info: info } = JSON.parse(data as string) as Record<string, unknown>;
    expect(typeof id).toBe("string");
    if (event === "pusher_internal:member_removed") return `-${String(id)}`;
    expect(event).toBe("pusher_internal:member_added");
    return `+${String(id)} ${JSON.stringify(info)}`;
  });
}

function statusIn([frame]: readonly PusherFrame[]): unknown {
  expect(frame).toMatchObject({ event: "pusher:subscription_error", channel: ROOM });
  const { status } = (frame?.data ?? {}) as { readonly status?: unknown };
  return status;
}

describe("pusher presence", () => {
  it("pusher 35: the first member sees itself", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.enter(ROOM, "1", { name: "Ann" });
    const again = await client.enter(ROOM, "1", { name: "Ann" });
    expect(presenceIn(again)).toEqual({ ids: ["1"], hash: { 1: { name: "Ann" } }, count: 1 });
  });

  it("pusher 36, 37: the second member sees both, and only the first is told of it", async () => {
    const pusher = await PusherTestNode.start();
    const [ann, bob] = [await pusher.welcomed(), await pusher.welcomed()];
    await ann.enter(ROOM, "1", { name: "Ann" });
    expect(presenceIn(await bob.enter(ROOM, "2", { name: "Bob" }))).toEqual({
      ids: ["1", "2"],
      hash: { 1: { name: "Ann" }, 2: { name: "Bob" } },
      count: 2,
    });
    expect(await ann.texts()).toEqual([
      String.raw`{"event":"pusher_internal:member_added","channel":"presence-room","data":"{\"user_id\":\"2\",\"user_info\":{\"name\":\"Bob\"}}"}`,
    ]);
    expect(await bob.texts()).toEqual([]);
    await bob.leave();
    expect(await ann.texts()).toEqual([
      String.raw`{"event":"pusher_internal:member_removed","channel":"presence-room","data":"{\"user_id\":\"2\"}"}`,
    ]);
  });

  it("pusher 38, 39: further connections of a user are no members of their own", async () => {
    const pusher = await PusherTestNode.start();
    const [watcher, first, second] = [
      await pusher.welcomed(),
      await pusher.welcomed(),
      await pusher.welcomed(),
    ];
    await watcher.enter(ROOM, "w");
    await first.enter(ROOM, "1", { tab: 1 });
    expect(await membersHeard(watcher)).toEqual(['+1 {"tab":1}']);
    expect(presenceIn(await second.enter(ROOM, "1", { tab: 2 }))).toMatchObject({
      ids: ["w", "1"],
      count: 2,
    });
    await first.leave();
    expect(await membersHeard(watcher)).toEqual([]);
    second.send({ event: "pusher:unsubscribe", data: { channel: ROOM } });
    expect(await membersHeard(watcher)).toEqual(["-1"]);
    await second.enter(ROOM, "1");
    expect(await membersHeard(watcher)).toEqual(["+1 {}"]);
    expect(pusher.told("member_added").map((event) => event)).toEqual([
      { name: "member_added", channel: ROOM, user_id: "w" },
      { name: "member_added", channel: ROOM, user_id: "1" },
    ]);
  });

  it("pusher 40, 41: a number is the string of its digits", async () => {
    const pusher = await PusherTestNode.start();
    const [watcher, one, alsoOne] = [
      await pusher.welcomed(),
      await pusher.welcomed(),
      await pusher.welcomed(),
    ];
    await watcher.enter(ROOM, 0);
    expect(presenceIn(await one.enter(ROOM, 1))).toMatchObject({ ids: ["0", "1"], count: 2 });
    expect(presenceIn(await alsoOne.enter(ROOM, "1"))).toMatchObject({ ids: ["0", "1"], count: 2 });
    expect(await membersHeard(watcher)).toEqual(["+1 {}"]);
  });

  it("pusher 40: keeps all digits of large ids and of what members say of themselves", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const data = '{"user_id":9007199254740993,"user_info":{"n":12345678901234567890, "t":"\\u00fc"}}';
    const [frame] = await client.join(ROOM, data);
    expect(frame?.data).toBe(
      '{"presence":{"ids":["9007199254740993"],"hash":{"9007199254740993":{"n":12345678901234567890, "t":"\\u00fc"}},"count":1}}',
    );
  });

  it("pusher 42: who says nothing of itself is {}", async () => {
    const pusher = await PusherTestNode.start();
    const [ann, bob] = [await pusher.welcomed(), await pusher.welcomed()];
    expect(presenceIn(await ann.join(ROOM, '{"user_id":"1"}'))).toEqual({
      ids: ["1"],
      hash: { 1: {} },
      count: 1,
    });
    await bob.join(ROOM, '{"user_id":"2"}');
    expect(await membersHeard(ann)).toEqual(["+2 {}"]);
  });

  it("pusher 43: without channel_data, the signed-in user is the member", async () => {
    const pusher = await PusherTestNode.start();
    const [ann, bob] = [await pusher.welcomed(), await pusher.welcomed()];
    expect(statusIn(await ann.join(ROOM))).toBe(4302);
    await ann.signIn('{"id":"1","user_info":{"name":"Ann"}}');
    expect(presenceIn(await ann.join(ROOM))).toEqual({ ids: ["1"], hash: { 1: { name: "Ann" } }, count: 1 });
    await bob.signIn('{"id":"2","user_info":{"name":"Bob"}}');
    expect(presenceIn(await bob.enter(ROOM, "3", { name: "Bobby" }))).toEqual({
      ids: ["1", "3"],
      hash: { 1: { name: "Ann" }, 3: { name: "Bobby" } },
      count: 2,
    });
    expect(await membersHeard(ann)).toEqual(['+3 {"name":"Bobby"}']);
  });

  it("pusher 44: refuses altered channel_data with 401", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const { auth } = client.authFor(ROOM, '{"user_id":"1"}');
    for (const altered of ['{"user_id":"2"}', '{"user_id": "1"}', '{"user_id":"1"}\n', "", undefined, null]) {
      expect(statusIn(await client.subscribe(ROOM, { auth, channel_data: altered }))).toBe(401);
    }
  });

  it.each([
    "",
    "x",
    "null",
    "[]",
    '"1"',
    "{}",
    '{"user_id":null}',
    '{"user_id":""}',
    '{"user_id":true}',
    '{"user_id":["1"]}',
    '{"user_id":{}}',
    '{"user_info":{"id":"1"}}',
  ])("pusher 43: refuses channel_data %j", async (channelData) => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    expect(statusIn(await client.join(ROOM, channelData))).toBe(4302);
    expect((await pusher.test.counts())[3]).toBe(0);
  });

  it("pusher 45: refuses member 101, but not another connection of one of the 100", async () => {
    const pusher = await PusherTestNode.start();
    for (let user = 1; user <= 100; user++) await (await pusher.welcomed()).enter(ROOM, user);
    const client = await pusher.welcomed();
    expect(statusIn(await client.enter(ROOM, 101))).toBe(4100);
    expect(client.closeCode).toBeUndefined();
    expect(presenceIn(await client.enter(ROOM, 100))).toMatchObject({ count: 100 });
    expect(pusher.told("member_added")).toHaveLength(100);
    expect(pusher.errors).toEqual([]);
  });

  it("pusher 46: refuses a member whose data is too large, however it comes", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    const info = (bytes: number): string => "é".repeat((bytes - 2) / 2);
    expect(statusIn(await client.enter(ROOM, "1", info(2050)))).toBe(4301);
    expect(statusIn(await client.enter(ROOM, "x".repeat(129)))).toBe(4301);
    expect(presenceIn(await client.enter(ROOM, "x".repeat(128), info(2048)))).toMatchObject({ count: 1 });
    const other = await pusher.welcomed();
    await other.signIn(JSON.stringify({ id: "1", user_info: info(2050) }));
    expect(statusIn(await other.join(ROOM))).toBe(4301);
  });

  it.each(["__proto__", "constructor", "toString", '"', "\\", "ü\u2028", "\ud800", " ", "a,b", "#!x"])(
    "a member called %j is one like all others",
    async (user) => {
      const pusher = await PusherTestNode.start();
      const [ann, bob] = [await pusher.welcomed(), await pusher.welcomed()];
      await ann.enter(ROOM, "1");
      const [frame] = await bob.enter(ROOM, user, { n: 1 });
      const { presence } = JSON.parse(frame?.data as string) as {
        readonly presence: { readonly hash: object };
      };
      const name = user.toWellFormed();
      expect(presence).toMatchObject({ ids: ["1", name], count: 2 });
      expect(Object.getOwnPropertyDescriptor(presence.hash, name)?.value).toEqual({ n: 1 });
      await bob.leave();
      expect(await membersHeard(ann)).toEqual([`+${name} {"n":1}`, `-${name}`]);
    },
  );

  it("deeply nested data of a member does no harm", async () => {
    const pusher = await PusherTestNode.start({ app: { max_presence_member_size_in_kb: 0 } });
    const [ann, bob] = [await pusher.welcomed(), await pusher.welcomed()];
    await ann.enter(ROOM, "1");
    const nested = "[".repeat(20_000) + "]".repeat(20_000);
    await bob.join(ROOM, `{"user_id":"2","user_info":${nested}}`);
    expect((await ann.texts()).map((text) => text.includes(nested))).toEqual([true]);
    expect(pusher.errors).toEqual([]);
  });
});

describe("pusher presence: who comes while one enters", () => {
  it("members are told of exactly those who are not in their roster", async () => {
    for (const heldUntil of ["subscribe", "presence add"]) {
      const pusher = await PusherTestNode.start();
      const [ann, bob, cid] = [await pusher.welcomed(), await pusher.welcomed(), await pusher.welcomed()];
      await bob.enter(ROOM, "b");
      const { gate } = pusher.test;
      gate.hold(heldUntil);
      const entering = ann.enter(ROOM, "a");
      await cid.enter(ROOM, "c");
      await bob.leave();
      gate.open();
      const frames = [...(await entering), ...(await ann.heard())];
      const known = new Set<string>();
      for (const { event, data } of frames) {
        const body = JSON.parse(data as string) as { presence?: { ids: string[] }; user_id: string };
        for (const id of body.presence?.ids ?? []) known.add(id);
        if (event === "pusher_internal:member_added") known.add(body.user_id);
        if (event === "pusher_internal:member_removed" && !known.delete(body.user_id))
          known.add("a stranger");
      }
      expect([...known].toSorted()).toEqual(["a", "c"]);
      expect(frames[0]?.event).toBe("pusher_internal:subscription_succeeded");
    }
  });

  it("who leaves and returns at once is a member once", async () => {
    const pusher = await PusherTestNode.start();
    const [watcher, client] = [await pusher.welcomed(), await pusher.welcomed()];
    await watcher.enter(ROOM, "w");
    await client.enter(ROOM, "1");
    await watcher.texts();
    const data = { channel: ROOM, ...client.authFor(ROOM, '{"user_id":"1"}') };
    for (let round = 0; round < 50; round++) {
      client.send({ event: "pusher:unsubscribe", data: { channel: ROOM } });
      client.send({ event: "pusher:subscribe", data });
    }
    const last = (await client.heard()).at(-1);
    expect(JSON.parse(last?.data as string)).toMatchObject({ presence: { count: 2 } });
    const heard = await membersHeard(watcher);
    expect(heard.length % 2).toBe(0);
    for (const [at, text] of heard.entries()) expect(text).toBe(at % 2 === 0 ? "-1" : "+1 {}");
    expect((await pusher.test.presence.get(`one:${ROOM}`)).size).toBe(2);
  });
});
