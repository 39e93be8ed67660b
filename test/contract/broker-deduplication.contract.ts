import { describe, expect, it } from "vitest";
import { type CreateBroker, LASTING, type PublishedWith, startBroker } from "./broker-harness.ts";

/** Idempotency keys and versions (docs/protocols/channels.md §3.2, docs/protocols/server-api.md §2.4). */
export function describeDeduplication(createBroker: CreateBroker): void {
  describeIdempotency(createBroker);
  describeVersions(createBroker);
}

function describeIdempotency(createBroker: CreateBroker): void {
  const keyed = { idempotencyKey: "k" };

  describe("idempotency", () => {
    it("core 63: the second publish with a key is not delivered and gets the position of the first", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      const first = await started.publish("a", "1", keyed);
      await started.publish("a", "2");
      const second = await started.publish("a", "3", keyed);
      expect(second).toEqual({ position: first.position, suppressed: true });
      expect(await started.delivered("a")).toEqual(["1:1", "2:2"]);
      expect(await started.read("a")).toEqual(["1:1", "2:2"]);
    });

    it("core 63: a key is a channel's own", async () => {
      await using started = await startBroker(createBroker);
      for (const channel of ["a", "b", "a_b"]) await started.broker.subscribe([channel]);
      await started.publish("a", "1", keyed);
      await started.publish("b", "2", keyed);
      await started.publish("a", "3", { idempotencyKey: "b_c" });
      await started.publish("a_b", "4", { idempotencyKey: "c" });
      expect(await started.delivered("a")).toEqual(["1:1", "2:3"]);
      expect(await started.delivered("b")).toEqual(["1:2"]);
      expect(await started.delivered("a_b")).toEqual(["1:4"]);
    });

    it("core 63: a key is forgotten after five minutes", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      await started.publish("a", "1", keyed);
      await started.advance(299_000);
      expect((await started.publish("a", "2", keyed)).suppressed).toBe(true);
      await started.advance(2000);
      expect((await started.publish("a", "3", keyed)).suppressed).toBe(false);
      expect(await started.delivered("a")).toEqual(["1:1", "2:3"]);
    });

    it("works without history", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      const plain = { ...keyed, history: undefined };
      await started.publish("a", "1", plain);
      const { position } = await started.publish("a", "2", plain);
      expect(position).toEqual({ offset: 0, epoch: "" });
      expect(await started.delivered("a")).toEqual(["0:1"]);
    });
  });
}

function describeVersions(createBroker: CreateBroker): void {
  /** The texts that are delivered when publications of these versions follow each other. */
  async function newsAmong(publications: readonly PublishedWith[]): Promise<number[]> {
    await using started = await startBroker(createBroker);
    await started.broker.subscribe(["a"]);
    for (const [index, options] of publications.entries()) await started.publish("a", `${index}`, options);
    return (await started.publications("a")).map(({ data }) => Number(Buffer.from(data).toString()));
  }

  describe("versions", () => {
    it("core 64: what is not newer is suppressed, and told the position", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      const { position } = await started.publish("a", "1", { version: 2 });
      const older = await started.publish("a", "2", { version: 1 });
      const same = await started.publish("a", "3", { version: 2 });
      expect(older).toEqual({ position, suppressed: true });
      expect(same).toEqual({ position, suppressed: true });
      await started.publish("a", "4", { version: 3 });
      expect(await started.delivered("a")).toEqual(["1:1", "2:4"]);
      expect(await started.read("a")).toEqual(["1:1", "2:4"]);
    });

    it("core 65: versions of different epochs do not compare", async () => {
      const versionEpoch = "new";
      expect(await newsAmong([{ version: 2 }, { version: 1, versionEpoch }])).toEqual([0, 1]);
      expect(
        await newsAmong([
          { version: 2, versionEpoch },
          { version: 1, versionEpoch },
        ]),
      ).toEqual([0]);
      expect(await newsAmong([{ version: 2, versionEpoch }, { version: 2 }])).toEqual([0]);
    });

    it("an unversioned publish is always news and leaves the version alone", async () => {
      expect(await newsAmong([{ version: 2 }, {}, { version: 2 }, { version: 3 }])).toEqual([0, 1, 3]);
    });

    it("are ignored without history", async () => {
      const history = undefined;
      expect(
        await newsAmong([
          { version: 2, history },
          { version: 1, history },
        ]),
      ).toEqual([0, 1]);
    });

    it("outlive what is kept, and go with the position", async () => {
      await using started = await startBroker(createBroker);
      const history = { size: 10, ttlMs: 1000, metaTtlMs: 4000 };
      await started.publish("a", "1", { history, version: 2 });
      await started.advance(2000);
      expect((await started.publish("a", "2", { history, version: 2 })).suppressed).toBe(true);
      await started.broker.removeHistory("a");
      expect((await started.publish("a", "3", { history, version: 2 })).suppressed).toBe(true);
      await started.advance(5000);
      expect((await started.publish("a", "4", { history, version: 2 })).suppressed).toBe(false);
    });

    it("a suppressed publish prolongs nothing", async () => {
      await using started = await startBroker(createBroker);
      const history = { ...LASTING, ttlMs: 3000 };
      await started.publish("a", "1", { history, version: 2 });
      await started.advance(2000);
      await started.publish("a", "2", { history, version: 1 });
      await started.advance(2000);
      expect(await started.read("a")).toEqual([]);
    });

    it("a key of a suppressed publish is not remembered", async () => {
      await using started = await startBroker(createBroker);
      await started.publish("a", "1", { version: 2 });
      await started.publish("a", "2", { version: 1, idempotencyKey: "k" });
      const retry = await started.publish("a", "3", { version: 3, idempotencyKey: "k" });
      expect(retry).toMatchObject({ position: { offset: 2 }, suppressed: false });
    });
  });
}
