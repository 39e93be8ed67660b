import type { Ambient } from "../core/ambient.ts";
import { type Broker, type HistoryFilter, type HistoryPage, POSITION_ONLY } from "../core/broker.ts";
import type { ChannelEvents } from "../core/channel-events.ts";
import type { ChannelOptions } from "../core/channel-options.ts";
import { clientError } from "../core/client-error.ts";
import { disconnect } from "../core/disconnect.ts";
import type { PresenceManager } from "../core/presence-manager.ts";
import {
  JOIN_LEAVE,
  NO_NOTICES,
  NO_POSITION,
  type NoticeType,
  type StreamPosition,
} from "../core/publication.ts";
import { PLAIN_SUBSCRIBE_RESULT, type Push, type Subscriber, type SubscribeResult } from "../core/push.ts";
import type { SubscriptionGrant, SubscriptionSource } from "../core/token-verifier.ts";
import { endOfGap } from "../session/position-gap.ts";
import type { Session } from "../session/session.ts";
import { Subscription, type SubscriptionFeatures } from "../session/subscription.ts";
import { ChannelInterest } from "./channel-interest.ts";
import type { NodeChannels } from "./channels.ts";
import { RecoveryCounts } from "./recovery-counts.ts";
import { HistoryReads, recover, type Recovery } from "./recovery.ts";

/** A subscription to be made. */
export interface SubscribeRequest {
  readonly channel: string;
  readonly source: SubscriptionSource;
  readonly grant: SubscriptionGrant;
  /** Where the client says that it stands; undefined when it does not say. */
  readonly since: StreamPosition | undefined;
  /** The client wants what it missed since then. */
  readonly wantsRecovery: boolean;
  /** The client would rather have differences than whole payloads. */
  readonly wantsDelta: boolean;
  /** Whom the channel is to know the subscriber as; the session's user by default. */
  readonly user?: string | undefined;
  /** What the subscriber is told besides publications; what channel and grant say by default. */
  readonly notices?: readonly NoticeType[];
}

/** A subscription that holds publications back until the client has been told of it. */
export interface NewSubscription {
  readonly subscription: Subscription;
  readonly result: SubscribeResult;
  /** Undefined where positions are not kept track of. */
  readonly start: SubscriptionStart | undefined;
}

/** Where a subscription begins. */
export interface SubscriptionStart {
  /** Where the client stands before it gets the publications of the result. */
  readonly before: StreamPosition;
  /** Where it stands then, and live publications continue. */
  readonly top: StreamPosition;
  /** The client gets the publication at the top. */
  readonly hasBase: boolean;
}

/** How the client of new subscriptions gets to know of them. */
export interface Announcement {
  /** Sends what tells it. */
  readonly tell: () => void;
  /** Whether what it missed in a channel is sent right behind that, and is no part of it; no by default. */
  readonly sendsMissed?: (made: NewSubscription) => boolean;
  /** Whether it gets a push that was held back; yes by default. */
  readonly isNew?: (push: Push) => boolean;
}

const never = (): boolean => false;

/** Where subscribers are registered for delivery. Either method has what waits delivered first, which may end sessions. */
export interface SubscriberRegistry {
  subscribe(channel: string, subscriber: Subscriber): boolean;
  /** Returns true when the subscriber was the channel's last. */
  unsubscribe(channel: string, subscriber: Subscriber): boolean;
}

/** What the service works with. Milliseconds and counts; negative limits mean none. */
export interface SubscriptionServiceOptions extends Pick<Ambient, "clock" | "logger" | "metrics"> {
  readonly registry: SubscriberRegistry;
  readonly broker: Broker;
  readonly presence: PresenceManager;
  readonly channels: Pick<NodeChannels, "knownOptionsOf">;
  /** Is told of this node's subscribers. */
  readonly events: Pick<ChannelEvents, "onSubscribersChanged">;
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
  readonly #reads: HistoryReads;
  readonly #recoveries: RecoveryCounts;
  readonly #background = new Set<Promise<void>>();

