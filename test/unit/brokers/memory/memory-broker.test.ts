import { describe, expect, it } from "vitest";
import { MemoryBroker } from "../../../../src/brokers/memory/memory-broker.ts";
import { type BrokerPublishOptions, PLAIN_PUBLISH } from "../../../../src/core/broker.ts";
import type { Publication } from "../../../../src/core/publication.ts";
import { ChannelEvents } from "../../../../src/core/channel-events.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const HISTORY: BrokerPublishOptions = {
  ...PLAIN_PUBLISH,
  history: { size: 10, ttlMs: 60_000, metaTtlMs: 600_000 },
};

class Fixture {
  readonly clock: FakeClock = new FakeClock();
  readonly delivered: Publication[] = [];
  readonly broker: MemoryBroker = new MemoryBroker({
    clock: this.clock,
    events: new ChannelEvents(),
    idempotencyTtlMs: 300_000,
    idempotencyMaxKeys: 10,
  });

  async start(): Promise<this> {
    await this.broker.start({
      onPublication: (_channel, { publication }) => void this.delivered.push(publication),
      onNotice: () => undefined,
      onInterrupted: () => undefined,
    });
    return this;
  }

  async kept(channel: string): Promise<readonly Publication[]> {
    const page = await this.broker.history(channel, { limit: -1, reverse: false }, 600_000);
    return page.publications;
  }
}

describe("MemoryBroker", () => {
  it("delivers before publish returns", async () => {
    const { broker, delivered } = await new Fixture().start();
    await broker.subscribe(["a"]);
    const first = broker.publish("a", { data: Buffer.from("1") }, HISTORY);
    expect(delivered).toHaveLength(1);
    const second = broker.publish("a", { data: Buffer.from("2") }, PLAIN_PUBLISH);
    expect(delivered).toHaveLength(2);
    await Promise.all([first, second]);
  });

  it.each([128, 5000])("keeps %i bytes without a hold on the buffer they came in", async (length) => {
    const fixture = await new Fixture().start();
    const body = Buffer.alloc(65_536, 1);
    await fixture.broker.publish("a", { data: body.subarray(100, 100 + length) }, HISTORY);
    body.fill(2);
    const [publication] = await fixture.kept("a");
    expect(Buffer.from(publication?.data ?? []).equals(Buffer.alloc(length, 1))).toBe(true);
    expect(publication?.data.buffer).not.toBe(body.buffer);
  });

  it("keeps a large payload that is most of its buffer where it is", async () => {
    const fixture = await new Fixture().start();
    const body = Buffer.alloc(10_000, 1);
    await fixture.broker.publish("a", { data: body.subarray(30, 9990) }, HISTORY);
    expect((await fixture.kept("a"))[0]?.data.buffer).toBe(body.buffer);
  });

  it("keeps a broadcast in each of its channels, and the next publication apart from it", async () => {
    const fixture = await new Fixture().start();
    const broadcast = { data: Buffer.from('"all"'), knownJson: true };
    for (const channel of ["a", "b"]) await fixture.broker.publish(channel, broadcast, HISTORY);
    await fixture.broker.publish("b", { data: Buffer.from('"b"') }, HISTORY);
    const text = async (channel: string): Promise<string[]> =>
      (await fixture.kept(channel)).map(({ data }) => Buffer.from(data).toString());
    expect(await text("a")).toEqual(['"all"']);
    expect(await text("b")).toEqual(['"all"', '"b"']);
  });

  it("ticks from start to close", async () => {
    const { broker, clock } = await new Fixture().start();
    expect(clock.isTicking).toBe(true);
    await broker.close();
    expect(clock.isTicking).toBe(false);
  });

  it("publishes to nobody once closed", async () => {
    const { broker, delivered } = await new Fixture().start();
    await broker.subscribe(["a"]);
    await broker.close();
    await broker.publish("a", { data: Buffer.from("1") }, PLAIN_PUBLISH);
    expect(delivered).toEqual([]);
  });
});
