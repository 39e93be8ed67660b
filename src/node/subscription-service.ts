import { type Broker, type HistoryFilter, type HistoryPage, POSITION_ONLY } from "../core/broker.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import type { Clock } from "../core/clock.ts";
import { disconnect } from "../core/disconnect.ts";
import type { Logger } from "../core/logger.ts";
import type { PresenceManager } from "../core/presence-manager.ts";
import { PLAIN_SUBSCRIBE_RESULT, type SubscribeResult } from "../core/push.ts";
import type { StreamPosition } from "../core/stream-position.ts";
import type { Subscriber } from "../core/subscriber.ts";
import type { SubscriptionSource } from "../core/subscription-source.ts";
import type { SubscriptionGrant } from "../core/token-verifier.ts";
import type { Session } from "../session/session.ts";
import { Subscription, type SubscriptionFeatures } from "../session/subscription.ts";
import { ChannelInterest } from "./channel-interest.ts";
import { recover, type Recovery } from "./recovery.ts";

/** A subscription to be made. */
export interface SubscribeRequest {
  readonly channel: string;
  readonly source: SubscriptionSource;
  readonly grant: SubscriptionGrant;
  /** The client wants what it missed since then; undefined when it does not say. */
  readonly since: StreamPosition | undefined;
  /** The client would rather have differences than whole payloads. */
  readonly wantsDelta: boolean;
  /** When the subscription ends, Unix seconds; undefined for never. */
  readonly expireAtSec: number | undefined;
}

/** A subscription that holds publications back until the client has been told of it. */
export interface NewSubscription {
  readonly subscription: Subscription;
  readonly result: SubscribeResult;
}

/** Where subscribers are registered for delivery. */
export interface SubscriberRegistry {
  subscribe(channel: string, subscriber: Subscriber): boolean;
  /** Returns true when the subscriber was the channel's last. */
  unsubscribe(channel: string, subscriber: Subscriber): boolean;
}

/** What the service works with. Milliseconds and counts; negative limits mean none. */
export interface SubscriptionServiceOptions {
  readonly registry: SubscriberRegistry;
  readonly broker: Broker;
  readonly presence: PresenceManager;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heldMaxBytes: number;
  readonly recoveryMaxPublications: number;
  readonly positionCheckDelayMs: number;
  readonly expiredSubscriptionCloseDelayMs: number;
}

/**
 * Makes, keeps and ends the subscriptions of this node's sessions.
 *
 * The order of subscribing is what nothing is lost by: hold back live publications, have them delivered, only
 * then read the stream. Whatever happens in between is in the history, in what is held, or in both, and
 * offsets tell.
 */
export class SubscriptionService {
  readonly #options: SubscriptionServiceOptions;
  readonly #interest: ChannelInterest;

  constructor(options: SubscriptionServiceOptions) {
    this.#options = options;
    this.#interest = new ChannelInterest(options.broker);
  }

  /**
   * Subscribes a session to a channel it does not listen to yet. Rejects with the broker's or presence
   * manager's error; the session must be ended then.
   */
  async subscribe(
    session: Session,
    request: SubscribeRequest,
    options: ChannelOptions,
  ): Promise<NewSubscription> {
    const features = featuresOf(request, options, session);
    const subscription = new Subscription({
      session,
      channel: request.channel,
      source: request.source,
      grant: request.grant,
      features,
      expireAtSec: request.expireAtSec,
      metaTtlMs: options.historyMetaTtlMs,
      heldMaxBytes: this.#options.heldMaxBytes,
    });
    session.subscriptions.set(request.channel, subscription);
    this.#options.registry.subscribe(request.channel, subscription);
    await this.#interest.acquire(request.channel);
    await this.#enterPresence(subscription);
    return { subscription, result: await this.#begin(subscription, request, options) };
  }

  /** Lets publications flow, once the client has been told, and tells the channel who has come. */
  activate(subscription: Subscription): void {
    subscription.release();
    if (!subscription.features.joinLeave || subscription.session.isClosed) return;
    const { broker } = this.#options;
    this.#inBackground(subscription, broker.publishJoin(subscription.channel, subscription.info), "join");
  }

  /** Ends a subscription: delivery, presence, and, for the others, a leave. */
  end(subscription: Subscription): void {
    const { session, channel, features } = subscription;
    if (!session.subscriptions.delete(channel)) return;
    const { registry, broker, presence } = this.#options;
    if (registry.unsubscribe(channel, subscription)) {
      this.#inBackground(subscription, this.#interest.release(channel), "unsubscribe");
    }
    if (features.presence)
      this.#inBackground(subscription, presence.remove(channel, session.id, session.user), "presence");
    if (features.joinLeave)
      this.#inBackground(subscription, broker.publishLeave(channel, subscription.info), "leave");
  }

  /** What is due from time to time: presence stays fresh, expired subscriptions and lost positions end the session. */
  async keep(session: Session): Promise<void> {
    for (const subscription of session.subscriptions.values()) {
      if (session.isClosed) return;
      if (this.#isExpired(subscription)) {
        session.disconnect(disconnect("subscriptionExpired"));
        return;
      }
      if (subscription.features.presence) {
        const { presence } = this.#options;
        const refresh = presence.add(subscription.channel, subscription.info);
        this.#inBackground(subscription, refresh, "presence");
      }
      await this.#checkPosition(subscription);
    }
  }

  async #enterPresence(subscription: Subscription): Promise<void> {
    const { session, channel, features, info } = subscription;
    if (!features.presence || session.isClosed) return;
    const { presence } = this.#options;
    await presence.add(channel, info);
    // It has left while it was being entered.
    if (session.isClosed) await presence.remove(channel, session.id, session.user);
  }

