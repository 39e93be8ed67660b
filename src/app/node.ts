import { hostname } from "node:os";
import type { Ambient } from "../core/ambient.ts";
import { NO_OPINION } from "../core/backend.ts";
import { derive, type Live, memberOf } from "../core/live.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import { ServerNode } from "../node/server-node.ts";
import { channelRulesOf } from "./channel-rules.ts";
import type { Config } from "./config.ts";
import type { NodePorts } from "./ports.ts";
import { CLIENT_VERSION } from "./version.ts";

/** What a node is called among others. */
export interface NodeIdentity {
  readonly uid: string;
  /** Uid of the process that its machine's processes belong to, and of the machine to the server API. */
  readonly machine: string;
}

/** What a node shares with the rest of its process. */
export interface NodeParts {
  readonly ambient: Ambient;
  readonly refusals: RefusalLog;
}

/** A node as the configuration describes it; alone, under a new uid, unless it is told what it is a part of. */
export function createNode(
  config: Live<Config>,
  { limits: sharedLimits, records, ...ports }: NodePorts,
  { ambient, refusals }: NodeParts,
  identity: NodeIdentity | undefined,
): ServerNode {
  const { client, http_server: http, node } = config.get();
  return new ServerNode({
    uid: identity?.uid,
    machine: identity?.machine,
    name: node.name || `${hostname()}_${http.port}`,
    version: CLIENT_VERSION,
    ...ports,
    backend: NO_OPINION,
    sharedLimits,
    access: records.access,
    statuses: records.statuses,
    channelRules: derive(config, ({ channel, pusher }) => channelRulesOf(channel, pusher)),
    ambient,
    refusals,
    limits: {
      outboxMaxBytes: client.queue_max_size,
      staleCloseDelayMs: client.stale_close_delay,
      expiredCloseDelayMs: client.expired_close_delay,
      tickIntervalMs: client.presence_update_interval,
      channelLimit: memberOf(memberOf(config, "client"), "channel_limit"),
      recoveryMaxPublications: client.recovery_max_publication_limit,
      positionCheckDelayMs: client.channel_position_check_delay,
      expiredSubscriptionCloseDelayMs: client.expired_sub_close_delay,
    },
  });
}
