import { randomUUID } from "node:crypto";
import type { BrokerListener, Delivery } from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import type { NodeInfo } from "../core/commands.ts";
import type { Disconnect } from "../core/disconnect.ts";
import { EncodedPush } from "../core/encoded-push.ts";
import { Hub } from "../hub/hub.ts";
import { FlushList } from "../session/outbox.ts";
import type { Session } from "../session/session.ts";
import { NodeChannels } from "./channels.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { NodeEntry } from "./cluster/node-registry.ts";
import { ConnectionPages } from "./connection-pages.ts";
import { UserControl } from "./control/user-control.ts";
import { LocalCalls } from "./local-calls.ts";
import { machinesOf } from "./machines.ts";
import { MemberNotices } from "./member-notices.ts";
import type { ServerNodeOptions } from "./server-node-options.ts";
import { NodeSessions } from "./sessions.ts";
import { SubscriptionService } from "./subscription-service.ts";

/**
 * Hub, broker, presence and cluster joined: everything that happens on this node, whatever protocol asked for it,
 * and what the API asks of all nodes.
 */
export class ServerNode implements BrokerListener {
  readonly uid: string;
  readonly channels: NodeChannels;
  readonly sessions: NodeSessions;
  /** Subscriptions of this node's sessions. */
  readonly subscriptions: SubscriptionService;
  /** Who may be connected, and what is known of users. */
  readonly users: UserControl;
  readonly #options: ServerNodeOptions;
  readonly #hub: Hub<Session>;
  readonly #own: LocalCalls;
  readonly #cluster: Cluster;
  #isStopping = false;

  constructor(options: ServerNodeOptions) {
    const { broker, presence, events, bus, heartbeat, clock, wheel, logger, random, limits } = options;
    const { name, version, uid = randomUUID(), machine = uid, sharedLimits } = options;
    this.uid = uid;
    this.#options = options;
    const flushList = new FlushList();
    const hub = new Hub<Session>(flushList);
    this.#hub = hub;
    const cluster = new Cluster({ uid, machine, name, version, bus, heartbeat, clock, logger });
    this.#cluster = cluster;
    const { refusals, channelRules: rules } = options;
    const channels = new NodeChannels({ broker, presence, cluster, refusals, rules });
    this.channels = channels;
    events.add(new MemberNotices({ broker, channels, logger }));
    this.subscriptions = new SubscriptionService({
      ...{ registry: hub, broker, presence, events, channels, clock, logger },
      heldMaxBytes: limits.outboxMaxBytes,
      recoveryMaxPublications: limits.recoveryMaxPublications,
      positionCheckDelayMs: limits.positionCheckDelayMs,
      expiredSubscriptionCloseDelayMs: limits.expiredSubscriptionCloseDelayMs,
    });
    const { subscriptions } = this;
    this.#own = new LocalCalls({
      ...{ nodeUid: uid, hub, subscriptions, channels, access: options.access, clock },
      channelLimit: limits.channelLimit,
      lastSequence: () => this.sessions.lastSequence,
    });
    const { access } = this.#own;
    this.users = new UserControl({ access, statuses: options.statuses, cluster, clock, logger });
    this.sessions = new NodeSessions({
      ...{ hub, subscriptions, channels, users: this.users, cluster, sharedLimits },
      pages: new ConnectionPages({ nodeUid: uid, machine, cluster }),
      context: { flushList, wheel, clock, logger, random, limits },
    });
  }

  /** True once the node disconnects its clients to go down. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  async start(): Promise<void> {
    await this.#options.broker.start(this);
    await this.#cluster.join();
    await this.users.start();
    this.#cluster.serve(this.#own);
  }

  /** Disconnects everybody, and closes the broker once it knows that they are gone. */
  async stop(reason: Disconnect): Promise<void> {
    this.#isStopping = true;
    this.sessions.endAll(reason);
    await this.subscriptions.drain();
    await this.users.close();
    await Promise.all([this.#options.broker.close(), this.#cluster.leave()]);
  }

  /** Another process of the machine has died, as whoever carried its messages has noticed. */
  async lost(uid: string): Promise<void> {
    await this.#cluster.lost(uid);
  }

  onPublication(channel: string, { publication, previous, excludeClient }: Delivery): void {
    const push = new EncodedPush({ type: "publication", channel, publication, previous });
    const excluded = excludeClient === "" ? undefined : this.#hub.member(excludeClient);
    const except = excluded?.subscriptions.get(channel);
    if (except === undefined) this.#hub.broadcast(channel, push);
    else this.#hub.broadcastPast(except, channel, push);
  }

  onNotice(channel: string, notice: ChannelNotice): void {
    this.#hub.broadcastNotice(channel, new EncodedPush({ ...notice, channel }));
  }

  onInterrupted(): void {
    void this.subscriptions.checkAll(this.#hub.members());
  }

  /** The machines of the cluster: what the API sees as nodes. */
  async info(): Promise<readonly NodeInfo[]> {
    const { nodes } = this.#cluster;
    const [self, other] = nodes;
    if (self !== undefined && other === undefined) return [this.#loneMachine(self)];
    return machinesOf(nodes, await this.#cluster.ask("counts", undefined));
  }

  /** Without hashes, which are for comparing with others. */
  #loneMachine({ uid, name, version, uptimeSec }: NodeEntry): NodeInfo {
    const { memberCount, userCount, channelCount, subscriptionCount } = this.#hub;
    return {
      ...{ uid, name, version, uptimeSec: Math.floor(uptimeSec) },
      ...{ numClients: memberCount, numUsers: userCount },
      ...{ numChannels: channelCount, numSubs: subscriptionCount },
    };
  }
}
