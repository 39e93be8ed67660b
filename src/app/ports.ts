import { DEFAULT_IDEMPOTENCY_TTL_MS, MemoryBroker } from "../brokers/memory/memory-broker.ts";
import { MemoryPresenceManager } from "../brokers/memory/memory-presence-manager.ts";
import type { Broker } from "../core/broker.ts";
import { systemClock } from "../core/clock.ts";
import { type Controller, LONE_CONTROLLER } from "../core/controller.ts";
import type { PresenceManager } from "../core/presence-manager.ts";
import { NO_RATE_NEWS, type RateNews } from "../core/rate-news.ts";
import { LocalQuotas, type Quotas } from "../core/quotas.ts";
import type { Config } from "./config.ts";
import { openUserRecords, type UserRecords } from "./user-control.ts";

/** How many idempotency keys the memory broker remembers at most. */
const IDEMPOTENCY_MAX_KEYS = 1_000_000;

/** What a node has in common with others, if there are any. */
export interface NodePorts {
  readonly broker: Broker;
  readonly presence: PresenceManager;
  /** False where firsts and lasts of users are told by whoever has the presence manager. Default: true. */
  readonly tellsMembers?: boolean;
  readonly controller: Controller;
  readonly quotas: Quotas;
  readonly rates: RateNews;
  readonly records: UserRecords;
}

/** Ports of a process that has everything. */
export interface LocalPorts extends NodePorts {
  readonly quotas: LocalQuotas;
}

/** Ports of one process: everything in its memory, but for what the store keeps. Rejects where that cannot be used. */
export async function openLocalPorts(config: Config): Promise<LocalPorts> {
  return {
    broker: new MemoryBroker({
      clock: systemClock,
      idempotencyTtlMs: DEFAULT_IDEMPOTENCY_TTL_MS,
      idempotencyMaxKeys: IDEMPOTENCY_MAX_KEYS,
    }),
    presence: new MemoryPresenceManager(),
    controller: LONE_CONTROLLER,
    quotas: new LocalQuotas(),
    rates: NO_RATE_NEWS,
    records: await openUserRecords(config, systemClock),
  };
}
