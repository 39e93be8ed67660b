import { MemoryBroker } from "../../src/brokers/memory/memory-broker.ts";
import { MemoryPresenceManager } from "../../src/brokers/memory/memory-presence-manager.ts";
import { ChannelEvents } from "../../src/core/channel-events.ts";
import { SharedBroker } from "../../src/workers/shared-broker.ts";
import { FakeClock } from "./fake-clock.ts";
import type { TestCluster } from "./test-node.ts";

/** A memory broker and its presence manager for several nodes of one process: what is published reaches all of them. */
export async function startSharedCluster(): Promise<TestCluster> {
  const clock = new FakeClock();
  const events = new ChannelEvents();
  const broker = new SharedBroker(
    new MemoryBroker({ clock, events, idempotencyTtlMs: 300_000, idempotencyMaxKeys: 1000 }),
  );
  await broker.start();
  let hasOwner = false;
  return {
    clock,
    presence: new MemoryPresenceManager(events),
    newBroker: () => broker.join(),
    newEvents: () => {
      if (!hasOwner) {
        hasOwner = true;
        return events;
      }
      const ofOther = new ChannelEvents();
      ofOther.add({ onSubscribersChanged: (channel) => events.onSubscribersChanged(channel) });
      return ofOther;
    },
  };
}
