import { MemoryBroker } from "../../src/brokers/memory/memory-broker.ts";
import { MemoryPresenceManager } from "../../src/brokers/memory/memory-presence-manager.ts";
import { SharedBroker } from "../../src/workers/shared-broker.ts";
import { FakeClock } from "./fake-clock.ts";
import type { TestCluster } from "./test-node.ts";

/** A memory broker and its presence manager for several nodes of one process: what is published reaches all of them. */
export async function startSharedCluster(): Promise<TestCluster> {
  const clock = new FakeClock();
  const broker = new SharedBroker(
    new MemoryBroker({ clock, idempotencyTtlMs: 300_000, idempotencyMaxKeys: 1000 }),
  );
  await broker.start();
  return { clock, presence: new MemoryPresenceManager(), newBroker: () => broker.join() };
}
