import type { Broker } from "../../src/core/broker.ts";
import type { ChannelRules } from "../../src/core/channel-rules.ts";
import { NO_METRICS } from "../../src/core/metrics.ts";
import { RefusalLog } from "../../src/core/refusal-log.ts";
import { MemoryPresenceManager } from "../../src/brokers/memory/memory-presence-manager.ts";
import { ChannelEvents } from "../../src/core/channel-events.ts";
import { LONE_BUS } from "../../src/core/control-bus.ts";
import { LiveValue } from "../../src/core/live.ts";
import { NodeChannels } from "../../src/node/channels.ts";
import { Cluster } from "../../src/node/cluster/cluster.ts";
import { FakeClock } from "./fake-clock.ts";
import { silentLogger as logger } from "./silent-logger.ts";

/** Channels of a node whose broker publishes as the test says, and does nothing else. */
export function createFakeChannels(rules: ChannelRules, publish: Broker["publish"]): NodeChannels {
  const clock = new FakeClock();
  const identity = { uid: "n", machine: "n", name: "n", version: "1" };
  return new NodeChannels({
    // Nothing else is called.
    broker: { publish } as Partial<Broker> as Broker,
    presence: new MemoryPresenceManager(new ChannelEvents()),
    cluster: new Cluster({
      ...identity,
      bus: LONE_BUS,
      heartbeat: undefined,
      clock,
      logger,
      metrics: NO_METRICS,
    }),
    rules: new LiveValue(rules),
    refusals: new RefusalLog(logger, clock),
  });
}
