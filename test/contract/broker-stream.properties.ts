import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HistoryPage, POSITION_ONLY } from "../../src/core/broker.ts";
import { ClientError } from "../../src/core/client-error.ts";
import type { StreamPosition } from "../../src/core/publication.ts";
import { type CreateBroker, inShort, startBroker, type StartedBroker } from "./broker-harness.ts";

const CHANNEL = "a";
/** Short enough for windows and positions to expire during a run. */
const TTL_MS = 3000;
const META_TTL_MS = 8000;

const size = fc.integer({ min: 1, max: 6 });
const version = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 9 }));
const since = fc.option(fc.integer({ min: 0, max: 25 }), { nil: undefined });

/** What can happen to a stream. */
const STEP = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant("publish" as const), size, version) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("publish past it" as const)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("wait" as const), fc.integer({ min: 1, max: 5000 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("remove" as const)) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant("read" as const), since, fc.integer({ min: -1, max: 5 }), fc.boolean()),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant("follow" as const), fc.integer({ min: 1, max: 8 })) },
);
type Step = typeof STEP extends fc.Arbitrary<infer Value> ? Value : never;

/** Any interleaving of publish, trim, expire, remove and read does what a stream that is written down does. */
export function describeStreamProperties(createBroker: CreateBroker): void {
  describe("stream, whatever happens to it", () => {
    it("counts without gaps, reads exactly what is kept, and loses nothing without saying so", async () => {
      const steps = fc.array(STEP, { maxLength: 40, size: "max" });
      const property = fc.asyncProperty(steps, async (run) => {
        await using started = await startBroker(createBroker);
        const trial = new Trial(started);
        await trial.begin();
        for (const step of run) await trial.take(step);
        await trial.end();
      });
      await expect(fc.assert(property, { numRuns: 500 })).resolves.toBeUndefined();
    });
  });
}

/** A stream as the port describes it, written for clarity. */
class Model {
  nowMs = 0;
  epoch: string | undefined;
  /** Everything ever published in the epoch, by offset from 1. */
  log: string[] = [];
  /** How many of them are kept. */
  kept = 0;
  version = 0;
  keptUntilMs = 0;
  knownUntilMs = 0;

  get top(): number {
    return this.log.length;
  }

  wait(ms: number): void {
    this.nowMs += ms;
    if (this.knownUntilMs <= this.nowMs) {
      this.epoch = undefined;
      this.log = [];
      this.version = 0;
    }
    if (this.epoch === undefined || this.keptUntilMs <= this.nowMs) this.kept = 0;
  }

  /** "offset:text" of what is kept, oldest first. */
  window(): string[] {
    const oldest = this.top - this.kept;
    return this.log.slice(oldest).map((text, index) => `${oldest + index + 1}:${text}`);
  }
}

/** A broker and the model side by side, with a subscriber and a reader who follows the stream. */
class Trial {
  readonly #started: StartedBroker;
  readonly #model = new Model();
  readonly #epochs = new Set<string>();
  readonly #delivered: string[] = [];
  #reader: StreamPosition = { offset: 0, epoch: "" };
  #published = 0;

  constructor(started: StartedBroker) {
    this.#started = started;
  }

  async begin(): Promise<void> {
    await this.#started.broker.subscribe([CHANNEL]);
    await this.#resync();
  }

  async take(step: Step): Promise<void> {
    switch (step[0]) {
      case "publish":
        return this.#publish(step[1], step[2]);
      case "publish past it":
        return this.#publishPast();
      case "wait":
        this.#model.wait(step[1]);
        return this.#started.advance(step[1]);
      case "remove":
        this.#model.kept = 0;
        return this.#started.broker.removeHistory(CHANNEL);
      case "read":
        return this.#read(step[1], step[2], step[3]);
      case "follow":
        return this.#follow(step[1]);
    }
  }

  async end(): Promise<void> {
    assert.deepEqual(await this.#started.delivered(CHANNEL), this.#delivered);
  }

  async #publish(publishSize: number, publishVersion: number): Promise<void> {
    const model = this.#model;
    const text = `p${++this.#published}`;
    const history = { size: publishSize, ttlMs: TTL_MS, metaTtlMs: META_TTL_MS };
    const result = await this.#started.publish(CHANNEL, text, { history, version: publishVersion });
    const suppressed = publishVersion > 0 && publishVersion <= model.version;
    assert.equal(result.suppressed, suppressed);
    if (!suppressed) {
      model.log.push(text);
      model.kept = Math.min(publishSize, model.kept + 1);
      model.version = publishVersion === 0 ? model.version : publishVersion;
      model.keptUntilMs = model.nowMs + TTL_MS;
      model.knownUntilMs = model.nowMs + META_TTL_MS;
      this.#delivered.push(`${model.top}:${text}`);
    }
    this.#expectTop(result.position);
  }

  async #publishPast(): Promise<void> {
    const text = `p${++this.#published}`;
    await this.#started.publish(CHANNEL, text, { history: undefined });
    this.#delivered.push(`0:${text}`);
  }

  async #read(offset: number | undefined, limit: number, reverse: boolean): Promise<void> {
    if (reverse && offset === 0) return;
    const from = offset === undefined ? {} : { since: { offset, epoch: "" } };
    const page = await this.#history({ ...from, limit, reverse });
    const beyond = (place: number): boolean =>
      offset === undefined || (reverse ? place < offset : place > offset);
    const wanted = this.#model.window().filter((short) => beyond(Number.parseInt(short, 10)));
    if (reverse) wanted.reverse();
    assert.deepEqual(shorts(page), limit < 0 ? wanted : wanted.slice(0, limit));
  }

  /** Reads on from where the reader stands. It must get what comes next, or see that it cannot. */
  async #follow(limit: number): Promise<void> {
    const { offset, epoch } = this.#reader;
    const model = this.#model;
    const isLost = model.epoch !== epoch || offset < model.top - model.kept;
    const page = await this.#history({ since: this.#reader, limit, reverse: false }).catch(asGap);
    const next = page?.publications[0]?.offset;
    const seesGap =
      page === undefined || (next === undefined ? page.position.offset > offset : next > offset + 1);
    assert.equal(seesGap, isLost);
    if (page === undefined || seesGap) return this.#resync();
    const news = model.log.slice(offset, offset + limit);
    assert.deepEqual(
      shorts(page),
      news.map((text, index) => `${offset + index + 1}:${text}`),
    );
    this.#reader = { offset: offset + news.length, epoch };
  }

  async #resync(): Promise<void> {
    this.#reader = (await this.#history(POSITION_ONLY)).position;
  }

  async #history(filter: Parameters<StartedBroker["broker"]["history"]>[1]): Promise<HistoryPage> {
    this.#model.knownUntilMs = this.#model.nowMs + META_TTL_MS;
    const page = await this.#started.broker.history(CHANNEL, filter, META_TTL_MS);
    this.#expectTop(page.position);
    return page;
  }

  #expectTop({ offset, epoch }: StreamPosition): void {
    const model = this.#model;
    assert.equal(offset, model.top);
    if (model.epoch === undefined) {
      assert.ok(!this.#epochs.has(epoch));
      this.#epochs.add(epoch);
      model.epoch = epoch;
    }
    assert.equal(epoch, model.epoch);
  }
}

function shorts(page: HistoryPage): string[] {
  return page.publications.map((publication) => inShort(publication));
}

/** The refusal that tells a reader of a gap. */
function asGap(error: unknown): undefined {
  if (error instanceof ClientError && error.code === 112) return undefined;
  throw error;
}
