import { randomUUID } from "node:crypto";
import type { BrokerListener, Delivery, HistoryFilter, HistoryPage } from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import type { ChannelObserver } from "../core/channel-observer.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import type { ChannelRules } from "../core/channel-rules.ts";
import { clientError } from "../core/client-error.ts";
import type { ConnectionPage, ConnectionQuery } from "../core/connection-info.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type { ChannelFilter } from "../core/controller.ts";
import type {
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
import { RefusalLog } from "../core/refusal-log.ts";
import type { StreamPosition } from "../core/stream-position.ts";
import type { Transport } from "../core/transport.ts";
import { Hub } from "../hub/hub.ts";
import { FlushList } from "../session/outbox.ts";
import { Session, type SessionContext, type SessionHost } from "../session/session.ts";
import { ConnectionPages } from "./connection-pages.ts";
import { UserControl } from "./control/user-control.ts";
import { EveryNode } from "./every-node.ts";
import { LocalCalls } from "./local-calls.ts";
import { countServer, sum } from "./server-counts.ts";
import type { ServerNodeOptions } from "./server-node-options.ts";
import { ChannelObservers } from "./channel-observers.ts";
import { type NewSubscription, type SubscribeRequest, SubscriptionService } from "./subscription-service.ts";

/** Callers choose it, and the log is not for megabytes. */
const LOGGED_NAME_MAX_LENGTH = 255;
const UNKNOWN_NAMESPACE =
  "refused a channel of a namespace that is not configured: add it to channel.namespaces, or choose another " +
  "channel.namespace_boundary";

/**
 * Hub, broker, presence and controller joined: everything that happens on this node, whatever protocol asked for it,
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
  readonly #observers = new ChannelObservers();
  readonly #refusals: RefusalLog;
  /** Sessions that have not been identified yet. */
  readonly #connecting = new Set<Session>();
  readonly #subscriptions: SubscriptionService;
  readonly #own: LocalCalls;
  readonly #everyNode: EveryNode;
  readonly #pages: ConnectionPages;
  /** What sessions have taken of quotas, by session. */
  readonly #places = new Map<Session, string>();
  #lastSequence = 0;
  readonly #sessionContext: SessionContext;
  readonly #startedAtMs: number;
  #stopReason: Disconnect | undefined;

  constructor(options: ServerNodeOptions) {
    const { broker, presence, clock, wheel, logger, random, limits } = options;
    this.uid = options.uid ?? randomUUID();
    this.#options = options;
    this.#channelRules = options.channelRules;
    this.#refusals = new RefusalLog(logger, clock);
    this.#subscriptions = new SubscriptionService({
      registry: this.#hub,
      broker,
      presence,
      tellsMembers: options.tellsMembers ?? true,
      observer: this.#observers,
      clock,
      logger,
      heldMaxBytes: limits.outboxMaxBytes,
      recoveryMaxPublications: limits.recoveryMaxPublications,
      positionCheckDelayMs: limits.positionCheckDelayMs,
      expiredSubscriptionCloseDelayMs: limits.expiredSubscriptionCloseDelayMs,
    });
    const { statuses, controller } = options;
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
    this.#everyNode = new EveryNode(this.#own, controller);
    this.#pages = new ConnectionPages({
      nodeUid: this.uid,
      serverUid: options.serverUid ?? this.uid,
      own: this.#own,
      controller,
    });
    this.users = new UserControl({
      access: this.#own.access,
      statuses,
      everyNode: this.#everyNode,
      clock,
      logger,
    });
    this.#sessionContext = { host: this, flushList: this.#flushList, wheel, clock, logger, random, limits };
    this.#startedAtMs = clock.monotonicMs();
  }

  /** True once the node disconnects its clients to go down. */
  get isStopping(): boolean {
    return this.#stopReason !== undefined;
  }

  /** Identified sessions on all nodes. */
  get sessionCount(): number {
    return this.#hub.memberCount + this.#options.controller.sessionsElsewhere();
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
    await this.#options.controller.start(this.#own);
    this.users.start();
  }

  /** Disconnects everybody, and closes the broker once it knows that they are gone. */
  async stop(reason: Disconnect): Promise<void> {
    this.#stopReason = reason;
    for (const session of [...this.#hub.members()]) session.disconnect(reason);
    for (const session of [...this.#connecting]) session.disconnectSilently(reason);
    await this.#subscriptions.drain();
    await this.users.close();
    await Promise.all([this.#options.broker.close(), this.#options.controller.close()]);
  }

  /** Has the observer told what happens to channels from now on. */
  observe(observer: ChannelObserver): void {
    this.#observers.add(observer);
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
    this.#options.controller.reportSessions(this.#hub.memberCount);
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
    if (!(await this.#options.quotas.take(place, max))) return false;
    if (session.isClosed) this.#options.quotas.give(place);
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
    this.#options.controller.reportSessions(this.#hub.memberCount);
    const place = this.#places.get(session);
    if (place !== undefined) {
      this.#places.delete(session);
      this.#options.quotas.give(place);
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
    const [own, ...others] = await this.#everyNode.ask("channels", filter);
    const counts = new Map(own);
    for (const [channel, count] of others.flatMap((channels) => [...channels])) {
      counts.set(channel, (counts.get(channel) ?? 0) + count);
    }
    return counts;
  }

  /** Subscribers of one channel. */
  async subscriberCount(channel: string): Promise<number> {
    return sum(await this.#everyNode.ask("subscriberCount", channel));
  }

  /** Subscribes the matching connections. Rejects with ClientError 102, or 100 where one of them cannot be. */
  async subscribeSessions(target: SessionTarget, command: SubscribeCommand): Promise<void> {
    this.#knownOptions(command.channel);
    await this.#everyNode.ask("subscribeSessions", target, command);
  }

  /** Unsubscribes the matching connections; each of them is told, subscribed or not. Rejects with ClientError 102. */
  async unsubscribeSessions(target: SessionTarget, channel: string): Promise<void> {
    if (channel !== "") this.#knownOptions(channel);
    await this.#everyNode.ask("unsubscribeSessions", target, channel);
  }

  /** Disconnects the matching connections, but for the client ids in `whitelist`. */
  async disconnect(target: SessionTarget, reason: Disconnect, whitelist: readonly string[]): Promise<void> {
    await this.#everyNode.ask("disconnect", target, reason, whitelist);
  }

  /** How many connections match. */
  async countSessions(target: SessionTarget): Promise<number> {
    return sum(await this.#everyNode.ask("countSessions", target));
  }

  /** Sets when the matching connections expire. */
  async refreshSessions(target: SessionTarget, command: RefreshCommand): Promise<void> {
    await this.#everyNode.ask("refreshSessions", target, command);
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

  /** All that the API is to see as nodes: this one, with everything that shares its broker, counted as one. */
  async info(): Promise<readonly NodeInfo[]> {
    const { name, version, clock, serverUid = this.uid } = this.#options;
    const uptimeSec = Math.floor((clock.monotonicMs() - this.#startedAtMs) / 1000);
    const node = { uid: serverUid, name, version, uptimeSec };
    return [{ ...node, ...(await countServer(this.#hub, this.#options.controller, this.#everyNode)) }];
  }

  #knownOptions(channel: string): ChannelOptions {
    const options = this.channelOptions(channel);
    if (options !== undefined) return options;
    const namespace = this.#channelRules.namespaceOf(channel).slice(0, LOGGED_NAME_MAX_LENGTH);
    this.#refusals.note("unknown_namespace", namespace, { namespace }, UNKNOWN_NAMESPACE);
    throw clientError("unknownChannel");
  }
}
