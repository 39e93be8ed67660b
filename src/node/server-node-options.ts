import type { UserStatusBook } from "../core/access.ts";
import type { Ambient } from "../core/ambient.ts";
import type { Backend } from "../core/backend.ts";
import type { Broker } from "../core/broker.ts";
import type { ChannelEvents } from "../core/channel-events.ts";
import type { ChannelRules } from "../core/channel-rules.ts";
import type { ControlBus } from "../core/control-bus.ts";
import type { Live } from "../core/live.ts";
import type { PresenceManager } from "../core/presence-manager.ts";
import type { RefusalLog } from "../core/refusal-log.ts";
import type { SharedLimits } from "../core/shared-limits.ts";
import type { SessionLimits } from "../session/session.ts";
import type { ClusterHeartbeat } from "./cluster/cluster.ts";
import type { AccessList } from "./control/access-list.ts";

/** Limits of a node. Milliseconds and counts; 0 or less for none. */
export interface NodeLimits extends SessionLimits {
  /** Channels that one session may listen to. */
  readonly channelLimit: Live<number>;
  /** What a returning subscriber may have missed; negative for any number. */
  readonly recoveryMaxPublications: number;
  readonly positionCheckDelayMs: number;
  readonly expiredSubscriptionCloseDelayMs: number;
}

/** What a node is made of. */
export interface ServerNodeOptions {
  readonly ambient: Ambient;
  /** A new one by default. */
  readonly uid?: string | undefined;
  /** Uid of the process that this machine's processes belong to, and of the machine to the API; that of the node by default. */
  readonly machine?: string | undefined;
  readonly name: string;
  readonly version: string;
  readonly broker: Broker;
  readonly presence: PresenceManager;
  /** What broker and presence manager tell, where they are in this process. */
  readonly events: ChannelEvents;
  /** What channel names mean. */
  readonly channelRules: Live<ChannelRules>;
  readonly refusals: RefusalLog;
  readonly limits: NodeLimits;
  /** Whoever is asked about what clients do. */
  readonly backend: Backend;
  readonly bus: ControlBus;
  /** Undefined where whoever carries the messages notices a dead node. */
  readonly heartbeat: ClusterHeartbeat | undefined;
  readonly sharedLimits: SharedLimits;
  readonly access: AccessList;
  /** Undefined where statuses of users are switched off. */
  readonly statuses: UserStatusBook | undefined;
}
