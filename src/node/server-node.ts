import { randomUUID } from "node:crypto";
import { PLAIN_PUBLISH, type Broker, type BrokerListener, type PublishOptions } from "../core/broker.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import type { ChannelRules } from "../core/channel-rules.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type { Clock } from "../core/clock.ts";
import type { Disconnect } from "../core/disconnect.ts";
import { EncodedPush } from "../core/encoded-push.ts";
import type { Logger } from "../core/logger.ts";
import type { Publication, PublicationInit } from "../core/publication.ts";
import { PLAIN_SUBSCRIBE_RESULT, type SubscribeResult } from "../core/push.ts";
import type { StreamPosition } from "../core/stream-position.ts";
import type { SubscriptionGrant } from "../core/token-verifier.ts";
import type { Transport } from "../core/transport.ts";
import { Hub } from "../hub/hub.ts";
import type { TimerWheel } from "../lib/timer-wheel.ts";
import { FlushList } from "../session/outbox.ts";
import { Session, type SessionContext, type SessionHost, type SessionLimits } from "../session/session.ts";
import { Subscription } from "../session/subscription.ts";
import { ChannelInterest } from "./channel-interest.ts";

/** Which connections a call is about. Members left out do not narrow; all that are given must match. */
export interface SessionTarget {
  /** "" means the anonymous connections. */
  readonly user: string;
  /** Client id; "" for any. */
  readonly client: string;
  /** Session id; "" for any. */
  readonly session: string;
}

/** One node as the `info` call shows it. */
export interface NodeInfo {
  readonly uid: string;
  readonly name: string;
  readonly version: string;
  readonly numClients: number;
  readonly numUsers: number;
  readonly numChannels: number;
  readonly numSubs: number;
  /** Seconds since the node started. */
  readonly uptimeSec: number;
}

/** What a node is made of. */
export interface ServerNodeOptions {
  readonly name: string;
  readonly version: string;
  readonly broker: Broker;
  readonly channelRules: ChannelRules;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
  readonly random: () => number;
  readonly sessionLimits: SessionLimits;
}

/** Hub and broker joined: everything that happens on this node, whatever protocol asked for it. */
export class ServerNode implements BrokerListener, SessionHost {
  readonly uid: string = randomUUID();
  readonly channelRules: ChannelRules;
  readonly #options: ServerNodeOptions;
  readonly #hub = new Hub<Session>();
  /** Sessions that have not been identified yet. */
  readonly #connecting = new Set<Session>();
  readonly #interest: ChannelInterest;
  readonly #sessionContext: SessionContext;
  readonly #startedAtMs: number;
  #isStopping = false;

  constructor(options: ServerNodeOptions) {
    const { broker, clock, wheel, logger, random, sessionLimits } = options;
    this.#options = options;
    this.channelRules = options.channelRules;
    this.#interest = new ChannelInterest(broker);
    const flushList = new FlushList();
    this.#sessionContext = { host: this, flushList, wheel, clock, logger, random, limits: sessionLimits };
    this.#startedAtMs = clock.monotonicMs();
  }

  /** True once the node disconnects its clients to go down. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Identified sessions. */
  get sessionCount(): number {
    return this.#hub.memberCount;
  }

  async start(): Promise<void> {
    await this.#options.broker.start(this);
  }

  /** Disconnects everybody and closes the broker. */
  async stop(reason: Disconnect): Promise<void> {
    this.#isStopping = true;
    for (const session of [...this.#hub.members()]) session.disconnect(reason);
    for (const session of [...this.#connecting]) session.disconnectSilently(reason);
    await this.#options.broker.close();
  }

  /** A session for a transport whose client is not known yet. */
  openSession(transport: Transport): Session {
    const session = new Session(transport, this.#sessionContext);
    this.#connecting.add(session);
    return session;
  }

  /** The session's client is known: it can be found and subscribed from now on. */
  admit(session: Session): void {
    this.#connecting.delete(session);
    if (!session.isClosed) this.#hub.add(session);
  }

  /** Identified sessions of a user on this node. */
  sessionsOf(user: string): ReadonlySet<Session> {
    return this.#hub.membersOf(user);
  }

  onSessionClosed(session: Session): void {
    this.#connecting.delete(session);
    this.#hub.remove(session);
    for (const subscription of session.subscriptions.values()) this.#removeFromHub(subscription);
    session.subscriptions.clear();
  }

  /** Options of a channel; undefined where its namespace is unknown. */
  channelOptions(channel: string): ChannelOptions | undefined {
    return this.channelRules.optionsOf(channel);
  }

  /**
   * Subscribes a session to a channel it does not listen to yet.
   *
   * The subscription holds publications back until it is released. Rejects with the broker's error.
   */
  async subscribe(session: Session, channel: string, grant: SubscriptionGrant): Promise<SubscribeResult> {
    const heldMaxBytes = this.#options.sessionLimits.outboxMaxBytes;
    const subscription = new Subscription(session, channel, grant, heldMaxBytes);
    session.subscriptions.set(channel, subscription);
    this.#hub.subscribe(channel, subscription);
    await this.#interest.acquire(channel);
    return { ...PLAIN_SUBSCRIBE_RESULT, data: grant.data };
  }

  /** Publishes to all subscribers on all nodes. Rejects with the broker's error. */
  async publish(
    channel: string,
    publication: PublicationInit,
    options: PublishOptions,
  ): Promise<StreamPosition> {
    const result = await this.#options.broker.publish(channel, publication, {
      ...PLAIN_PUBLISH,
      ...options,
    });
    return result.position;
  }

  onPublication(channel: string, publication: Publication): void {
    this.#hub.broadcast(channel, new EncodedPush({ type: "publication", channel, publication }));
  }

  onJoin(channel: string, info: ClientInfo): void {
    this.#hub.broadcast(channel, new EncodedPush({ type: "join", channel, info }));
  }

  onLeave(channel: string, info: ClientInfo): void {
    this.#hub.broadcast(channel, new EncodedPush({ type: "leave", channel, info }));
  }

  /** Disconnects the matching connections, but for the client ids in `whitelist`. */
  async disconnect(target: SessionTarget, reason: Disconnect, whitelist: readonly string[]): Promise<void> {
    for (const session of this.#matching(target)) {
      if (!whitelist.includes(session.id)) session.disconnect(reason);
    }
  }

  /** All nodes, this one first. */
  async info(): Promise<readonly NodeInfo[]> {
    const { name, version, clock } = this.#options;
    return [
      {
        uid: this.uid,
        name,
        version,
        numClients: this.#hub.memberCount,
        numUsers: this.#hub.userCount,
        numChannels: this.#hub.channelCount,
        numSubs: this.#hub.subscriptionCount,
        uptimeSec: Math.floor((clock.monotonicMs() - this.#startedAtMs) / 1000),
      },
    ];
  }

  #matching(target: SessionTarget): Session[] {
    return [...this.#hub.membersOf(target.user)].filter(
      (session) =>
        (target.client === "" || session.id === target.client) &&
        (target.session === "" || session.secretId === target.session),
    );
  }

  #removeFromHub(subscription: Subscription): void {
    const { channel } = subscription;
    if (!this.#hub.unsubscribe(channel, subscription)) return;
    this.#interest.release(channel).catch((err: unknown) => {
      this.#options.logger.error({ channel, err }, "broker did not unsubscribe");
    });
  }
}