  constructor(options: SubscriptionServiceOptions) {
    this.#options = options;
    this.#interest = new ChannelInterest(options.broker);
    this.#reads = new HistoryReads(options.broker);
    this.#recoveries = new RecoveryCounts(options.metrics);
  }

  /**
   * Subscribes an open session to a channel, in place of a subscription that it has there: the client goes on from where
   * it stands. Nothing flows before `announce`.
   *
   * Rejects with ClientError 102 for an unknown namespace, the broker's or presence manager's error, and ClientError 106 where there are as many
   * users in the channel as there may be; the subscription, or its session, must be ended then. Until it resolves, the
   * subscription may have ended.
   */
  async subscribe(session: Session, request: SubscribeRequest): Promise<NewSubscription> {
    const options = this.#options.channels.knownOptionsOf(request.channel);
    const features = featuresOf(request, options, session);
    const subscription = new Subscription({
      session,
      channel: request.channel,
      source: request.source,
      user: request.user,
      chanInfo: request.grant.info,
      features,
      expireAtSec: request.grant.expireAtSec,
      metaTtlMs: options.historyMetaTtlMs,
      heldMaxBytes: this.#options.heldMaxBytes,
    });
    this.#options.registry.subscribe(request.channel, subscription);
    // Nobody would ever end the subscription of a session that has ended.
    if (session.isClosed) {
      this.#options.registry.unsubscribe(request.channel, subscription);
      throw disconnect("connectionClosed");
    }
    const before = session.subscriptions.get(request.channel);
    session.subscriptions.add(subscription);
    if (before === undefined) this.#options.events.onSubscribersChanged(request.channel);
    else this.#replace(before, subscription);
    await this.#interest.acquire(request.channel);
    const isIn = await this.#enterPresence(subscription, options.presenceMaxUsers);
    if (!isIn) throw clientError("limitExceeded");
    return { subscription, ...(await this.#begin(subscription, request, options)) };
  }

  /** Ends a subscription that has a successor. */
  #replace(before: Subscription, successor: Subscription): void {
    successor.takeOver(before);
    this.#options.registry.unsubscribe(before.channel, before);
    if (before.features.presence) this.#inBackground(before, this.#leavePresence(before), "presence");
  }

  /**
   * Announces new subscriptions of one session: to its client, behind which publications flow, and to the channels. From
   * now on the client stands somewhere in each of them.
   */
  announce(made: readonly NewSubscription[], { tell, sendsMissed = never, isNew }: Announcement): void {
    for (const one of made) {
      const { subscription, result, start } = one;
      this.#recoveries.count(result);
      if (start !== undefined)
        subscription.startAt(sendsMissed(one) ? start.before : start.top, start.hasBase);
    }
    made[0]?.subscription.session.sendEventId();
    tell();
    for (const one of made) {
      if (!sendsMissed(one)) continue;
      for (const publication of one.result.publications) one.subscription.sendMissed(publication);
    }
    for (const { subscription } of made) this.#activate(subscription, isNew);
  }

  #activate(subscription: Subscription, isNew?: (push: Push) => boolean): void {
    subscription.release(isNew);
    if (!subscription.features.joinLeave || subscription.hasEnded) return;
    subscription.isAnnounced = true;
    const { channel, info } = subscription;
    const telling = this.#options.broker.publishNotice(channel, { type: "join", info });
    this.#inBackground(subscription, telling, "join");
  }

  /** Ends a session's subscription without telling the client. Does nothing where there is none. */
  unsubscribe(session: Session, channel: string): void {
    const subscription = session.subscriptions.get(channel);
    if (subscription !== undefined) this.end(subscription);
  }

