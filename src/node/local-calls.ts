import type { Clock } from "../core/clock.ts";
import type { Live } from "../core/live.ts";
import type { Hub } from "../hub/hub.ts";
import { compileGlob } from "../lib/glob.ts";
import { hash53 } from "../lib/hash53.ts";
import { SlicedWork } from "../lib/sliced-work.ts";
import type { Session } from "../session/session.ts";
import type { NodeChannels } from "./channels.ts";
import type { NodeCallArgument, NodeCallAnswer, NodeCallName, NodeCalls } from "./cluster/calls.ts";
import { ConnectionScan } from "./connection-scan.ts";
import { AccessEnforcer } from "./control/access-enforcer.ts";
import type { AccessList } from "./control/access-list.ts";
import { ConnectionExpressions } from "./connection-expressions.ts";
import { SessionControl } from "./session-control.ts";
import type { SubscriptionService } from "./subscription-service.ts";

/** What the calls work on. */
export interface LocalCallsOptions {
  readonly nodeUid: string;
  readonly hub: Hub<Session>;
  readonly subscriptions: SubscriptionService;
  readonly access: AccessList;
  readonly clock: Clock;
  /** Channels that one session may listen to; 0 or less for any number. */
  readonly channelLimit: Live<number>;
  /** Sequence of the session that was admitted last. */
  readonly lastSequence: () => number;
  readonly channels: Pick<NodeChannels, "knownOptionsOf">;
}

type Argument<Name extends NodeCallName> = NodeCallArgument<Name>;
type Answer<Name extends NodeCallName> = Promise<NodeCallAnswer<Name>>;

/** Milliseconds that one turn of the event loop spends on a call about many connections. */
const SLICE_MS = 5;

/** What this node does for the whole, whoever asks. */
export class LocalCalls implements NodeCalls {
  /** Holds sessions against who is locked out. */
  readonly access: AccessEnforcer;
  readonly #hub: Hub<Session>;
  readonly #channels: Pick<NodeChannels, "knownOptionsOf">;
  readonly #slices: SlicedWork;
  readonly #control: SessionControl;
  readonly #scan: ConnectionScan;

  constructor(options: LocalCallsOptions) {
    const { nodeUid, hub, subscriptions, access, clock, channelLimit, lastSequence } = options;
    this.#hub = hub;
    this.#channels = options.channels;
    const slices = new SlicedWork({ nowMs: () => clock.monotonicMs(), sliceMs: SLICE_MS });
    this.#slices = slices;
    const sessions = (): Iterable<Session> => hub.members();
    const sessionsOf = (user: string): ReadonlySet<Session> => hub.membersOf(user);
    this.access = new AccessEnforcer({ access, sessions, sessionsOf, slices, clock });
    this.#control = new SessionControl({ sessions, sessionsOf, slices, subscriptions, clock, channelLimit });
    const expressions = new ConnectionExpressions();
    this.#scan = new ConnectionScan({ nodeUid, sessions, sessionsOf, lastSequence, expressions, slices });
  }

  async subscribe({ target, ...command }: Argument<"subscribe">): Promise<void> {
    this.#channels.knownOptionsOf(command.channel);
    await this.#control.subscribe(target, command);
  }

  async unsubscribe({ target, channel }: Argument<"unsubscribe">): Promise<void> {
    await this.#control.unsubscribe(target, channel);
  }

  async refresh({ target, ...command }: Argument<"refresh">): Promise<void> {
    await this.#control.refresh(target, command);
  }

  async disconnect({ target, reason, whitelist }: Argument<"disconnect">): Promise<void> {
    await this.#control.disconnect(target, reason, whitelist);
  }

  async countSessions(target: Argument<"countSessions">): Promise<number> {
    return this.#control.count(target);
  }

  async connections(query: Argument<"connections">, signal?: AbortSignal): Answer<"connections"> {
    return this.#scan.page(query, signal);
  }

  async counts(): Answer<"counts"> {
    const hub = this.#hub;
    const users = await this.#hashes(hub.users());
    const channels = await this.#hashes(hub.channels().map(([channel]) => channel));
    return { numClients: hub.memberCount, numSubs: hub.subscriptionCount, users, channels };
  }

  async channels({ pattern, prefix }: Argument<"channels">): Answer<"channels"> {
    const matches = pattern === undefined ? undefined : compileGlob(pattern);
    const found = this.#hub
      .channels()
      .filter(([channel]) => prefix === undefined || channel.startsWith(prefix))
      .filter(([channel]) => matches === undefined || matches(channel));
    return new Map(found);
  }

  async subscriberCount(channel: string): Promise<number> {
    return this.#hub.subscriberCount(channel);
  }

  async connectedUsers(users: readonly string[]): Promise<readonly string[]> {
    return users.filter((user) => this.#hub.membersOf(user).size > 0);
  }

  async block({ id, expireAtSec }: Argument<"block">): Promise<void> {
    await this.access.block(id, expireAtSec);
  }

  async unblock(user: string): Promise<void> {
    await this.access.unblock(user);
  }

  async revokeToken({ id, expireAtSec }: Argument<"revokeToken">): Promise<void> {
    await this.access.revokeToken(id, expireAtSec);
  }

  async invalidateTokens(command: Argument<"invalidateTokens">): Promise<void> {
    await this.access.invalidateTokens(command);
  }

  async #hashes(texts: Iterable<string>): Promise<Float64Array> {
    const hashes: number[] = [];
    await this.#slices.visit(texts, (text) => {
      hashes.push(hash53(text));
      return true;
    });
    return Float64Array.from(hashes);
  }
}
