import { describe, expect, it } from "vitest";
import type { StreamPosition } from "../../../src/core/publication.ts";
import { endOfTurn, FakeTransport } from "../../support/fake-transport.ts";
import { heardBy, keepHistory, TestNode } from "../../support/test-node.ts";

const SIZE = 10;
const TEXT = "x".repeat(100);

/** A node whose channel `c` keeps publications that take 1,000 bytes together. */
async function start(outboxMaxBytes: number): Promise<{ readonly test: TestNode; readonly epoch: string }> {
  const test = await TestNode.start({
    channels: { ...keepHistory(SIZE), forceRecovery: true },
    limits: { outboxMaxBytes },
  });
  let epoch = "";
  for (let index = 0; index < SIZE; index += 1) ({ epoch } = await test.publish("c", TEXT));
  return { test, epoch };
}

function subOf({ messages }: FakeTransport): unknown {
  return (messages[0] as { readonly connect: { readonly subs: { readonly c: unknown } } }).connect.subs.c;
}

describe("a client that missed more than its queue takes", () => {
  it("is told that it is not recovered, instead of being cut off at every attempt", async () => {
    const { test, epoch } = await start(1000);
    const { transport } = test.connect({ subs: { c: { recover: true, epoch } } });
    await endOfTurn();
    await test.publish("c", 1);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "pub c 1"]);
    expect(subOf(transport)).toEqual({
      recoverable: true,
      epoch,
      offset: SIZE,
      positioned: true,
      was_recovering: true,
    });
  });

  it("is told so, too, when it resumes by itself, and stands at the top", async () => {
    const { test, epoch } = await start(1500);
    const transport = new FakeTransport();
    const ids: (StreamPosition | undefined)[] = [];
    transport.eventIds = {
      eventIdOf: (positions) => {
        ids.push(positions.get("c"));
        return Buffer.of();
      },
    };
    test.connect({ subs: { c: {} }, resumeFrom: new Map([["c", { offset: 0, epoch }]]), transport });
    await endOfTurn();
    await test.publish("c", 1);
    await endOfTurn();
    expect(heardBy(transport)).toEqual(["connect", "pub c 1"]);
    expect(subOf(transport)).not.toHaveProperty("recovered");
    expect(ids.map((position) => position?.offset)).toEqual([SIZE, SIZE + 1]);
  });

  it("is recovered as long as there is room", async () => {
    const { test, epoch } = await start(2000);
    const { transport } = test.connect({ subs: { c: { recover: true, epoch } } });
    await endOfTurn();
    expect(subOf(transport)).toMatchObject({ recovered: true });
  });
});
