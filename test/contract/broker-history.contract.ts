import { describe, expect, it } from "vitest";
import { PLAIN_PUBLISH, POSITION_ONLY } from "../../src/core/broker.ts";
import type { Publication } from "../../src/core/publication.ts";
import { ALL, type CreateBroker, LASTING, type StartedBroker, startBroker } from "./broker-harness.ts";

const EPOCH = /^[a-zA-Z]{8}$/;

/** A channel `a` into which 1 to 5 were published and of which three are kept. */
async function startWithFive(createBroker: CreateBroker): Promise<StartedBroker> {
  const started = await startBroker(createBroker);
  const history = { ...LASTING, size: 3 };
  for (const text of ["1", "2", "3", "4", "5"]) await started.publish("a", text, { history });
  return started;
}

/** Streams as docs/protocols/channels.md §3.1–3.3 describes them. */
export function describeHistory(createBroker: CreateBroker): void {
  describeReading(createBroker);
  describeLifetimes(createBroker);
}

function describeReading(createBroker: CreateBroker): void {
  describe("history", () => {
    it("core 51: keeps the newest, and counts offsets from 1", async () => {
      await using started = await startBroker(createBroker);
      const history = { ...LASTING, size: 3 };
      const offsets: number[] = [];
      for (const text of ["1", "2", "3", "4", "5"]) {
        const { position } = await started.publish("a", text, { history });
        offsets.push(position.offset);
      }
      expect(offsets).toEqual([1, 2, 3, 4, 5]);
      expect(await started.read("a")).toEqual(["3:3", "4:4", "5:5"]);
    });

    it("core 52: limit 0 gives the position only, with an epoch of eight letters", async () => {
      await using started = await startWithFive(createBroker);
      const page = await started.broker.history("a", POSITION_ONLY, LASTING.metaTtlMs);
      expect(page).toEqual({
        publications: [],
        position: { offset: 5, epoch: expect.stringMatching(EPOCH) as unknown },
      });
    });

    it("core 53: limit counts from the oldest, with reverse from the newest", async () => {
      await using started = await startWithFive(createBroker);
      expect(await started.read("a", { limit: 2, reverse: false })).toEqual(["3:3", "4:4"]);
      expect(await started.read("a", { limit: 2, reverse: true })).toEqual(["5:5", "4:4"]);
    });

    it("core 54: since gives what comes after a position, with reverse what comes before it", async () => {
      await using started = await startWithFive(createBroker);
      const since = (offset: number) => ({ since: { offset, epoch: "" }, limit: -1 });
      expect(await started.read("a", { ...since(3), reverse: false })).toEqual(["4:4", "5:5"]);
      expect(await started.read("a", { ...since(5), reverse: true })).toEqual(["4:4", "3:3"]);
      expect(await started.read("a", { ...since(5), limit: 1, reverse: true })).toEqual(["4:4"]);
      expect(await started.read("a", { ...since(3), limit: 1, reverse: false })).toEqual(["4:4"]);
    });

    it("takes positions outside of what is kept", async () => {
      await using started = await startWithFive(createBroker);
      const since = (offset: number) => ({ since: { offset, epoch: "" }, limit: 2 });
      expect(await started.read("a", { ...since(0), reverse: false })).toEqual(["3:3", "4:4"]);
      expect(await started.read("a", { ...since(5), reverse: false })).toEqual([]);
      expect(await started.read("a", { ...since(99), reverse: false })).toEqual([]);
      expect(await started.read("a", { ...since(2), reverse: true })).toEqual([]);
      expect(await started.read("a", { ...since(99), reverse: true })).toEqual(["5:5", "4:4"]);
    });

    it("core 55: refuses a position of another epoch, takes one without", async () => {
      await using started = await startWithFive(createBroker);
      const read = (epoch: string, limit: number): Promise<unknown> =>
        started.read("a", { since: { offset: 4, epoch }, limit, reverse: false });
      const { epoch } = await started.position("a");
      await expect(read("another", -1)).rejects.toMatchObject({ name: "ClientError", code: 112 });
      await expect(read("another", 0)).rejects.toMatchObject({ code: 112 });
      await expect(read("", -1)).resolves.toEqual(["5:5"]);
      await expect(read(epoch, -1)).resolves.toEqual(["5:5"]);
    });

    it("refuses to look for what comes before offset 0", async () => {
      await using started = await startWithFive(createBroker);
      const filter = { since: { offset: 0, epoch: "" }, limit: -1, reverse: true };
      await expect(started.read("a", filter)).rejects.toMatchObject({ name: "ClientError", code: 107 });
    });

    it("gives publications as they were delivered", async () => {
      await using started = await startBroker(createBroker);
      await started.broker.subscribe(["a"]);
      const publisher = { user: "42", client: "c", connInfo: undefined, chanInfo: Buffer.from('{"n":1}') };
      const options = { ...PLAIN_PUBLISH, history: LASTING };
      const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const large = Uint8Array.from({ length: 5000 }, (_, at) => at % 251);
      let version = 2n ** 60n;
      for (const data of [bytes, large, Buffer.from('{"a":"é"}'), Buffer.alloc(0)]) {
        await started.broker.publish("a", { data, tags: { k: "v" }, info: publisher }, options);
        await started.broker.publish("a", { data, knownJson: true, version: version++ }, options);
        await started.broker.publish("a", { data }, options);
      }
      const { publications } = await started.broker.history("a", ALL, LASTING.metaTtlMs);
      const parts = ({ data, tags, info, version: count, offset, epoch }: Publication): unknown[] => [
        ...[tags, info, count, offset, epoch],
        Buffer.from(data).toString("hex"),
      ];
      const live = await started.publications("a");
      expect(publications.map((kept) => parts(kept))).toEqual(live.map((publication) => parts(publication)));
      expect(publications.map((kept) => kept.isJson)).toEqual([
        ...[false, true, false],
        ...[false, true, false],
        ...[true, true, true],
        ...[false, true, false],
      ]);
    });

    it("is begun by reading an unknown channel", async () => {
      await using started = await startBroker(createBroker);
      const position = await started.position("a");
      expect(position).toEqual({ offset: 0, epoch: expect.stringMatching(EPOCH) as unknown });
      const { position: first } = await started.publish("a", "1");
      expect(first).toEqual({ offset: 1, epoch: position.epoch });
    });

    it("is a channel's own, with an epoch of its own", async () => {
      await using started = await startBroker(createBroker);
      const a = await started.publish("a", "1");
      const b = await started.publish("b", "2");
      expect(b.position.offset).toBe(1);
      expect(b.position.epoch).not.toBe(a.position.epoch);
      expect(await started.read("a")).toEqual(["1:1"]);
    });

    it("core 58: removal drops what is kept, the next publish continues the offsets", async () => {
      await using started = await startWithFive(createBroker);
      const before = await started.position("a");
      await started.broker.removeHistory("a");
      await started.broker.removeHistory("unknown");
      expect(await started.read("a")).toEqual([]);
      expect(await started.position("a")).toEqual(before);
      const { position } = await started.publish("a", "6");
      expect(position).toEqual({ offset: 6, epoch: before.epoch });
      expect(await started.read("a")).toEqual(["6:6"]);
    });

    it("core 62: a publish past the stream is delivered without offset and leaves the stream alone", async () => {
      await using started = await startWithFive(createBroker);
      await started.broker.subscribe(["a"]);
      await started.publish("a", "6", { history: undefined });
      expect(await started.delivered("a")).toEqual(["0:6"]);
      expect(await started.position("a")).toMatchObject({ offset: 5 });
      expect(await started.read("a")).toEqual(["3:3", "4:4", "5:5"]);
    });

    it("follows a size that changes from publish to publish", async () => {
      await using started = await startBroker(createBroker);
      const sizes = [3, 3, 3, 3, 1, 4, 4, 2];
      for (const [index, size] of sizes.entries()) {
        await started.publish("a", `${index + 1}`, { history: { ...LASTING, size } });
      }
      expect(await started.read("a")).toEqual(["7:7", "8:8"]);
    });
  });
}

