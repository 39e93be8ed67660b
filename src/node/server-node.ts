import { randomUUID } from "node:crypto";
import type { BrokerListener, Delivery, HistoryFilter, HistoryPage } from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import type { ChannelRules } from "../core/channel-rules.ts";
import { clientError } from "../core/client-error.ts";
import type { ConnectionPage, ConnectionQuery } from "../core/connection-info.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type {
  ChannelFilter,
  NodeInfo,
  PublishRequest,
  RefreshCommand,
  SessionTarget,
  SubscribeCommand,
} from "../core/commands.ts";
import type { Disconnect } from "../core/disconnect.ts";
import { EncodedPush } from "../core/encoded-push.ts";
import type { PresenceStats } from "../core/presence-manager.ts";
import type { PublicationInit } from "../core/publication.ts";
import type { Push } from "../core/push.ts";
import type { StreamPosition } from "../core/stream-position.ts";
import type { Transport } from "../core/transport.ts";
import { Hub } from "../hub/hub.ts";
import { FlushList } from "../session/outbox.ts";
import { Session, type SessionContext, type SessionHost } from "../session/session.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { NodeEntry } from "./cluster/node-registry.ts";
import type { NodeAnswer } from "./cluster/surveys.ts";
import { ConnectionPages } from "./connection-pages.ts";
import { UserControl } from "./control/user-control.ts";
import { LocalCalls } from "./local-calls.ts";
import { machinesOf } from "./machines.ts";
import type { ServerNodeOptions } from "./server-node-options.ts";
import { MemberNotices } from "./member-notices.ts";
import { type NewSubscription, type SubscribeRequest, SubscriptionService } from "./subscription-service.ts";

/**
 * Hub, broker, presence and cluster joined: everything that happens on this node, whatever protocol asked for it,
 * and what the API asks of all nodes.
 */
export class ServerNode implements BrokerListener, SessionHost {
  readonly uid: string;
  /** Who may be connected, and what is known of users. */
  readonly users: UserControl;
  #channelRules: ChannelRules;
  readonly #options: ServerNodeOptions;
  readonly #flushList = new FlushList();
  readonly #hub = new Hub<Session>(this.#flushList);
  /** Sessions that have not been identified yet. */
  readonly #connecting = new Set<Session>();
  readonly #subscriptions: SubscriptionService;
  readonly #own: LocalCalls;
  readonly #cluster: Cluster;
  readonly #pages: ConnectionPages;
  /** What sessions have taken of quotas, by session. */
  readonly #places = new Map<Session, string>();
  #lastSequence = 0;
  readonly #sessionContext: SessionContext;
  #stopReason: Disconnect | undefined;

