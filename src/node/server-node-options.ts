import type { Broker } from "../core/broker.ts";
import type { ChannelRules } from "../core/channel-rules.ts";
import type { Clock } from "../core/clock.ts";
import type { Controller } from "../core/controller.ts";
import type { Logger } from "../core/logger.ts";
import type { PresenceManager } from "../core/presence-manager.ts";
import type { Quotas } from "../core/quotas.ts";
import type { UserStatusBook } from "../core/user-status.ts";
import type { TimerWheel } from "../lib/timer-wheel.ts";
import type { SessionLimits } from "../session/session.ts";
import type { AccessList } from "./control/access-list.ts";

/** Limits of a node. Milliseconds and counts; 0 or less for none. */
export interface NodeLimits extends SessionLimits {
  /** Channels that one session may listen to. */
  readonly channelLimit: number;
  /** What a returning subscriber may have missed; negative for any number. */
  readonly recoveryMaxPublications: number;
  readonly positionCheckDelayMs: number;
  readonly expiredSubscriptionCloseDelayMs: number;
}

/** What a node is made of. */
export interface ServerNodeOptions {
  /** A new one by default. */
  readonly uid?: string | undefined;
  /** Uid of what the node is a part of, as the API sees it; that of the node by default. */
  readonly serverUid?: string | undefined;
  readonly name: string;
  readonly version: string;
  readonly broker: Broker;
  readonly presence: PresenceManager;
  /** False where firsts and lasts of users are told by whoever has the presence manager. Default: true. */
  readonly tellsMembers?: boolean | undefined;
  readonly channelRules: ChannelRules;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
  readonly random: () => number;
  readonly limits: NodeLimits;
  readonly controller: Controller;
  readonly quotas: Quotas;
  readonly access: AccessList;
  /** Undefined where statuses of users are switched off. */
  readonly statuses: UserStatusBook | undefined;
}
