import { expect, it } from "vitest";
import { parseConfig } from "../../../../src/app/config.ts";
import { MemoryLimits } from "../../../../src/brokers/memory/memory-limits.ts";
import { LiveValue } from "../../../../src/core/live.ts";
import { AddressLimits } from "../../../../src/protocols/pusher/address-limits.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function createLimits(limiter: object): { limits: AddressLimits; clock: FakeClock } {
  const clock = new FakeClock();
  const { config } = parseConfig({ pusher: { rate_limiter: limiter } });
  return {
    limits: new AddressLimits(new LiveValue(config.pusher.rate_limiter), clock, new MemoryLimits()),
    clock,
  };
}

function requestFrom(remoteAddress: string, forwarded?: string) {
  return {
    headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    socket: { remoteAddress },
  };
}

it("each address has its own window for connections, and one for requests", () => {
  const { limits, clock } = createLimits({
    enabled: true,
    websocket_rate_limit: { max_requests: 2, window_seconds: 10 },
    api_rate_limit: { max_requests: 1, window_seconds: 10 },
  });
  const one = requestFrom("192.0.2.1");
  expect([1, 2, 3].map(() => limits.take("websocket", one).allowed)).toEqual([true, true, false]);
  expect([1, 2].map(() => limits.take("api", one).allowed)).toEqual([true, false]);
  expect(limits.take("websocket", requestFrom("192.0.2.2")).allowed).toBe(true);
  clock.advance(10_000);
  expect(limits.take("websocket", one)).toEqual({ allowed: true, max: 2, remaining: 1, retryAfterSec: 0 });
});

it("behind trusted proxies nobody escapes by a header of their own, nor by another address of their network", () => {
  const { limits } = createLimits({
    enabled: true,
    trust_hops: 1,
    websocket_rate_limit: { max_requests: 1 },
  });
  expect(limits.take("websocket", requestFrom("10.0.0.1", "198.51.100.7")).allowed).toBe(true);
  expect(limits.take("websocket", requestFrom("10.0.0.1", "1.2.3.4, 198.51.100.7")).allowed).toBe(false);
  expect(limits.take("websocket", requestFrom("10.0.0.1", "2001:db8::1")).allowed).toBe(true);
  expect(limits.take("websocket", requestFrom("10.0.0.1", "2001:db8::ffff")).allowed).toBe(false);
});

it("limits nobody while it is off", () => {
  const { limits } = createLimits({ websocket_rate_limit: { max_requests: 1 } });
  const request = requestFrom("192.0.2.1");
  expect([1, 2, 3].map(() => limits.take("websocket", request).allowed)).toEqual([true, true, true]);
});
