import { describe, expect, it } from "vitest";
import { type Broker, PLAIN_PUBLISH } from "../../src/core/broker.ts";
import type { ClientInfo } from "../../src/core/publication.ts";
import { describeDeduplication } from "./broker-deduplication.contract.ts";
import { type CreateBroker, LASTING, startBroker } from "./broker-harness.ts";
import { describeHistory } from "./broker-history.contract.ts";
import { describeStreamProperties } from "./broker-stream.properties.ts";

/** What every broker promises; see the port in core/broker.ts. */
export function describeBrokerContract(name: string, createBroker: CreateBroker): void {
  describe(`broker contract: ${name}`, () => {
    describeDelivery(createBroker);
    describeJoinAndLeave(createBroker);
    describeHistory(createBroker);
    describeDeduplication(createBroker);
    describeStreamProperties(createBroker);
  });
}

function describeDelivery(createBroker: CreateBroker): void {
  describe("delivery", () => {
    it("reaches the subscribed channels and no others", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await started.publish("a", "1");
      await started.publish("b", "2");
      expect(await started.delivered("a")).toEqual(["1:1"]);
      expect(await started.delivered("b")).toEqual([]);
    });

    it("comes in the order of the offsets, without gap or repetition", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      const texts = Array.from({ length: 200 }, (_, index) => `${index + 1}`);
      const results = await Promise.all(texts.map((text) => started.publish("a", text)));
      const byOffset = results.map(({ position }, index) => [position.offset, texts[index]] as const);
      const expected = byOffset.toSorted(([a], [b]) => a - b).map(([offset, text]) => `${offset}:${text}`);
      expect(await started.delivered("a")).toEqual(expected);
      expect(byOffset.map(([offset]) => offset).toSorted((a, b) => a - b)).toEqual(texts.map(Number));
    });

    it("is once, however often the channel was subscribed to", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await started.broker.subscribe(["a"]);
      await started.publish("a", "1");
      expect(await started.delivered("a")).toEqual(["1:1"]);
    });

    it("ends with unsubscribe and goes on with the next subscribe", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.unsubscribe(["a"]);
      await started.broker.subscribe(["a"]);
      await started.publish("a", "1");
      await started.settled();
      await started.broker.unsubscribe(["a"]);
      await started.broker.unsubscribe(["a"]);
      await started.publish("a", "2");
      await started.settled();
      await started.broker.subscribe(["a"]);
      await started.publish("a", "3");
      expect(await started.delivered("a")).toEqual(["1:1", "3:3"]);
    });

    it("carries payload, tags, publisher, version, offset and epoch", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      const data = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const init = { data, tags: { k: "v", é: "☃" }, info: INFO, version: 2n ** 64n - 1n };
      const options = { ...PLAIN_PUBLISH, history: LASTING };
      const { position } = await started.broker.publish("a", init, options);
      const [live] = await started.publications("a");
      const { tags, version } = init;
      expect(live).toMatchObject({ ...position, tags, info: INFO, version, isJson: false });
      expect([...(live?.data ?? [])]).toEqual([...data]);
    });

    it("carries a version without history, too, and 0 where there is none", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await started.publish("a", "x", { history: undefined, version: 7 });
      await started.publish("a", "x", { history: undefined });
      expect(await started.publications("a")).toMatchObject([{ version: 7n }, { version: 0n }]);
    });

    it("core 61: without history has no offset and no epoch", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      const result = await started.publish("a", "x", { history: undefined });
      expect(result).toEqual({ position: { offset: 0, epoch: "" }, suppressed: false });
      expect(await started.publications("a")).toMatchObject([{ offset: 0, epoch: "" }]);
    });

    it("brings the publication before, where delta was asked for", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await started.publish("a", "first", { delta: true });
      expect(await started.previous("a")).toBeUndefined();
      await started.publish("a", "second", { delta: true });
      expect(await started.previous("a")).toMatchObject({ offset: 1, data: Buffer.from("first") });
      await started.publish("a", "third");
      expect(await started.previous("a")).toBeUndefined();
      await started.publish("a", "fourth", { delta: true });
      expect(await started.previous("a")).toMatchObject({ offset: 3, data: Buffer.from("third") });
    });

    it.each([undefined, LASTING])("names who is not to get it", async (history) => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await started.publish("a", "1", { history, excludeClient: INFO.client });
      await started.publish("a", "2", { history });
      expect(await started.excluded("a")).toEqual([INFO.client, ""]);
    });

    it("tells the first subscription to a channel and the last", async () => {
      await using started = await startBroker(createBroker);
      const { broker } = started;
      await broker.subscribe(["a", "b"]);
      await broker.subscribe(["a"]);
      expect(await started.events()).toEqual(["onOccupied a", "onOccupied b"]);
      await broker.unsubscribe(["a", "c"]);
      await broker.unsubscribe(["a"]);
      expect(await started.events()).toEqual(["onVacated a"]);
      await broker.subscribe(["a"]);
      expect(await started.events()).toEqual(["onOccupied a"]);
    });

    it("takes any number of channels at once, none among them", async () => {
      await using started = await startBroker(createBroker);
      const channels = Array.from({ length: 1000 }, (_, at) => `c${at}`);
      await Promise.all([started.broker.subscribe([]), started.broker.subscribe(channels)]);
      await Promise.all(channels.map((channel) => started.publish(channel, "1")));
      for (const channel of channels) expect(await started.delivered(channel)).toEqual(["1:1"]);
      await Promise.all([started.broker.unsubscribe([]), started.broker.unsubscribe(channels)]);
      await started.publish("c7", "2");
      expect(await started.delivered("c7")).toEqual(["1:1"]);
    });

    it("carries counts of subscriptions", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await started.broker.publishNotice("a", { type: "subscriptionCount", count: 7 });
      expect(await started.delivered("a")).toEqual(["count 7"]);
    });

    it("brings nothing before, where nothing is kept", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await started.publish("a", "first", { delta: true });
      await started.broker.removeHistory("a");
      await started.publish("a", "second", { delta: true });
      expect(await started.previous("a")).toBeUndefined();
      await started.publish("a", "third", { delta: true, history: undefined });
      expect(await started.previous("a")).toBeUndefined();
    });

    it("closes twice without complaint", async () => {
      const started = await startBroker(createBroker);
      await started.broker.close();
      await expect(started.broker.close()).resolves.toBeUndefined();
    });
  });
}

function describeJoinAndLeave(createBroker: CreateBroker): void {
  const told = ["join", "leave", "memberAdded", "memberRemoved"] as const;
  const tell = (broker: Broker, type: (typeof told)[number], channel: string): Promise<void> =>
    broker.publishNotice(channel, { type, info: INFO });

  describe.each(told)("%s", (what) => {
    it("reaches subscribed channels", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await tell(started.broker, what, "a");
      await tell(started.broker, what, "b");
      expect(await started.delivered("a")).toEqual([`${what} ${INFO.client}`]);
      expect(await started.delivered("b")).toEqual([]);
    });

    it("carries what is known of the client", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await tell(started.broker, what, "a");
      expect(await started.infos("a")).toEqual([INFO]);
    });

    it("leaves the stream alone", async () => {
      await using started = await startBroker(createBroker);
      await started.publish("a", "1");
      await tell(started.broker, what, "a");
      expect(await started.read("a")).toEqual(["1:1"]);
      expect(await started.position("a")).toMatchObject({ offset: 1 });
    });
  });
}

const INFO: ClientInfo = {
  user: "42",
  client: "7d1f2d2c-0000-4000-8000-000000000001",
  connInfo: Buffer.from('{"n":1}'),
  chanInfo: undefined,
};
