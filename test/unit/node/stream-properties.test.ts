import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChannelOptions } from "../../../src/core/channel-options.ts";
import { disconnect } from "../../../src/core/disconnect.ts";
import {
  type Channel,
  CHANNELS,
  META_TTL_MS,
  type Outcome,
  Scenario,
  type Step,
  TICK_MS,
  TTL_MS,
} from "../../support/stream-scenario.ts";
import { TestNode } from "../../support/test-node.ts";

const CLIENTS = 2;
const LIMITS = {
  tickIntervalMs: TICK_MS,
  positionCheckDelayMs: 1,
  outboxMaxBytes: 10_000_000,
  staleCloseDelayMs: 0,
};
const HELD = ["subscribe", "unsubscribe", "history", "presence add", "join", "leave"] as const;

const client = fc.nat(CLIENTS - 1);
const channel = fc.constantFrom(...CHANNELS);
const STEADY: readonly fc.WeightedArbitrary<Step>[] = [
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("publish"),
      channel,
      skipHistory: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
      delta: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("connect"),
      client,
      channels: fc.constantFrom<readonly Channel[]>(["c"], ["c", "d"]),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("leave"), client, unread: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("read"), client, unread: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("kick"), client }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("subscribe"), client, channel, recover: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("unsubscribe"), client, channel }) },
  { weight: 12, arbitrary: fc.record({ type: fc.constant("broker"), call: fc.nat(3) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom("hop", "settle") }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("tick") }) },
];
const LOSSES: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom("expire", "remove") }) },
];
const LAPSES: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: fc.record({ type: fc.constant("forget") }) },
];

const FAILURES: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: fc.record({ type: fc.constant("lose"), channel }) },
];

/** A family of scenarios. */
interface Family {
  readonly name: string;
  readonly channels: Partial<ChannelOptions>;
  readonly size: number;
  readonly ttlMs: number;
  readonly steps: readonly fc.WeightedArbitrary<Step>[];
  /** What the scenarios must have in common, beyond that nobody misses anything silently. */
  readonly expect: (outcome: Outcome) => void;
}

const FORCED = { forcePositioning: true, forceRecovery: true } as const;
const KNOWN = { presence: true, joinLeave: true, forcePushJoinLeave: true, allowFossilDelta: true } as const;
const KICKED = disconnect("forceReconnect").code;
const GAP = disconnect("insufficientState").code;

function expectNoGap({ endCodes }: Outcome): void {
  expect(new Set(endCodes).difference(new Set([KICKED]))).toEqual(new Set());
}

function expectGapsOnly({ endCodes }: Outcome): void {
  expect(new Set(endCodes).difference(new Set([KICKED, GAP]))).toEqual(new Set());
}

const FAMILIES: readonly Family[] = [
  {
    name: "everybody who comes back recovers, as long as the history keeps everything",
    channels: FORCED,
    size: 1000,
    ttlMs: META_TTL_MS,
    steps: STEADY,
    expect: (outcome) => {
      expectNoGap(outcome);
      expect(outcome.notRecovered).toBe(0);
    },
  },
  {
    name: "when the history drops publications",
    channels: FORCED,
    size: 4,
    ttlMs: TTL_MS,
    steps: [...STEADY, ...LOSSES],
    expect: expectNoGap,
  },
  {
    name: "when streams are forgotten and begin anew",
    channels: FORCED,
    size: 3,
    ttlMs: TTL_MS,
    steps: [...STEADY, ...LOSSES, ...LAPSES],
    expect: expectGapsOnly,
  },
  {
    name: "when publications do not reach the node",
    channels: FORCED,
    size: 3,
    ttlMs: TTL_MS,
    steps: [...STEADY, ...LOSSES, ...FAILURES],
    expect: expectGapsOnly,
  },
  {
    name: "when the latest publication is enough",
    channels: { ...FORCED, recoveryMode: "cache" },
    size: 2,
    ttlMs: TTL_MS,
    steps: [...STEADY, ...LOSSES, ...LAPSES],
    expect: expectGapsOnly,
  },
  {
    name: "when everybody gets the latest publication unasked",
    channels: { ...FORCED, recoveryMode: "cache", autoCacheRecover: true },
    size: 1,
    ttlMs: TTL_MS,
    steps: [...STEADY, ...LOSSES],
    expect: expectNoGap,
  },
  {
    name: "where gaps are noticed and nothing is recovered",
    channels: { forcePositioning: true },
    size: 3,
    ttlMs: TTL_MS,
    steps: [...STEADY, ...LOSSES, ...LAPSES],
    expect: expectGapsOnly,
  },
];

describe("whatever happens in whatever order, nobody misses or repeats a publication silently", () => {
  it.each(FAMILIES)("$name", async ({ channels, size, ttlMs, steps, expect: check }) => {
    const cache = channels.recoveryMode === "cache";
    const kind = fc.record({
      returns: fc.constantFrom("code", "eventIds"),
      delta: fc.boolean(),
      cache: fc.constant(cache),
    });
    const history = { size, ttlMs, metaTtlMs: META_TTL_MS };
    let recovered = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(kind, { minLength: CLIENTS, maxLength: CLIENTS }),
        fc.subarray([...HELD]),
        fc.array(fc.oneof(...steps), { maxLength: 80, size: "max" }),
        async (kinds, held, chosen) => {
          const test = await TestNode.start({
            channels: { ...KNOWN, ...channels, history, historyMetaTtlMs: META_TTL_MS },
            limits: { ...LIMITS, recoveryMaxPublications: size < 4 ? 2 : -1 },
          });
          const outcome = await new Scenario(test, kinds).run(chosen, held);
          check(outcome);
          recovered += outcome.recovered;
        },
      ),
      { numRuns: 200 },
    );
    expect(recovered > 0).toBe(channels.forceRecovery === true);
  });
});
