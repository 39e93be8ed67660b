import { DEFAULT_IDEMPOTENCY_TTL_MS, MemoryBroker } from "../brokers/memory/memory-broker.ts";
import { MemoryLimits } from "../brokers/memory/memory-limits.ts";
import { MemoryPresenceManager } from "../brokers/memory/memory-presence-manager.ts";
import type { Broker } from "../core/broker.ts";
import { ChannelEvents } from "../core/channel-events.ts";
import { systemClock } from "../core/clock.ts";
import { type ControlBus, LONE_BUS } from "../core/control-bus.ts";
import type { PresenceManager } from "../core/presence-manager.ts";
import type { SharedLimits } from "../core/shared-limits.ts";
import type { ClusterHeartbeat } from "../node/cluster/cluster.ts";
import type { Config } from "./config.ts";
import { openUserRecords, type UserRecords } from "./user-control.ts";

/** How many idempotency keys the memory broker remembers at most. */
const IDEMPOTENCY_MAX_KEYS = 1_000_000;

/** What a node has in common with others, if there are any. */
export interface NodePorts {
  readonly broker: Broker;
  readonly presence: PresenceManager;
  /** What broker and presence manager tell, where they are in this process. */
  readonly events: ChannelEvents;
  readonly bus: ControlBus;
  /** Undefined where whoever carries the messages of the bus notices a dead node. */
  readonly heartbeat: ClusterHeartbeat | undefined;
  readonly limits: SharedLimits;
  readonly records: UserRecords;
}

/** Ports of a process that has everything. Disposing closes all of them: once whoever uses them has stopped. */
export interface Ports extends NodePorts, AsyncDisposable {}

/** Opens the ports that the configuration asks for. Rejects, with nothing left open, where one of them cannot be used. */
export async function openPorts(config: Config): Promise<Ports> {
  const events = new ChannelEvents();
  const records = await openUserRecords(config, systemClock);
  const broker = new MemoryBroker({
    clock: systemClock,
    events,
    idempotencyTtlMs: DEFAULT_IDEMPOTENCY_TTL_MS,
    idempotencyMaxKeys: IDEMPOTENCY_MAX_KEYS,
  });
  const presence = new MemoryPresenceManager(events);
  const bus = LONE_BUS;
  return {
    ...{ broker, presence, events, bus, records },
    heartbeat: undefined,
    limits: new MemoryLimits(),
    async [Symbol.asyncDispose]() {
      await Promise.all([broker.close(), presence.close(), bus.close()]);
      // Calls write to it as long as there are any.
      await records.store.close();
    },
  };
}
