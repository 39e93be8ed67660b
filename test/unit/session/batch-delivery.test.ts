import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_LABELS } from "../../../src/core/label-filter.ts";
import { NO_NOTICES, Publication } from "../../../src/core/publication.ts";
import { EncodedPush, PushBatch } from "../../../src/core/push.ts";
import { SUBSCRIPTION_SOURCE } from "../../../src/core/token-verifier.ts";
import type { WireFormat } from "../../../src/core/wire-format.ts";
import { TimerWheel } from "../../../src/lib/timer-wheel.ts";
import { FlushList } from "../../../src/session/outbox.ts";
import { Session } from "../../../src/session/session.ts";
import { Subscription } from "../../../src/session/subscription.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeTransport, lineFormat } from "../../support/fake-transport.ts";
import { silentLogger } from "../../support/silent-logger.ts";

/** One publication: how far its offset is from the one before, whether its epoch is another, and how long it is. */
interface Step {
  readonly stride: number;
  readonly isOther: boolean;
  readonly length: number;
}

interface Scene {
  readonly positioned: boolean;
  readonly startsAt: number;
  readonly held: boolean;
  readonly maxBytes: number;
}

const step = fc.record({
  stride: fc.constantFrom(1, 1, 1, 1, 1, 1, 0, 2, -1),
  isOther: fc.constantFrom(false, false, false, false, false, false, false, true),
  length: fc.integer({ min: 1, max: 40 }),
});
const scene = fc.record({
  positioned: fc.boolean(),
  startsAt: fc.constantFrom(0, 0, 1, 3),
  held: fc.boolean(),
  maxBytes: fc.constantFrom(0, 0, 300),
});

function pushesOf(steps: readonly Step[], hasOffsets: boolean): EncodedPush[] {
  let offset = 0;
  return steps.map(({ stride, isOther, length }) => {
    offset = hasOffsets ? Math.max(1, offset + stride) : 0;
    const init = { data: Buffer.from(JSON.stringify("x".repeat(length))) };
    const publication = new Publication(init, offset, hasOffsets ? (isOther ? "f" : "e") : "");
    return new EncodedPush({ type: "publication", channel: "c", publication });
  });
}

/** A subscription that holds back what is delivered. */
function subscribe(format: WireFormat, maxBytes: number, positioned: boolean) {
  const clock = new FakeClock();
  const transport = new FakeTransport(format);
  const flushList = new FlushList();
  const session = new Session(transport, {
    host: { onSessionClosed: () => undefined, onSessionExpires: () => false, onSessionTick: () => undefined },
    flushList,
    wheel: new TimerWheel(clock),
    clock,
    logger: silentLogger,
    limits: { outboxMaxBytes: maxBytes, staleCloseDelayMs: 0, expiredCloseDelayMs: 0, tickIntervalMs: 0 },
    random: () => 0,
  });
  session.identify({
    ...{ user: "", expireAtSec: undefined, info: undefined, meta: undefined, labels: NO_LABELS },
    ...{ tokenId: "", issuedAtSec: 0, appName: "", appVersion: "", source: "anonymous" },
  });
  const plain = { recoverable: false, presence: false, joinLeave: false, memberNotices: false, delta: false };
  const subscription = new Subscription({
    ...{ session, channel: "c", user: undefined, chanInfo: undefined, expireAtSec: undefined },
    source: SUBSCRIPTION_SOURCE.unknown,
    features: { ...plain, positioned, notices: NO_NOTICES },
    metaTtlMs: 1000,
    heldMaxBytes: 10_000,
  });
  return { subscription, transport, flushList };
}

/** What a client gets, and how its connection ends, of pushes that come in batches of these sizes; one by one for 0. */
function outcomeOf(
  pushes: readonly EncodedPush[],
  batchSizes: readonly number[],
  format: WireFormat,
  at: Scene,
) {
  const { subscription, transport, flushList } = subscribe(format, at.maxBytes, at.positioned);
  if (at.positioned) subscription.startAt({ offset: at.startsAt, epoch: "e" }, false);
  if (!at.held) subscription.release();
  let next = 0;
  for (let turn = 0; next < pushes.length; turn++) {
    const size = batchSizes[turn % batchSizes.length] ?? 0;
    const batch = new PushBatch();
    for (const push of pushes.slice(next, next + Math.max(1, size))) batch.add(push);
    if (size === 0) for (const push of batch.pushes) subscription.deliver(push);
    else subscription.deliverBatch(batch);
    next += batch.pushes.length;
  }
  subscription.release();
  flushList.flush();
  const { closedWith, abortedWith, messages } = transport;
  return { messages, closed: closedWith?.code, aborted: abortedWith?.code, position: subscription.position };
}

describe("publications in batches", () => {
  it("come out as if each had come by itself", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 20 }),
        sizes,
        fc.boolean(),
        scene,
        (steps, batchSizes, hasOffsets, at) => {
          const pushes = pushesOf(steps, hasOffsets);
          const format = lineFormat();
          expect(outcomeOf(pushes, batchSizes, format, at)).toEqual(outcomeOf(pushes, [0], format, at));
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** Publications with the offsets from 1 on. */
function publications(count: number): EncodedPush[] {
  return pushesOf(
    Array.from({ length: count }, () => ({ stride: 1, isOther: false, length: 1 })),
    true,
  );
}

function batchOf(...pushes: readonly EncodedPush[]): PushBatch {
  const batch = new PushBatch();
  for (const push of pushes) batch.add(push);
  return batch;
}

describe("publications that wait to be delivered", () => {
  it("come behind those that were held back", () => {
    const format = lineFormat();
    const { subscription, transport, flushList } = subscribe(format, 0, true);
    subscription.startAt({ offset: 0, epoch: "e" }, false);
    const [first, second] = publications(2);
    if (first === undefined || second === undefined) throw new Error("no publications");
    subscription.deliver(first);
    flushList.defer({ flushPending: () => subscription.deliverBatch(batchOf(second)) });
    subscription.release();
    flushList.flush();
    expect(Buffer.concat(transport.writes)).toEqual(
      Buffer.concat([first, second].map((push) => push.frameFor(format) ?? Buffer.alloc(0))),
    );
  });

  it("count for where the client stands", () => {
    const { subscription, flushList } = subscribe(lineFormat(), 0, true);
    subscription.startAt({ offset: 0, epoch: "e" }, false);
    subscription.release();
    const deferThree = (): void =>
      flushList.defer({ flushPending: () => subscription.deliverBatch(batchOf(...publications(3))) });
    deferThree();
    expect(subscription.isInOrder({ offset: 3, epoch: "e" }, 0)).toBe(true);
    subscription.startAt({ offset: 0, epoch: "e" }, false);
    deferThree();
    expect(subscription.position).toEqual({ offset: 3, epoch: "e" });
  });
});
