import { randomUUID } from "node:crypto";
import type { Broker, BrokerListener, Delivery } from "../core/broker.ts";
import type { NodeInfo } from "../core/commands.ts";
import type { Disconnect } from "../core/disconnect.ts";
import type { GaugeName, Metrics } from "../core/metrics.ts";
import type { ChannelNotice } from "../core/publication.ts";
import { EncodedPush } from "../core/push.ts";
import { Hub } from "../hub/hub.ts";
import { FlushList } from "../session/outbox.ts";
import type { Session } from "../session/session.ts";
import { trafficOf } from "../session/traffic.ts";
import { BackendCalls } from "./backend-calls.ts";
import { NodeChannels } from "./channels.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { NodeEntry } from "./cluster/node-registry.ts";
import { ConnectionPages } from "./connection-pages.ts";
import { UserControl } from "./control/user-control.ts";
import { CountedBroker } from "./counted-broker.ts";
import { LocalCalls } from "./local-calls.ts";
import { machinesOf } from "./machines.ts";
import { MemberNotices } from "./member-notices.ts";
import type { ServerNodeOptions } from "./server-node-options.ts";
import { SessionCounts } from "./session-counts.ts";
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
  /** What the backend is asked about this node's sessions. */
  readonly backend: BackendCalls;
  /** Who may be connected, and what is known of users. */
  readonly users: UserControl;
  readonly #broker: Broker;
  readonly #hub: Hub<Session>;
  readonly #own: LocalCalls;
  readonly #cluster: Cluster;
  readonly #gauges = new DisposableStack();
  #isStopping = false;

  constructor(options: ServerNodeOptions) {
    const { ambient, presence, events, bus, heartbeat, limits } = options;
    const { clock, logger, metrics } = ambient;
    const { name, version, uid = randomUUID(), machine = uid, sharedLimits } = options;
    this.uid = uid;
    const broker = new CountedBroker(options.broker, metrics);
    this.#broker = broker;
    const flushList = new FlushList(trafficOf(metrics));
    const hub = new Hub<Session>(flushList);
    this.#hub = hub;
    const cluster = new Cluster({ ...ambient, uid, machine, name, version, bus, heartbeat });
    this.#cluster = cluster;
    const { refusals, channelRules: rules } = options;
    const channels = new NodeChannels({ broker, presence, cluster, refusals, rules });
    this.channels = channels;
    events.add(new MemberNotices({ broker, channels, logger }));
    this.subscriptions = new SubscriptionService({
      ...ambient,
      ...{ registry: hub, broker, presence, events, channels },
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
    this.users = new UserControl({ ...ambient, access, statuses: options.statuses, cluster });
    this.backend = new BackendCalls(options.backend);
    this.sessions = new NodeSessions({
      ...{ hub, subscriptions, channels, users: this.users, cluster, sharedLimits, backend: this.backend },
      counts: this.#gauges.use(new SessionCounts(metrics)),
      pages: new ConnectionPages({ nodeUid: uid, machine, cluster }),
      context: { ...ambient, flushList, limits },
    });
    this.#observe(metrics);
  }

  /** True once the node disconnects its clients to go down. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  async start(): Promise<void> {
    await this.#broker.start(this);
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
    await Promise.all([this.#broker.close(), this.#cluster.leave()]);
    this.#gauges.dispose();
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

  #observe(metrics: Metrics): void {
    const hub = this.#hub;
    const gauges: readonly (readonly [GaugeName & `node_${string}`, () => number])[] = [
      ["node_num_clients", () => hub.memberCount],
      ["node_num_users", () => hub.userCount],
      ["node_num_subscriptions", () => hub.subscriptionCount],
      ["node_num_channels", () => hub.channelCount],
      ["node_num_nodes", () => new Set(this.#cluster.nodes.map(({ machine }) => machine)).size],
    ];
    for (const [name, read] of gauges) this.#gauges.use(metrics.gauge(name, {}, read));
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