  async #begin(
    subscription: Subscription,
    { channel, grant, since }: SubscribeRequest,
    options: ChannelOptions,
  ): Promise<SubscribeResult> {
    const { features } = subscription;
    const { data } = grant;
    const isUnasked = since === undefined && options.autoCacheRecover && options.recoveryMode === "cache";
    const wasRecovering = since !== undefined || (features.recoverable && isUnasked);
    const base = { ...PLAIN_SUBSCRIBE_RESULT, data, wasRecovering, delta: features.delta };
    if (!features.positioned) return base;
    const recovery = await this.#recover(
      channel,
      options,
      features.recoverable && wasRecovering ? { since } : undefined,
    );
    const { top, recovered, publications } = recovery;
    // Who is up to date may still never have seen a payload, but only been told the position.
    subscription.startAt(top, recovered && publications.length > 0);
    // A recovered client is told the position it asked from: its publications lead to the top.
    const position = recovered ? { offset: since?.offset ?? 0, epoch: top.epoch } : top;
    return { ...base, position, recoverable: features.recoverable, recovered, publications };
  }

  async #recover(
    channel: string,
    options: ChannelOptions,
    asked: { readonly since: StreamPosition | undefined } | undefined,
  ): Promise<Recovery> {
    const { broker, recoveryMaxPublications } = this.#options;
    const read = (filter: HistoryFilter): Promise<HistoryPage> =>
      broker.history(channel, filter, options.historyMetaTtlMs);
    if (asked !== undefined) return recover(read, options.recoveryMode, asked.since, recoveryMaxPublications);
    const { position } = await read(POSITION_ONLY);
    return { top: position, recovered: false, publications: [] };
  }

  #isExpired({ expireAtSec }: Subscription): boolean {
    if (expireAtSec === undefined) return false;
    const { clock, expiredSubscriptionCloseDelayMs } = this.#options;
    return clock.wallMs() > expireAtSec * 1000 + Math.max(0, expiredSubscriptionCloseDelayMs);
  }

  async #checkPosition(subscription: Subscription): Promise<void> {
    const { broker, clock, logger, positionCheckDelayMs } = this.#options;
    const { session, channel, metaTtlMs } = subscription;
    if (positionCheckDelayMs <= 0 || !subscription.isCheckDue(clock.monotonicMs(), positionCheckDelayMs))
      return;
    try {
      const { position } = await broker.history(channel, POSITION_ONLY, metaTtlMs);
      if (!subscription.isInOrder(position)) session.disconnect(disconnect("insufficientState"));
    } catch (err) {
      logger.warn({ session: session.id, channel, err }, "position not checked");
    }
  }

  #inBackground({ channel, session }: Subscription, work: Promise<void>, what: string): void {
    work.catch((err: unknown) => {
      this.#options.logger.error({ session: session.id, channel, err }, `${what} failed`);
    });
  }
}

/** Options of the channel, as the grant changes them, as far as the session can follow. */
function featuresOf(
  { grant: { override }, wantsDelta }: SubscribeRequest,
  options: ChannelOptions,
  session: Session,
): SubscriptionFeatures {
  const recoverable = override.forceRecovery ?? options.forceRecovery;
  return {
    positioned: recoverable || (override.forcePositioning ?? options.forcePositioning),
    recoverable,
    presence: override.presence ?? options.presence,
    joinLeave: override.joinLeave ?? options.joinLeave,
    receivesJoinLeave: override.forcePushJoinLeave ?? options.forcePushJoinLeave,
    delta: wantsDelta && options.allowFossilDelta && session.transport.deltaFormats !== undefined,
  };
}