  constructor(options: ServerNodeOptions) {
    const { broker, presence, events, bus, heartbeat, clock, wheel, logger, random, limits } = options;
    this.uid = options.uid ?? randomUUID();
    this.#options = options;
    this.#channelRules = options.channelRules;
    this.#subscriptions = new SubscriptionService({
      registry: this.#hub,
      broker,
      presence,
      events,
      clock,
      logger,
      heldMaxBytes: limits.outboxMaxBytes,
      recoveryMaxPublications: limits.recoveryMaxPublications,
      positionCheckDelayMs: limits.positionCheckDelayMs,
      expiredSubscriptionCloseDelayMs: limits.expiredSubscriptionCloseDelayMs,
    });
    events.add(
      new MemberNotices({ broker, logger, channelOptions: (channel) => this.channelOptions(channel) }),
    );
    this.#own = new LocalCalls({
      nodeUid: this.uid,
      hub: this.#hub,
      subscriptions: this.#subscriptions,
      access: options.access,
      clock,
      channelLimit: limits.channelLimit,
      lastSequence: () => this.#lastSequence,
      channelOptions: (channel) => this.channelOptions(channel),
    });
    const { name, version, machine = this.uid } = options;
    this.#cluster = new Cluster({ uid: this.uid, machine, name, version, bus, heartbeat, clock, logger });
    this.#pages = new ConnectionPages({ nodeUid: this.uid, machine, cluster: this.#cluster });
    this.users = new UserControl({
      access: this.#own.access,
      statuses: options.statuses,
      cluster: this.#cluster,
      clock,
      logger,
    });
    this.#sessionContext = { host: this, flushList: this.#flushList, wheel, clock, logger, random, limits };
  }

  /** True once the node disconnects its clients to go down. */
  get isStopping(): boolean {
    return this.#stopReason !== undefined;
  }

  /** Identified sessions on all nodes. */
  get sessionCount(): number {
    return this.#hub.memberCount + this.#options.sharedLimits.sessionsElsewhere;
  }

  /** What channel names mean. May change while the node runs. */
  get channelRules(): ChannelRules {
    return this.#channelRules;
  }

  set channelRules(rules: ChannelRules) {
    this.#channelRules = rules;
  }

  async start(): Promise<void> {
    await this.#options.broker.start(this);
    await this.#cluster.join();
    await this.users.start();
    this.#cluster.serve(this.#own);
  }

  /** Disconnects everybody, and closes the broker once it knows that they are gone. */
  async stop(reason: Disconnect): Promise<void> {
    this.#stopReason = reason;
    for (const session of [...this.#hub.members()]) session.disconnect(reason);
    for (const session of [...this.#connecting]) session.disconnectSilently(reason);
    await this.#subscriptions.drain();
    await this.users.close();
    await Promise.all([this.#options.broker.close(), this.#cluster.leave()]);
  }

  /** Another process of the machine has died, as whoever carried its messages has noticed. */
  async lost(uid: string): Promise<void> {
    await this.#cluster.lost(uid);
  }

  /**
   * A session for a transport whose client is not known yet, with a client id of its protocol's making or a new one.
   * While the node stops, it ends at once.
   */
  openSession(transport: Transport, id?: string): Session {
    const session = new Session(transport, this.#sessionContext, id);
    this.#connecting.add(session);
    const reason = this.#stopReason;
    // Not before the transport has got it.
    if (reason !== undefined) queueMicrotask(() => session.disconnectSilently(reason));
    return session;
  }

  /**
   * The session's client is known: it can be found and subscribed from now on. Ends the session of a user or token
   * that has been locked out in the meantime.
   */
  admit(session: Session): void {
    this.#connecting.delete(session);
    if (session.isClosed) return;
    this.#lastSequence += 1;
    session.sequence = this.#lastSequence;
    this.#hub.add(session);
    const { sharedLimits, logger } = this.#options;
    sharedLimits.reportSessions(this.#hub.memberCount);
    const { name: transport, peerAddress: address } = session.transport;
    logger.debug({ session: session.id, user: session.user, transport, address }, "client connected");
    this.users.enforce(session);
  }

  /**
   * The client of an admitted session has signed in: its user is known from now on. Ends the session of a user that
   * is locked out.
   */
  signIn(session: Session, user: string, info: Uint8Array | undefined): void {
    if (session.isClosed) return;
    this.#hub.changeUser(session, () => session.becomeUser(user, info));
    this.users.enforce(session);
  }

  /**
   * Takes one of `max` places, on all nodes together, for as long as the session lives; false where all are taken. A
   * session has one place at most.
   */
  async takePlace(session: Session, place: string, max: number): Promise<boolean> {
    if (session.isClosed || this.#places.has(session)) return !session.isClosed;
    if (!(await this.#options.sharedLimits.take(place, max))) return false;
    if (session.isClosed) this.#options.sharedLimits.give(place);
    else this.#places.set(session, place);
    return true;
  }

  /** Identified sessions of a user on this node. */
  sessionsOf(user: string): ReadonlySet<Session> {
    return this.#hub.membersOf(user);
  }

  onSessionClosed(session: Session): void {
    this.#connecting.delete(session);
    this.#hub.remove(session);
    this.#options.sharedLimits.reportSessions(this.#hub.memberCount);
    const place = this.#places.get(session);
    if (place !== undefined) {
      this.#places.delete(session);
      this.#options.sharedLimits.give(place);
    }
    this.users.seen(session.user);
    for (const subscription of [...session.subscriptions.values()]) this.#subscriptions.end(subscription);
  }

  onSessionTick(session: Session): void {
    this.users.seen(session.user);
    void this.#subscriptions.keep(session);
  }

  /** Options of a channel; undefined where its namespace is unknown. */
  channelOptions(channel: string): ChannelOptions | undefined {
    return this.#channelRules.optionsOf(channel);
  }

  /**
   * Subscribes a session to a channel, in place of a subscription that it has there; nothing flows before `activate`.
   *
   * Rejects with ClientError 102 for an unknown namespace, or with the error of broker or presence manager.
   */
  async subscribe(session: Session, request: SubscribeRequest): Promise<NewSubscription> {
    return this.#subscriptions.subscribe(session, request, this.#knownOptions(request.channel));
  }

  /**
   * To be called right before the client is told of a subscription. What it missed either is part of the telling, or
   * is sent after it with `sendMissed`.
   */
  confirm(subscription: NewSubscription, missed: "told" | "sent"): void {
    this.#subscriptions.confirm(subscription, missed);
  }

  /**
   * Lets a subscription's publications flow, once its client has been told of it. Of what was held back, the client
   * gets what `isNews` to it.
   */
  activate(subscription: NewSubscription, isNews?: (push: Push) => boolean): void {
    this.#subscriptions.activate(subscription, isNews);
  }

  /** Ends a session's subscription without telling the client. Does nothing where there is none. */
  unsubscribe(session: Session, channel: string): void {
    const subscription = session.subscriptions.get(channel);
    if (subscription !== undefined) this.#subscriptions.end(subscription);
  }

  /** Publishes to all subscribers on all nodes. Rejects with ClientError 102, or the broker's error. */
  async publish(
    channel: string,
    publication: PublicationInit,
    request: PublishRequest,
  ): Promise<StreamPosition> {
    const options = this.#knownOptions(channel);
    const { position } = await this.#options.broker.publish(channel, publication, {
      idempotencyKey: request.idempotencyKey,
      history: request.skipHistory === true ? undefined : options.history,
      delta: request.delta === true || options.deltaPublish,
      versionEpoch: request.versionEpoch ?? "",
      excludeClient: request.excludeClient ?? "",
    });
    return position;
  }

  /** Tells the subscribers of a channel on all nodes who want to know. Rejects with the broker's error. */
  async notify(channel: string, notice: ChannelNotice): Promise<void> {
    await this.#options.broker.publishNotice(channel, notice);
  }

  /** Reads a channel's history. Rejects with ClientError 102, 108 where it keeps none, 112 for another epoch. */
  async history(channel: string, filter: HistoryFilter): Promise<HistoryPage> {
    const options = this.#knownOptions(channel);
    if (options.history === undefined) throw clientError("notAvailable");
    return this.#options.broker.history(channel, filter, options.history.metaTtlMs);
  }

  /** Drops what a channel has kept; its position stays. Rejects like `history`. */
  async removeHistory(channel: string): Promise<void> {
    if (this.#knownOptions(channel).history === undefined) throw clientError("notAvailable");
    await this.#options.broker.removeHistory(channel);
  }

  /** Who is in a channel, by client id. Rejects with ClientError 102, 108 where the channel does not keep track. */
  async presence(channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    if (!this.#knownOptions(channel).presence) throw clientError("notAvailable");
    return this.#options.presence.get(channel);
  }

  /** How many are in a channel. Rejects like `presence`. */
  async presenceStats(channel: string): Promise<PresenceStats> {
    if (!this.#knownOptions(channel).presence) throw clientError("notAvailable");
    return this.#options.presence.stats(channel);
  }

  /** Channels that somebody listens to, with the number of subscribers. Rejects for a glob that is none. */
  async channels(filter: ChannelFilter): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { value } of await this.#cluster.ask("channels", filter)) {
      for (const [channel, count] of value) counts.set(channel, (counts.get(channel) ?? 0) + count);
    }
    return counts;
  }

  /** Subscribers of one channel. */
  async subscriberCount(channel: string): Promise<number> {
    return sumOf(await this.#cluster.ask("subscriberCount", channel));
  }

  /** Subscribes the matching connections. Rejects with ClientError 102, or 100 where one of them cannot be. */
  async subscribeSessions(target: SessionTarget, command: SubscribeCommand): Promise<void> {
    this.#knownOptions(command.channel);
    await this.#cluster.ask("subscribe", { ...command, target });
  }

  /** Unsubscribes the matching connections; each of them is told, subscribed or not. Rejects with ClientError 102. */
  async unsubscribeSessions(target: SessionTarget, channel: string): Promise<void> {
    if (channel !== "") this.#knownOptions(channel);
    await this.#cluster.ask("unsubscribe", { target, channel });
  }

  /** Disconnects the matching connections, but for the client ids in `whitelist`. */
  async disconnect(target: SessionTarget, reason: Disconnect, whitelist: readonly string[]): Promise<void> {
    await this.#cluster.ask("disconnect", { target, reason, whitelist });
  }

  /** How many connections match. */
  async countSessions(target: SessionTarget): Promise<number> {
    return sumOf(await this.#cluster.ask("countSessions", target));
  }

  /** Sets when the matching connections expire. */
  async refreshSessions(target: SessionTarget, command: RefreshCommand): Promise<void> {
    await this.#cluster.ask("refresh", { ...command, target });
  }

  /**
   * A page of the connections that meet the query, found without keeping the event loop for long.
   *
   * Rejects with ClientError 107 for a query that cannot be used, and with the signal's reason.
   */
  async connections(query: ConnectionQuery, signal: AbortSignal): Promise<ConnectionPage> {
    return this.#pages.page(query, signal);
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
    void this.#subscriptions.checkAll(this.#hub.members());
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

  #knownOptions(channel: string): ChannelOptions {
    const options = this.channelOptions(channel);
    if (options !== undefined) return options;
    const namespace = this.#channelRules.namespaceOf(channel);
    this.#options.refusals.note("unknown_namespace", { namespace }, namespace);
    throw clientError("unknownChannel");
  }
}

function sumOf(answers: readonly NodeAnswer<number>[]): number {
  return answers.reduce((sum, { value }) => sum + value, 0);
}