  /** Ends a subscription: delivery, presence, and, for those who were told of its coming, a leave. */
  end(subscription: Subscription): void {
    const { session, channel, features } = subscription;
    const { registry, events } = this.#options;
    const wasLast = registry.unsubscribe(channel, subscription);
    if (subscription.hasEnded) return;
    subscription.end();
    session.subscriptions.delete(channel);
    events.onSubscribersChanged(channel);
    if (wasLast) {
      this.#inBackground(subscription, this.#interest.release(channel), "unsubscribe");
    }
    if (features.presence) this.#inBackground(subscription, this.#leavePresence(subscription), "presence");
    if (subscription.isAnnounced) this.#inBackground(subscription, this.#leave(subscription), "leave");
  }

  /** What is due from time to time: presence stays fresh, expired subscriptions and lost positions end the session. */
  async keep(session: Session): Promise<void> {
    const subscriptions = [...session.subscriptions.values()];
    if (subscriptions.some((subscription) => this.#isExpired(subscription))) {
      session.disconnect(disconnect("subscriptionExpired"));
      return;
    }
    for (const subscription of subscriptions) {
      if (subscription.features.presence) {
        this.#inBackground(subscription, this.#refreshPresence(subscription), "presence");
      }
    }
    // Last, since it waits for the broker.
    for (const subscription of subscriptions) await this.#checkPosition(subscription);
  }

  /** Finds out who has lost publications while the broker was not reached. Sessions that have are ended with 3010. */
  async checkAll(sessions: Iterable<Session>): Promise<void> {
    const subscriptions = [...sessions].flatMap((session) => [...session.subscriptions.values()]);
    const positioned = subscriptions.filter(({ isActive, position }) => isActive && position !== undefined);
    await Promise.all(positioned.map((subscription) => this.#comparePosition(subscription)));
  }

  /** Resolves once everything that ended subscriptions have left to be done is done. */
  async drain(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  async #refreshPresence(subscription: Subscription): Promise<void> {
    await this.#enterPresence(subscription, 0);
  }

  /** Resolves to false where there is no room for one more user. */
  async #enterPresence(subscription: Subscription, maxUsers: number): Promise<boolean> {
    const { features, channel, info } = subscription;
    if (!features.presence || subscription.hasEnded) return true;
    if (!(await this.#options.presence.add(channel, info, maxUsers))) return false;
    if (subscription.hasEnded) await this.#correctPresence(subscription);
    return true;
  }

  /** It has left while it was being entered, perhaps later than its successor. */
  async #correctPresence(subscription: Subscription): Promise<void> {
    const { session, channel } = subscription;
    const successor = session.subscriptions.get(channel);
    if (successor?.features.presence === true) await this.#options.presence.add(channel, successor.info, 0);
    else await this.#leavePresence(subscription);
  }

  /** Unless the session is back in the channel already: presence knows one entry of it. */
  async #leavePresence({ session, channel, info }: Subscription): Promise<void> {
    if (session.subscriptions.get(channel)?.features.presence === true) return;
    await this.#options.presence.remove(channel, session.id, info.user);
  }

  /**
   * A step later than its cause: whoever is too slow for the leave is disconnected by it, and its own leave must
   * not come on top of this one on the stack.
   */
  async #leave({ channel, info }: Subscription): Promise<void> {
    await Promise.resolve();
    await this.#options.broker.publishNotice(channel, { type: "leave", info });
  }

  async #begin(
    subscription: Subscription,
    { channel, grant, since = NO_POSITION, wantsRecovery }: SubscribeRequest,
    options: ChannelOptions,
  ): Promise<Pick<NewSubscription, "result" | "start">> {
    const { features } = subscription;
    const { data } = grant;
    const isAutomatic = options.autoCacheRecover && options.recoveryMode === "cache";
    const wasRecovering = wantsRecovery || (features.recoverable && isAutomatic);
    const base = { ...PLAIN_SUBSCRIBE_RESULT, data, wasRecovering, delta: features.delta };
    if (!features.positioned) return { result: base, start: undefined };
    const recovery = await this.#recover(
      channel,
      options,
      features.recoverable && wasRecovering ? since : undefined,
    );
    const { recovered, publications } = recovery;
    // Who has been there before goes on from where it stands: nobody has told it what came since.
    const top = (recovered ? undefined : subscription.position) ?? recovery.top;
    // Who is up to date may still never have seen a payload, but only been told the position.
    const hasBase = recovered && publications.length > 0;
    // A recovered client is told the position it asked from: its publications lead to the top.
    const position = recovered ? { offset: since.offset, epoch: top.epoch } : top;
    const result = { ...base, position, recoverable: features.recoverable, recovered, publications };
    // Until it has them it stands in the epoch that it knows, if it does.
    const before = publications.length > 0 && since.epoch !== "" ? since : position;
    return { result, start: { before, top, hasBase } };
  }

  async #recover(
    channel: string,
    options: ChannelOptions,
    since: StreamPosition | undefined,
  ): Promise<Recovery> {
    const { recoveryMaxPublications } = this.#options;
    const read = (filter: HistoryFilter): Promise<HistoryPage> =>
      this.#reads.read(channel, filter, options.historyMetaTtlMs);
    if (since !== undefined) return recover(read, options.recoveryMode, since, recoveryMaxPublications);
    const { position } = await read(POSITION_ONLY);
    return { top: position, recovered: false, publications: [] };
  }

  #isExpired({ expireAtSec }: Subscription): boolean {
    if (expireAtSec === undefined) return false;
    const { clock, expiredSubscriptionCloseDelayMs } = this.#options;
    return clock.wallMs() > expireAtSec * 1000 + Math.max(0, expiredSubscriptionCloseDelayMs);
  }

  async #checkPosition(subscription: Subscription): Promise<void> {
    const { broker, clock, positionCheckDelayMs } = this.#options;
    if (broker.isReliable || positionCheckDelayMs <= 0 || !subscription.isActive) return;
    if (!subscription.isCheckDue(clock.monotonicMs(), positionCheckDelayMs)) return;
    await this.#comparePosition(subscription);
  }

  async #comparePosition(subscription: Subscription): Promise<void> {
    const { session, channel, metaTtlMs } = subscription;
    try {
      const asked = subscription.position;
      const { position } = await this.#reads.read(channel, POSITION_ONLY, metaTtlMs);
      if (!subscription.isInOrder(position, asked?.offset)) session.disconnect(endOfGap("check"));
    } catch (err) {
      this.#options.logger.warn({ session: session.id, channel, err }, "position not checked");
    }
  }

  #inBackground({ channel, session }: Subscription, work: Promise<void>, what: string): void {
    const logged = work
      .catch((err: unknown) => {
        this.#options.logger.error({ session: session.id, channel, err }, `${what} failed`);
      })
      .finally(() => this.#background.delete(logged));
    this.#background.add(logged);
  }
}

/** The same subscription for a client that cannot be given what it missed. */
export function withoutRecovery(made: NewSubscription): NewSubscription {
  const { subscription, result, start } = made;
  if (start === undefined || result.publications.length === 0) return made;
  return {
    subscription,
    result: { ...result, position: start.top, recovered: false, publications: [] },
    start: { before: start.top, top: start.top, hasBase: false },
  };
}

/** Options of the channel, as the grant changes them, as far as the session can follow. */
function featuresOf(
  { grant: { override }, wantsDelta, notices }: SubscribeRequest,
  options: ChannelOptions,
  session: Session,
): SubscriptionFeatures {
  const recoverable = override.forceRecovery ?? options.forceRecovery;
  const presence = override.presence ?? options.presence;
  return {
    positioned: recoverable || (override.forcePositioning ?? options.forcePositioning),
    recoverable,
    presence,
    joinLeave: override.joinLeave ?? options.joinLeave,
    notices:
      notices ?? ((override.forcePushJoinLeave ?? options.forcePushJoinLeave) ? JOIN_LEAVE : NO_NOTICES),
    delta: wantsDelta && options.allowFossilDelta && session.transport.deltaFormats !== undefined,
  };
}
