import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PLAIN_GRANT } from "../../../../src/core/token-verifier.ts";
import { PusherTestNode } from "../../../support/pusher-node.ts";

const NAMES = [
  "__proto__",
  "constructor",
  "a",
  "private-a",
  "presence-a",
  "cache-a",
  "presence-cache-a",
  "#!1",
];
const EVENTS = [
  "pusher:subscribe",
  "pusher:unsubscribe",
  "pusher:signin",
  "pusher:ping",
  "pusher:pong",
  "client-a",
];

/** A value where another one is expected. */
const anything = fc.oneof(
  fc.constantFrom(
    ...NAMES,
    "#server-to-user-1",
    "\ud800",
    "1",
    "",
    null,
    1e308,
    -0,
    "9".repeat(400),
    '{"user_id":1}',
  ),
  fc.jsonValue({ depthSize: "medium" }),
);
/** How a message that a client sends may look. */
const message = fc.record(
  {
    event: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...EVENTS) }, anything),
    channel: anything,
    data: fc.oneof(
      anything,
      fc.record(
        { channel: anything, auth: anything, channel_data: anything, user_data: anything },
        { requiredKeys: [] },
      ),
      anything.map((value) => JSON.stringify({ channel: value })),
    ),
  },
  { requiredKeys: [] },
);
/** What is done with a channel the right way. */
const step = fc.oneof(
  { weight: 3, arbitrary: message.map((value) => ({ type: "send" as const, value })) },
  fc.constantFrom(...NAMES).map((channel) => ({ type: "join" as const, channel })),
  fc.constantFrom("1", "2", "__proto__").map((id) => ({ type: "signIn" as const, id })),
  fc.constantFrom(...NAMES).map((channel) => ({ type: "trigger" as const, channel })),
);

describe("pusher: hostile clients", () => {
  it("whatever is sent in whatever order, nothing breaks and nothing is left behind", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const app = {
          enable_client_messages: true,
          enable_watchlist_events: true,
          enable_subscription_count: true,
        };
        const pusher = await PusherTestNode.start({ app });
        const [client, witness] = [await pusher.welcomed(), await pusher.welcomed()];
        await witness.enter("presence-a", "witness");
        for (const each of steps) {
          if (each.type === "send") client.send(each.value);
          else if (each.type === "join") await client.enter(each.channel, "1", { n: 1 });
          else if (each.type === "signIn")
            await client.signIn(JSON.stringify({ id: each.id, watchlist: ["1", each] }));
          else await pusher.trigger(each.channel, "e", "1");
        }
        for (const { event, data } of await client.heard()) {
          expect([typeof event, data === undefined]).toEqual(["string", false]);
        }
        client.send({ event: "pusher:ping" });
        expect((await client.events()).at(-1)).toBe("pusher:pong");
        await client.leave();
        await witness.leave();
        await client.texts();
        expect(pusher.errors).toEqual([]);
        expect(await pusher.test.counts()).toEqual([0, 0, 0, 0]);
        expect(pusher.test.subscribed.size).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it("10,000 messages at once are answered, in their order", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    for (let at = 0; at < 10_000; at++)
      client.send({ event: "pusher:unsubscribe", data: { channel: `c${at}` } });
    for (let at = 0; at < 2000; at++) client.send({ event: "pusher:ping" });
    expect(await client.events()).toEqual(Array(2000).fill("pusher:pong"));
  });

  it("answers beyond what may wait for a client end it", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    for (let at = 0; at < 10_000; at++) client.send("x");
    await client.texts();
    expect(client.closeCode).toBe(4100);
    expect(pusher.test.node.sessions.count).toBe(0);
  });

  it("the server API leaves alone what a client has subscribed to itself", async () => {
    const pusher = await PusherTestNode.start();
    const client = await pusher.welcomed();
    await client.enter("presence-a", "1");
    const target = { user: "", client: "", session: "", allUsers: true };
    const command = { channel: "one:presence-a", grant: PLAIN_GRANT, since: undefined };
    await pusher.test.node.sessions.subscribe(target, command);
    expect(await client.texts()).toEqual([]);
    expect([...(await pusher.test.presence.get("one:presence-a")).values()]).toMatchObject([{ user: "1" }]);
  });

  it("a client takes over what the server API has subscribed it to", async () => {
    const pusher = await PusherTestNode.start();
    const [client, witness] = [await pusher.welcomed(), await pusher.welcomed()];
    await witness.enter("presence-a", "w");
    const target = { user: "", client: "", session: "", allUsers: true };
    const command = { channel: "one:presence-b", grant: PLAIN_GRANT, since: undefined };
    await pusher.test.node.sessions.subscribe(target, command);
    await client.texts();
    const [frame] = await client.enter("presence-b", "1");
    expect(JSON.parse(frame?.data as string)).toMatchObject({ presence: { ids: ["1"], count: 1 } });
  });
});