function describeLifetimes(createBroker: CreateBroker): void {
  describe("lifetimes", () => {
    const history = { size: 10, ttlMs: 5000, metaTtlMs: 60_000 };

    it("core 56, 57: the window lives from the latest publish on, the position outlives it", async () => {
      await using started = await startBroker(createBroker);
      await started.publish("a", "1", { history });
      await started.advance(4000);
      const { position } = await started.publish("a", "2", { history });
      await started.advance(3000);
      expect(await started.read("a")).toEqual(["1:1", "2:2"]);
      await started.advance(5000);
      expect(await started.read("a")).toEqual([]);
      expect(await started.position("a")).toEqual(position);
      const next = await started.publish("a", "3", { history });
      expect(next.position).toEqual({ offset: 3, epoch: position.epoch });
      expect(await started.read("a")).toEqual(["3:3"]);
    });

    it("reading does not prolong the window", async () => {
      await using started = await startBroker(createBroker);
      await started.publish("a", "1", { history });
      await started.advance(3000);
      await started.read("a");
      await started.advance(3000);
      expect(await started.read("a")).toEqual([]);
    });

    it("core 59: an idle position is forgotten, the next one is of a new epoch", async () => {
      await using started = await startBroker(createBroker);
      const brief = { size: 10, ttlMs: 1000, metaTtlMs: 2000 };
      const { position } = await started.publish("a", "1", { history: brief });
      await started.advance(5000);
      const next = await started.publish("a", "2", { history: brief });
      expect(next.position.offset).toBe(1);
      expect(next.position.epoch).not.toBe(position.epoch);
    });

    it("reading keeps the position alive", async () => {
      await using started = await startBroker(createBroker);
      const brief = { size: 10, ttlMs: 1000, metaTtlMs: 3000 };
      const { position } = await started.publish("a", "1", { history: brief });
      for (let time = 0; time < 5; time++) {
        await started.advance(2000);
        const page = await started.broker.history("a", POSITION_ONLY, brief.metaTtlMs);
        expect(page.position).toEqual(position);
      }
      await started.advance(4000);
      const page = await started.broker.history("a", POSITION_ONLY, brief.metaTtlMs);
      expect(page.position.offset).toBe(0);
      expect(page.position.epoch).not.toBe(position.epoch);
    });

    it("a stream that was only read is forgotten too", async () => {
      await using started = await startBroker(createBroker);
      const { position } = await started.broker.history("a", ALL, 2000);
      await started.advance(3000);
      const later = await started.broker.history("a", ALL, 2000);
      expect(later.position.epoch).not.toBe(position.epoch);
    });
  });
}
