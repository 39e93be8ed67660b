import { describe, expect, it } from "vitest";
import { type PusherClient, PusherTestNode, type PusherTestOptions } from "../../../support/pusher-node.ts";

const CHANNEL = "private-a";
const ALLOWED: PusherTestOptions["app"] = { enable_client_messages: true };

interface Pair {
  readonly pusher: PusherTestNode;
  readonly sender: PusherClient;
  readonly listener: PusherClient;
}

/** Two clients that have entered a channel, each as itself. */
async function startPair(channel: string = CHANNEL, app: PusherTestOptions["app"] = ALLOWED): Promise<Pair> {
  const pusher = await PusherTestNode.start({ app: { ...app } });
  const [sender, listener] = [await pusher.welcomed(), await pusher.welcomed()];
  await sender.enter(channel, "s");
  await listener.enter(channel, "l");
  await sender.texts();
  return { pusher, sender, listener };
}

/** Codes of the errors among what a client hears; there is nothing else. */
async function errorsOf(client: PusherClient): Promise<unknown[]> {
  return (await client.heard()).map(({ event, data }) => {
    expect(event).toBe("pusher:error");
    return (data as { readonly code: unknown }).code;
  });
}

describe("pusher client events", () => {
  it("pusher 55, 56: reach the others as strings, without user id, and not the sender", async () => {
    const { pusher, sender, listener } = await startPair(CHANNEL, {
      ...ALLOWED,
      max_client_events_per_second: 0,
    });
    const outsider = await pusher.welcomed();
    for (const [sent, heard] of [
      ['"text"', '"text"'],
      ['"5"', '"5"'],
      ['""', '""'],
      ["5", '"5"'],
      ["null", '"null"'],
      ["false", '"false"'],
      ["[1, 2]", '"[1, 2]"'],
      ['{"a": 12345678901234567890}', String.raw`"{\"a\": 12345678901234567890}"`],
      [String.raw`"\u00fc\ud83d\ude42\\"`, String.raw`"ü🙂\\"`],
      [String.raw`"\ud800"`, String.raw`"\ud800"`],
      [String.raw`{"a":"\ud800"}`, String.raw`"{\"a\":\"\\ud800\"}"`],
    ] as const) {
      sender.send(`{"event":"client-e","channel":"${CHANNEL}","data":${sent}}`);
      expect(await listener.texts()).toEqual([`{"event":"client-e","channel":"${CHANNEL}","data":${heard}}`]);
    }
    sender.send({ event: "client-e", channel: CHANNEL });
    expect(await listener.texts()).toEqual([`{"event":"client-e","channel":"${CHANNEL}","data":"{}"}`]);
    expect([await sender.texts(), await outsider.texts()]).toEqual([[], []]);
    expect(pusher.told("client_event")[0]).toEqual({
      name: "client_event",
      channel: CHANNEL,
      event: "client-e",
      data: "text",
      socket_id: sender.socketId,
    });
  });

  it("pusher 56: tell whose they are in presence channels", async () => {
    const { pusher, sender, listener } = await startPair("presence-a");
    sender.send({ event: "client-e", channel: "presence-a", data: {}, user_id: "forged" });
    expect(await listener.texts()).toEqual([
      '{"event":"client-e","channel":"presence-a","data":"{}","user_id":"s"}',
    ]);
    expect(pusher.told("client_event")).toEqual([
      {
        name: "client_event",
        channel: "presence-a",
        event: "client-e",
        data: "{}",
        socket_id: sender.socketId,
        user_id: "s",
      },
    ]);
    await pusher.trigger("presence-a", "client-e", "{}");
    expect(await listener.texts()).toEqual(['{"event":"client-e","channel":"presence-a","data":"{}"}']);
  });

  it("pusher 57: are refused with 4301 where the app does not allow them", async () => {
    const { pusher, sender, listener } = await startPair(CHANNEL, {});
    sender.send({ event: "client-e", channel: CHANNEL, data: {} });
    expect([await errorsOf(sender), await listener.texts()]).toEqual([[4301], []]);
    expect([sender.closeCode, pusher.told("client_event")]).toEqual([undefined, []]);
  });

  it("pusher 58: are refused in public channels, and by those who are not subscribed", async () => {
    const { pusher, sender, listener } = await startPair();
    const outsider = await pusher.welcomed();
    for (const client of [sender, listener]) await client.subscribe("a");
    sender.send({ event: "client-e", channel: "a", data: {} });
    sender.send({ event: "client-e", channel: "private-b", data: {} });
    sender.send({ event: "client-e", channel: "#server-to-user-l", data: {} });
    for (const channel of [undefined, null, 5, "", [CHANNEL], { channel: CHANNEL }]) {
      sender.send({ event: "client-e", channel, data: {} });
    }
    outsider.send({ event: "client-e", channel: CHANNEL, data: {} });
    expect(await errorsOf(sender)).toEqual(Array(9).fill(4301));
    expect([await errorsOf(outsider), await listener.texts()]).toEqual([[4301], []]);
    sender.send({ event: "pusher:unsubscribe", data: { channel: CHANNEL } });
    sender.send({ event: "client-e", channel: CHANNEL, data: {} });
    expect([await errorsOf(sender), await listener.texts()]).toEqual([[4301], []]);
  });

  it("pusher 59: have a name that begins with client-", async () => {
    const { sender, listener } = await startPair();
    for (const event of [
      "xclient-a",
      "pusher:foo",
      "pusher_internal:member_added",
      "Client-a",
      "client",
      "a",
    ]) {
      sender.send({ event, channel: CHANNEL, data: {} });
    }
    expect([await sender.texts(), await listener.texts()]).toEqual([[], []]);
  });

  it("pusher 60: are refused when name or data is too long", async () => {
    const { sender, listener } = await startPair(CHANNEL, { ...ALLOWED, max_event_payload_in_kb: 1 });
    sender.send({ event: `client-${"x".repeat(194)}`, channel: CHANNEL, data: {} });
    sender.send({ event: "client-a", channel: CHANNEL, data: "é".repeat(513) });
    expect([await errorsOf(sender), await listener.texts()]).toEqual([[4301, 4301], []]);
    sender.send({ event: `client-${"x".repeat(193)}`, channel: CHANNEL, data: "é".repeat(512) });
    expect([await errorsOf(sender), (await listener.texts()).length]).toEqual([[], 1]);
  });

  it("pusher 61: number 11 within a second is refused with 4301, and the connection lives", async () => {
    const { pusher, sender, listener } = await startPair();
    const send = (count: number): void => {
      for (let at = 0; at < count; at++) sender.send({ event: "client-a", channel: CHANNEL, data: at });
    };
    send(11);
    expect([await errorsOf(sender), (await listener.texts()).length]).toEqual([[4301], 10]);
    pusher.test.clock.advance(500);
    send(1);
    expect([await errorsOf(sender), await listener.texts()]).toEqual([[4301], []]);
    pusher.test.clock.advance(500);
    send(10);
    expect([await errorsOf(sender), (await listener.texts()).length]).toEqual([[], 10]);
    expect(sender.closeCode).toBeUndefined();
  });

  it("pusher 61: ends the connection where the app says so, and knows no limit of 0", async () => {
    const { sender, listener } = await startPair(CHANNEL, { ...ALLOWED, terminate_on_limit: true });
    for (let at = 0; at < 20; at++) sender.send({ event: "client-a", channel: CHANNEL, data: at });
    expect([await errorsOf(sender), sender.closeCode]).toEqual([[4301], 4301]);
    expect(await listener.texts()).toHaveLength(10);
    const free = await startPair(CHANNEL, { ...ALLOWED, max_client_events_per_second: 0 });
    for (let at = 0; at < 1000; at++) free.sender.send({ event: "client-a", channel: CHANNEL, data: at });
    expect((await free.listener.heard()).map(({ data }) => data)).toEqual(
      Array.from({ length: 1000 }, (_, at) => `${at}`),
    );
  });

  it("keep their order with subscriptions that are being made", async () => {
    const { pusher, sender, listener } = await startPair();
    await listener.join("private-b");
    pusher.test.gate.hold("presence add");
    sender.send({
      event: "pusher:subscribe",
      data: { channel: "private-b", ...sender.authFor("private-b") },
    });
    sender.send({ event: "client-a", channel: "private-b", data: 1 });
    pusher.test.gate.open();
    expect((await listener.heard()).map(({ data }) => data)).toEqual(["1"]);
  });

  it("do no harm with deeply nested data", async () => {
    const { pusher, sender, listener } = await startPair();
    const nested = "[".repeat(20_000) + "]".repeat(20_000);
    sender.send(`{"event":"client-a","channel":"${CHANNEL}","data":${nested}}`);
    expect((await listener.heard()).map(({ data }) => data === nested)).toEqual([true]);
    expect([pusher.errors, await sender.texts()]).toEqual([[], []]);
  });

  it.each(["client-__proto__", "client-", 'client-"', "client-\ud800", "client-ü"])(
    "may be called %j",
    async (event) => {
      const { sender, listener } = await startPair();
      sender.send({ event, channel: CHANNEL, data: {} });
      expect(await listener.events()).toEqual([event.toWellFormed()]);
    },
  );
});
