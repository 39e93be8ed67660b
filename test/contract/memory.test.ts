import { DEFAULT_IDEMPOTENCY_TTL_MS, MemoryBroker } from "../../src/brokers/memory/memory-broker.ts";
import { MemoryPresenceManager } from "../../src/brokers/memory/memory-presence-manager.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { describeBrokerContract } from "./broker.contract.ts";
import { describePresenceManagerContract } from "./presence-manager.contract.ts";

describeBrokerContract("memory", async () => {
  const clock = new FakeClock();
  const options = { clock, idempotencyTtlMs: DEFAULT_IDEMPOTENCY_TTL_MS, idempotencyMaxKeys: 1000 };
  return {
    broker: new MemoryBroker(options),
    advance: async (ms) => clock.advance(ms),
    settle: async () => undefined,
  };
});

describePresenceManagerContract("memory", async () => new MemoryPresenceManager());
