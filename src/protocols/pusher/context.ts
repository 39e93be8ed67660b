import type { Clock } from "../../core/clock.ts";
import type { Live } from "../../core/live.ts";
import type { Logger } from "../../core/logger.ts";
import type { RefusalLog } from "../../core/refusal-log.ts";
import type { ConnectionGate } from "../../http/connection-gate.ts";
import type { TimerWheel } from "../../lib/timer-wheel.ts";
import type { ServerNode } from "../../node/server-node.ts";
import type { PusherApps } from "./app.ts";
import type { PusherConfig } from "./config.ts";
import type { WebhookSink } from "./webhooks/event.ts";

/** What the protocol works with; one object for all connections. */
export interface PusherContext {
  readonly node: ServerNode;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
  readonly refusals: RefusalLog;
  readonly gate: ConnectionGate;
  readonly config: Live<PusherConfig>;
  readonly apps: Live<PusherApps>;
  readonly webhooks: WebhookSink;
}
