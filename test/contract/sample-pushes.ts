import { type ClientInfo, Publication, type PublicationInit } from "../../src/core/publication.ts";
import {
  type ConnectResult,
  PLAIN_SUBSCRIBE_RESULT,
  type Push,
  type SubscribeResult,
} from "../../src/core/push.ts";

/** Bytes that are neither JSON nor text. */
const BINARY = Buffer.from([0, 255, 10]);
const ALICE: ClientInfo = {
  user: "alice",
  client: "c1",
  connInfo: Buffer.from('{"n": 1}'),
  chanInfo: Buffer.from('"é"'),
};
const NOBODY: ClientInfo = { user: "", client: "c2", connInfo: undefined, chanInfo: undefined };
const CONNECT: ConnectResult = {
  client: "c1",
  session: "s1",
  version: "1.0.0 OSS",
  data: undefined,
  subs: new Map(),
  ttlSec: undefined,
  pingSec: 25,
  timeMs: undefined,
};
const FIRST = new Publication({ data: Buffer.from('{"text":"the same, and one"}') }, 1, "abcd");
const SECOND = new Publication({ data: Buffer.from('{"text":"the same, and two"}') }, 2, "abcd");
const RECOVERED: SubscribeResult = {
  ...PLAIN_SUBSCRIBE_RESULT,
  position: { offset: 0, epoch: "abcd" },
  recoverable: true,
  wasRecovering: true,
  recovered: true,
  publications: [FIRST, SECOND],
};

/** Pushes of each type, as far apart as their protocols look at them; those of a channel are in the one given. */
export function samplePushes(channel: string): Readonly<Record<string, Push>> {
  const publication = (
    data: string | Buffer,
    init: Omit<PublicationInit, "data"> = {},
    offset = 0,
  ): Push => ({
    type: "publication",
    channel,
    publication: new Publication({ ...init, data: Buffer.from(data) }, offset, offset === 0 ? "" : "abcd"),
  });
  const subs = (result: SubscribeResult): Push => ({
    type: "connect",
    connect: { ...CONNECT, subs: new Map([[channel, result]]) },
  });
  return {
    ping: { type: "ping" },
    "connect, nothing optional": { type: "connect", connect: CONNECT },
    "connect, everything": {
      type: "connect",
      connect: {
        ...CONNECT,
        data: Buffer.from('{"from": "backend"}'),
        subs: new Map([
          ["a&b", PLAIN_SUBSCRIBE_RESULT],
          ["b", { ...PLAIN_SUBSCRIBE_RESULT, data: Buffer.from('{"x": 1}'), wasRecovering: true }],
        ]),
        ttlSec: 60,
        timeMs: 1_700_000_000_000,
      },
    },
    "connect, over within the second, no pings": {
      type: "connect",
      connect: { ...CONNECT, ttlSec: 0, pingSec: 0 },
    },
    "connect, recovered": subs(RECOVERED),
    "connect, recovered as differences": subs({ ...RECOVERED, delta: true }),
    "connect, binary data": { type: "connect", connect: { ...CONNECT, data: BINARY } },
    "connect, binary data of a channel": subs({ ...PLAIN_SUBSCRIBE_RESULT, data: BINARY }),
    "publication, payload byte for byte": publication('{"input": 1}'),
    "publication, line breaks between tokens": publication('{\r\n"a":\n1}'),
    "publication, text in all planes": publication('"é 日本 🙂 \\u0041"'),
    "publication, tags": publication("1", { tags: { k: "<v>" } }),
    "publication, channel to be escaped": {
      type: "publication",
      channel: `${channel}a&b`,
      publication: new Publication({ data: Buffer.from("1") }),
    },
    "publication, first of a stream": publication("1", {}, 1),
    "publication, later in a stream": publication("1", {}, 2),
    "publication, the largest numbers": publication(
      "1",
      { version: 2n ** 64n - 1n },
      Number.MAX_SAFE_INTEGER,
    ),
    "publication, everything": publication("1", { tags: { k: "v" }, info: ALICE, version: 7n }, 1),
    "publication, empty": publication(""),
    "publication, empty with company": publication("", { tags: { k: "v" }, info: NOBODY }, 2),
    "publication, binary": publication(BINARY),
    "publication, and the one before": {
      type: "publication",
      channel,
      publication: SECOND,
      previous: FIRST,
    },
    "publication, event of a client": publication('{"x":1}', { tags: { event: "client-e" }, info: ALICE }),
    join: { type: "join", channel, info: ALICE },
    "join of nobody": { type: "join", channel, info: NOBODY },
    "join, binary info": { type: "join", channel, info: { ...ALICE, connInfo: BINARY } },
    leave: { type: "leave", channel, info: ALICE },
    "member added": { type: "memberAdded", channel, info: ALICE },
    "member added, binary info": {
      type: "memberAdded",
      channel,
      info: { ...ALICE, connInfo: undefined, chanInfo: BINARY },
    },
    "member removed": { type: "memberRemoved", channel, info: ALICE },
    "subscription count": { type: "subscriptionCount", channel, count: 3 },
    subscribe: { type: "subscribe", channel, subscribe: PLAIN_SUBSCRIBE_RESULT },
    "subscribe, everything": {
      type: "subscribe",
      channel,
      subscribe: { ...RECOVERED, position: { offset: 5, epoch: "abcd" }, data: Buffer.from("[1, 2]") },
    },
    "subscribe, binary data": {
      type: "subscribe",
      channel,
      subscribe: { ...PLAIN_SUBSCRIBE_RESULT, data: BINARY },
    },
    unsubscribe: { type: "unsubscribe", channel, code: 2000, reason: "server unsubscribe" },
    refresh: { type: "refresh", expires: true, ttlSec: 60 },
    "refresh, no expiry": { type: "refresh", expires: false, ttlSec: 0 },
    disconnect: { type: "disconnect", code: 3001, reason: "shutdown" },
  };
}
