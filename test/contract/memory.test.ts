import { DEFAULT_IDEMPOTENCY_TTL_MS, MemoryBroker } from "../../src/brokers/memory/memory-broker.ts";
import { MemoryLimits } from "../../src/brokers/memory/memory-limits.ts";
import { MemoryPresenceManager } from "../../src/brokers/memory/memory-presence-manager.ts";
import { ChannelEventLog } from "../support/channel-event-log.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { describeBrokerContract } from "./broker.contract.ts";
import { describePresenceManagerContract } from "./presence-manager.contract.ts";
import { describeSharedLimitsContract } from "./shared-limits.contract.ts";

describeBrokerContract("memory", async () => {
  const clock = new FakeClock();
  const log = new ChannelEventLog();
  const options = { clock, idempotencyTtlMs: DEFAULT_IDEMPOTENCY_TTL_MS, idempotencyMaxKeys: 1000 };
  return {
    broker: new MemoryBroker({ ...options, events: log.events }),
    takeEvents: () => log.take(),
    advance: async (ms) => clock.advance(ms),
    settle: async () => undefined,
  };
});

describePresenceManagerContract("memory", async () => {
  const log = new ChannelEventLog();
  return { presence: new MemoryPresenceManager(log.events), takeEvents: () => log.take() };
});

describeSharedLimitsContract("memory", async () => {
  const limits = new MemoryLimits();
  return [limits, limits];
});
