import type { Ambient } from "../../core/ambient.ts";
import type { Live } from "../../core/live.ts";
import type { RefusalLog } from "../../core/refusal-log.ts";
import type { ConnectionGate } from "../../http/connection-gate.ts";
import type { ServerNode } from "../../node/server-node.ts";
import type { PusherApps } from "./app.ts";
import type { PusherConfig } from "./config.ts";
import type { WebhookSink } from "./webhooks/request.ts";

/** What the protocol works with; one object for all connections. */
export interface PusherContext extends Pick<Ambient, "clock" | "wheel" | "logger"> {
  readonly node: ServerNode;
  readonly refusals: RefusalLog;
  readonly gate: ConnectionGate;
  readonly config: Live<PusherConfig>;
  readonly apps: Live<PusherApps>;
  readonly webhooks: WebhookSink;
}
