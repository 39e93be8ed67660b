import { clientError } from "../core/client-error.ts";
import type { Clock } from "../core/clock.ts";
import type { RefreshCommand, SessionTarget, SubscribeCommand } from "../core/commands.ts";
import { type Disconnect, disconnect } from "../core/disconnect.ts";
import type { Live } from "../core/live.ts";
import { EncodedPush, PLAIN_SUBSCRIBE_RESULT } from "../core/push.ts";
import { Refused } from "../core/refusal.ts";
import { isServerSide, MAX_LIFETIME_SEC, SUBSCRIPTION_SOURCE } from "../core/token-verifier.ts";
import type { SlicedWork } from "../lib/sliced-work.ts";
import type { Session } from "../session/session.ts";
import type { NewSubscription, SubscriptionService } from "./subscription-service.ts";

/** What control works with. */
export interface SessionControlOptions {
  readonly sessions: () => Iterable<Session>;
  readonly sessionsOf: (user: string) => Iterable<Session>;
  readonly slices: SlicedWork;
  readonly subscriptions: SubscriptionService;
  readonly clock: Clock;
  /** Channels that one session may listen to; 0 or less for any number. */
  readonly channelLimit: Live<number>;
}

/** No unsubscribe asks the client to come back. */
const SERVER_UNSUBSCRIBE = { code: 2000, reason: "server unsubscribe" } as const;

/** Commands to the connections of this node (docs/protocols/server-api.md §2.5). No match is no error. */
export class SessionControl {
  readonly #options: SessionControlOptions;

  constructor(options: SessionControlOptions) {
    this.#options = options;
  }

  /**
   * Subscribes all matching sessions, those that listen already anew. Rejects with ClientError 100 when the subscription
   * has expired or one of them cannot be given its data; the others are subscribed all the same.
   */
  async subscribe(target: SessionTarget, command: SubscribeCommand): Promise<void> {
    const work: Promise<void>[] = [];
    const failures: unknown[] = [];
    const { channel, grant } = command;
    const push = new EncodedPush({
      type: "subscribe",
      channel,
      subscribe: { ...PLAIN_SUBSCRIBE_RESULT, data: grant.data },
    });
    await this.#forEach(target, (session) => {
      // Caught at once: the loop may go on for several turns, and a failure that nobody looks at ends the process.
      const subscribing = this.#subscribeOne(session, command, push).catch((error: unknown) => {
        failures.push(error);
      });
      work.push(subscribing);
    });
    await Promise.all(work);
    if (failures.length > 0) throw failures[0];
  }

  async unsubscribe(target: SessionTarget, channel: string): Promise<void> {
    const push = new EncodedPush({ type: "unsubscribe", channel, ...SERVER_UNSUBSCRIBE });
    await this.#forEach(target, (session) => {
      session.onceStarted(() => {
        const subscription = session.subscriptions.get(channel);
        if (subscription !== undefined) this.#options.subscriptions.end(subscription);
        session.send(push);
      });
    });
  }

  async count(target: SessionTarget): Promise<number> {
    let count = 0;
    await this.#forEach(target, () => {
      count += 1;
    });
    return count;
  }

  async disconnect(target: SessionTarget, reason: Disconnect, whitelist: readonly string[]): Promise<void> {
    const spared = new Set(whitelist);
    await this.#forEach(target, (session) => {
      if (!spared.has(session.id)) session.disconnect(reason);
    });
  }

  async refresh(target: SessionTarget, { expired, expireAtSec, info }: RefreshCommand): Promise<void> {
    const nowSec = this.#options.clock.wallMs() / 1000;
    const hasEnded = expired || (expireAtSec !== undefined && expireAtSec <= nowSec);
    const endSec = expireAtSec === undefined ? undefined : Math.min(expireAtSec, nowSec + MAX_LIFETIME_SEC);
    const ttlSec = endSec === undefined ? 0 : Math.ceil(endSec - nowSec);
    const push = new EncodedPush({ type: "refresh", expires: endSec !== undefined, ttlSec });
    await this.#forEach(target, (session) => {
      if (hasEnded) {
        session.disconnect(disconnect("expired"));
      } else {
        session.refresh(endSec, endSec === undefined ? undefined : info);
        session.onceStarted(() => session.send(push));
      }
    });
  }

  /** `push` is what the session is told, at least. */
  async #subscribeOne(session: Session, command: SubscribeCommand, push: EncodedPush): Promise<void> {
    const { subscriptions, clock } = this.#options;
    const { channel, grant, since } = command;
    if (push.frameFor(session.transport.format) === undefined) {
      throw clientError(
        "internal",
        new Refused("bad_api_request", "data of the subscription is not JSON, and a client speaks JSON"),
      );
    }
    if (grant.expireAtSec !== undefined && grant.expireAtSec * 1000 <= clock.wallMs()) {
      throw clientError("internal", new Refused("bad_api_request", "the subscription has expired already"));
    }
    await new Promise<void>((resolve) => {
      session.onceStarted(resolve);
    });
    if (session.isClosed) return;
    const before = session.subscriptions.get(channel);
    if (before !== undefined && !isServerSide(before.source)) return;
    const channelLimit = this.#options.channelLimit.get();
    if (before === undefined && channelLimit > 0 && session.subscriptions.size >= channelLimit) {
      session.disconnect(disconnect("channelLimit"));
      return;
    }
    const source = SUBSCRIPTION_SOURCE.serverApi;
    const wantsRecovery = since !== undefined;
    const request = { channel, source, grant, since, wantsRecovery, wantsDelta: false };
    try {
      this.#announce(await subscriptions.subscribe(session, request));
    } catch (error) {
      // A client that has left meanwhile is no failure.
      if (session.isClosed) return;
      // Half a subscription is none: the client finds out what it missed when it comes back.
      session.disconnect(disconnect("serverError", error));
      throw error;
    }
  }

  #announce(made: NewSubscription): void {
    const { subscription, result } = made;
    const { session, channel } = subscription;
    // It has been unsubscribed meanwhile, and the client told so.
    if (subscription.hasEnded) return;
    this.#options.subscriptions.announce([made], {
      tell: () => session.send(new EncodedPush({ type: "subscribe", channel, subscribe: result })),
      sendsMissed: () => true,
    });
  }

  /**
   * Does something to every matching session that is there now. For many of them it takes several turns of the
   * event loop; those that leave meanwhile are left out.
   */
  async #forEach(target: SessionTarget, act: (session: Session) => void): Promise<void> {
    const { user, client, session: secretId, allUsers, labelFilter } = target;
    const { sessions, sessionsOf, slices } = this.#options;
    const candidates = [...(user === "" && allUsers === true ? sessions() : sessionsOf(user))];
    await slices.visit(candidates, (session) => {
      const isMeant =
        !session.isClosed &&
        (client === "" || session.id === client) &&
        (secretId === "" || session.secretId === secretId) &&
        (labelFilter === undefined || labelFilter.matches(session.identity.labels));
      if (isMeant) act(session);
      return true;
    });
  }
}
