import { describe, expect, it } from "vitest";
import type { StreamPosition } from "../../../src/core/publication.ts";
import { PLAIN_GRANT, SUBSCRIPTION_SOURCE } from "../../../src/core/token-verifier.ts";
import { endOfTurn, FakeTransport, lineFormat } from "../../support/fake-transport.ts";
import { keepHistory, TestNode } from "../../support/test-node.ts";

const ALL = { user: "1", client: "", session: "" };

/** Of a push: what it is, and the event id in front of it as offsets by channel. */
type Identified = readonly [push: string, offsets: Readonly<Record<string, number>> | undefined];

class EventIdTransport extends FakeTransport {
  override eventIds = {
    eventIdOf: (positions: ReadonlyMap<string, StreamPosition>): Uint8Array =>
      Buffer.from(`{"id":${JSON.stringify([...positions])}}\n`),
  };

  constructor() {
    super(lineFormat());
  }

  get identified(): readonly Identified[] {
    const identified: Identified[] = [];
    let id: Record<string, number> | undefined;
    for (const message of this.messages) {
      const line = message as {
        readonly id?: readonly [string, StreamPosition][];
        readonly channel?: string;
      };
      if (line.id === undefined) {
        identified.push([
          [...Object.keys(line).filter((key) => key !== "channel"), line.channel].join(" "),
          id,
        ]);
        id = undefined;
      } else {
        id = Object.fromEntries(line.id.map(([channel, { offset }]) => [channel, offset]));
      }
    }
    return identified;
  }
}

async function start(mode: "stream" | "cache" = "stream"): Promise<TestNode> {
  return TestNode.start({ channels: { ...keepHistory(5), forceRecovery: true, recoveryMode: mode } });
}

describe("event ids of native resume", () => {
  it("stand in front of the push after which the client is there", async () => {
    const test = await start();
    const transport = new EventIdTransport();
    const { epoch } = await test.publish("c", 1);
    await test.publish("c", 2);
    const resumeFrom = new Map([["c", { offset: 0, epoch }]]);
    test.connect({ user: "1", subs: { c: {}, d: {} }, resumeFrom, transport });
    await endOfTurn();
    await test.publish("d", 1);
    await endOfTurn();
    expect(transport.identified).toEqual([
      ["connect ", { c: 0, d: 0 }],
      ["pub c", { c: 1, d: 0 }],
      ["pub c", { c: 2, d: 0 }],
      ["pub d", { c: 2, d: 1 }],
    ]);
  });

  it("follow a subscription that the server API makes, push by push", async () => {
    const test = await start();
    const transport = new EventIdTransport();
    const { epoch } = await test.publish("d", 1);
    await test.publish("d", 2);
    test.connect({ user: "1", subs: { c: {} }, transport });
    await endOfTurn();
    const since = { offset: 0, epoch };
    await test.node.sessions.subscribe(ALL, {
      channel: "d",
      grant: PLAIN_GRANT,
      since,
    });
    await endOfTurn();
    expect(transport.identified.slice(1)).toEqual([
      ["subscribe d", { c: 0, d: 0 }],
      ["pub d", { c: 0, d: 1 }],
      ["pub d", { c: 0, d: 2 }],
    ]);
  });

  it("do not name a channel before the client is told of it", async () => {
    const test = await start();
    const transport = new EventIdTransport();
    test.connect({ user: "1", subs: { c: {} }, transport });
    await endOfTurn();
    const [session] = test.node.sessions.ofUser("1");
    if (session === undefined) throw new Error("no session");
    await test.node.subscriptions.subscribe(session, {
      channel: "d",
      source: SUBSCRIPTION_SOURCE.serverApi,
      grant: PLAIN_GRANT,
      since: undefined,
      wantsRecovery: false,
      wantsDelta: false,
    });
    await test.publish("c", 1);
    await endOfTurn();
    expect(transport.identified.at(-1)).toEqual(["pub c", { c: 1 }]);
  });

  it("keep the epoch that the client knows until it has got the latest publication of the new one", async () => {
    const test = await start("cache");
    const ids: unknown[] = [];
    const transport = new EventIdTransport();
    transport.eventIds = {
      eventIdOf: (positions) => {
        ids.push(positions.get("c"));
        return Buffer.of();
      },
    };
    const { epoch } = await test.publish("c", 1);
    const resumeFrom = new Map([["c", { offset: 7, epoch: "old" }]]);
    test.connect({ user: "1", subs: { c: {} }, resumeFrom, transport });
    await endOfTurn();
    expect(ids).toEqual([
      { offset: 7, epoch: "old" },
      { offset: 1, epoch },
    ]);
  });
});
