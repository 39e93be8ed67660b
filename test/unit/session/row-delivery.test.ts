import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_NOTICES } from "../../../src/core/channel-notice.ts";
import { EncodedPush } from "../../../src/core/encoded-push.ts";
import { NO_LABELS } from "../../../src/core/label-filter.ts";
import { PushRow } from "../../../src/core/push-row.ts";
import { Publication } from "../../../src/core/publication.ts";
import { SUBSCRIPTION_SOURCE } from "../../../src/core/subscription-source.ts";
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

/** What a client gets, and how its connection ends, of pushes that come in rows of these sizes; one by one for 0. */
function outcomeOf(
  pushes: readonly EncodedPush[],
  rowSizes: readonly number[],
  format: WireFormat,
  at: Scene,
) {
  const clock = new FakeClock();
  const transport = new FakeTransport(format);
  const flushList = new FlushList();
  const session = new Session(transport, {
    host: { onSessionClosed: () => undefined, onSessionTick: () => undefined },
    flushList,
    wheel: new TimerWheel(clock),
    clock,
    logger: silentLogger,
    limits: { outboxMaxBytes: at.maxBytes, staleCloseDelayMs: 0, expiredCloseDelayMs: 0, tickIntervalMs: 0 },
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
    features: { ...plain, positioned: at.positioned, notices: NO_NOTICES },
    metaTtlMs: 1000,
    heldMaxBytes: 10_000,
  });
  if (at.positioned) subscription.startAt({ offset: at.startsAt, epoch: "e" }, false);
  if (!at.held) subscription.release();
  let next = 0;
  for (let turn = 0; next < pushes.length; turn++) {
    const size = rowSizes[turn % rowSizes.length] ?? 0;
    const row = new PushRow();
    for (const push of pushes.slice(next, next + Math.max(1, size))) row.add(push);
    if (size === 0) for (const push of row.pushes) subscription.deliver(push);
    else subscription.deliverRow(row);
    next += row.pushes.length;
  }
  subscription.release();
  flushList.flush();
  const { closedWith, abortedWith, messages } = transport;
  return { messages, closed: closedWith?.code, aborted: abortedWith?.code, position: subscription.position };
}

describe("publications in rows", () => {
  it("come out as if each had come by itself", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 20 }),
        sizes,
        fc.boolean(),
        scene,
        (steps, rowSizes, hasOffsets, at) => {
          const pushes = pushesOf(steps, hasOffsets);
          const format = lineFormat();
          expect(outcomeOf(pushes, rowSizes, format, at)).toEqual(outcomeOf(pushes, [0], format, at));
        },
      ),
      { numRuns: 500 },
    );
  });
});
