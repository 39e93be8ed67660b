import { clientError } from "../../core/client-error.ts";
import { failureOf } from "../../core/failure.ts";
import { MEMBER_NOTICES, type NoticeType, type Publication } from "../../core/publication.ts";
import { EncodedPush, type Push } from "../../core/push.ts";
import { PLAIN_GRANT, SUBSCRIPTION_SOURCE } from "../../core/token-verifier.ts";
import type { NewSubscription, SubscribeRequest } from "../../node/subscription-service.ts";
import type { Session } from "../../session/session.ts";
import type { PusherApp } from "./app.ts";
import { type ChannelKind, isValidName, kindOf, socketIdOf, userOfChannelName } from "./channel-name.ts";
import type { PusherContext } from "./context.ts";
import { errorFrame, stringDataFrame, subscriptionErrorFrame, type SubscriptionProblem } from "./frames.ts";
import { type Member, memberOf, Roster } from "./member.ts";
import { authorizesSubscription } from "./signature.ts";

const COUNT_NOTICES: readonly NoticeType[] = ["subscriptionCount"];
/** Such options of the namespace are for Centrifugo's clients: these have no positions. */
export const NO_POSITIONS = { forceRecovery: false, forcePositioning: false } as const;
const SUCCEEDED = "pusher_internal:subscription_succeeded";
const LIMIT_EXCEEDED = clientError("limitExceeded").code;

/** A subscription as it has been asked for and may be made. */
interface Admission {
  readonly name: string;
  readonly kind: ChannelKind;
  /** Of presence channels only. */
  readonly member: Member | undefined;
}

/** The channels of one connection (docs/protocols/pusher.md §2). */
export class Subscriptions {
  readonly #context: PusherContext;
  readonly #app: () => PusherApp;
  readonly #session: Session;
  /** A signature has been accepted. */
  hasAuthorized = false;

  constructor(context: PusherContext, app: () => PusherApp, session: Session) {
    this.#context = context;
    this.#app = app;
    this.#session = session;
  }

  /** Resolves when the client has been told that it is subscribed, or why not. */
  async subscribe(fields: Readonly<Record<string, unknown>>): Promise<void> {
    const { channel: name } = fields;
    if (typeof name !== "string" || name === "") {
      this.#session.sendMessage(errorFrame(undefined, "The message names no channel"));
      return;
    }
    const admission = this.#admit(name, fields);
    if ("status" in admission) {
      this.#note(name, admission);
      this.#session.sendMessage(subscriptionErrorFrame(name, admission));
    } else if (this.#isSubscribed(name)) {
      await this.#announceAgain(admission);
    } else {
      await this.#make(admission);
    }
  }

  #note(channel: string, { type, error, status }: SubscriptionProblem): void {
    const { peerAddress: address } = this.#session.transport;
    const ofAuth = status === REFUSED.foreignUser.status ? "pusher_foreign_user" : "pusher_bad_signature";
    const reason = type === "AuthError" ? ofAuth : "pusher_bad_channel";
    this.#context.refusals.note(reason, { address, app: this.#app().config.id, channel, detail: error });
  }

  /** Resolves at once; whoever is not subscribed is told nothing. */
  unsubscribe(name: unknown): undefined {
    if (typeof name !== "string") return;
    // Others stand for channels that clients know nothing of.
    if (isValidName(name, 0) || userOfChannelName(name) !== undefined) {
      this.#context.node.subscriptions.unsubscribe(this.#session, this.#app().channelOf(name));
    }
  }

  /** What the server API has subscribed the client to, the client takes over: as the member that it says it is. */
  #isSubscribed(name: string): boolean {
    const channel = this.#app().channelOf(name);
    const subscription = this.#session.subscriptions.get(channel);
    if (subscription?.source !== SUBSCRIPTION_SOURCE.serverApi) return subscription !== undefined;
    this.#context.node.subscriptions.unsubscribe(this.#session, channel);
    return false;
  }

  #admit(name: string, fields: Readonly<Record<string, unknown>>): Admission | SubscriptionProblem {
    const kind = kindOf(name);
    const user = userOfChannelName(name);
    if (user !== undefined) {
      const isOwn = user !== "" && user === this.#session.user;
      return isOwn ? { name, kind, member: undefined } : REFUSED.foreignUser;
    }
    const { max_channel_name_length: maxLength } = this.#app().config;
    if (maxLength > 0 && name.length > maxLength) return REFUSED.longName;
    if (!isValidName(name, 0)) return REFUSED.badName;
    if (!this.#hasRoomFor(name)) return REFUSED.tooManyChannels;
    if (!kind.isPrivate) return { name, kind, member: undefined };
    const channelData = typeof fields["channel_data"] === "string" ? fields["channel_data"] : undefined;
    if (!this.#isSigned(name, fields["auth"], channelData)) return REFUSED.badSignature;
    this.hasAuthorized = true;
    if (!kind.isPresence) return { name, kind, member: undefined };
    const member = memberOf(
      channelData,
      this.#session.identity,
      this.#app().config.max_presence_member_size_in_kb,
    );
    return "status" in member ? member : { name, kind, member };
  }

  /** Whether the connection may listen to the channel, or does already, by the number of those that it knows of. */
  #hasRoomFor(name: string): boolean {
    const { max_channels_per_connection: max } = this.#context.config.get();
    const { subscriptions } = this.#session;
    if (max === 0 || subscriptions.size < max || subscriptions.has(this.#app().channelOf(name))) return true;
    const known = [...subscriptions.keys()].filter((channel) => !this.#app().isWatchChannel(channel));
    return known.length < max;
  }

  #isSigned(name: string, auth: unknown, channelData: string | undefined): boolean {
    if (typeof auth !== "string") return false;
    return authorizesSubscription(auth, this.#app().config, socketIdOf(this.#session.id), name, channelData);
  }

  async #make(admission: Admission): Promise<void> {
    const { node, logger } = this.#context;
    const session = this.#session;
    const channel = this.#app().channelOf(admission.name);
    try {
      const made = await node.subscriptions.subscribe(session, this.#requestFor(admission, channel));
      const roster = await this.#rosterOf(admission);
      const latest = admission.kind.isCache ? await this.#latestIn(channel) : undefined;
      if (!session.isClosed) this.#announce(admission, made, roster, latest);
    } catch (error) {
      node.subscriptions.unsubscribe(session, channel);
      if (session.isClosed) return;
      const report = { logger, message: "subscription failed", fields: { session: session.id, channel } };
      const isFull = failureOf(error, report).code === LIMIT_EXCEEDED;
      session.sendMessage(subscriptionErrorFrame(admission.name, isFull ? REFUSED.full : REFUSED.failed));
    }
  }

  #requestFor({ kind, member }: Admission, channel: string): SubscribeRequest {
    const { subscriptionToken, clientAllowed } = SUBSCRIPTION_SOURCE;
    return {
      channel,
      source: kind.isPrivate ? subscriptionToken : clientAllowed,
      grant: { ...PLAIN_GRANT, info: member?.info, override: NO_POSITIONS },
      since: undefined,
      wantsRecovery: false,
      wantsDelta: false,
      user: member?.user,
      notices: kind.isPresence ? MEMBER_NOTICES : COUNT_NOTICES,
    };
  }

  /** Tells the client of its subscription, then what the channel is at, and lets everything flow. */
  #announce(
    { name, kind }: Admission,
    made: NewSubscription,
    roster: Roster | undefined,
    latest: Publication | undefined,
  ): void {
    const { node, webhooks } = this.#context;
    const tell = (): void => {
      this.#session.sendMessage(succeededFrame(name, roster));
      if (latest !== undefined) {
        const { channel } = made.subscription;
        this.#session.send(new EncodedPush({ type: "publication", channel, publication: latest }));
      } else if (kind.isCache) {
        this.#session.sendMessage(stringDataFrame("pusher:cache_miss", "{}", name));
        webhooks.emit(this.#app(), { name: "cache_miss", channel: name });
      }
    };
    node.subscriptions.announce([made], { tell, isNew: (push) => isNew(push, roster, latest) });
  }

  async #announceAgain(admission: Admission): Promise<void> {
    const roster = await this.#rosterOf(admission);
    this.#session.sendMessage(succeededFrame(admission.name, roster));
  }

  async #rosterOf({ name, kind }: Admission): Promise<Roster | undefined> {
    if (!kind.isPresence) return undefined;
    return new Roster(await this.#context.node.channels.presence(this.#app().channelOf(name)));
  }

  async #latestIn(channel: string): Promise<Publication | undefined> {
    const { publications } = await this.#context.node.channels.history(channel, { limit: 1, reverse: true });
    return publications[0];
  }
}

function succeededFrame(name: string, roster: Roster | undefined): Buffer {
  return stringDataFrame(SUCCEEDED, roster?.toJson() ?? "{}", name);
}

/** Whether what was held back while subscribing is not in what the client has been told already. */
function isNew(push: Push, roster: Roster | undefined, latest: Publication | undefined): boolean {
  if (push.type === "publication") {
    const { offset, epoch } = push.publication;
    return latest === undefined || offset === 0 || epoch !== latest.epoch || offset > latest.offset;
  }
  return roster?.follow(push) ?? true;
}

/**
 * Why subscriptions are refused; the numbers are those of soketi where Pusher has none (docs/protocols/pusher.md §2.3).
 */
const REFUSED = {
  badSignature: { type: "AuthError", error: "The signature is missing or wrong", status: 401 },
  foreignUser: { type: "AuthError", error: "The channel is another user's", status: 403 },
  longName: { type: "LimitReached", error: "The channel's name is too long", status: 4009 },
  badName: {
    type: "InvalidChannel",
    error: "The channel's name has characters that it may not have",
    status: 4009,
  },
  tooManyChannels: {
    type: "LimitReached",
    error: "The connection has as many channels as it may have",
    status: 4100,
  },
  full: { type: "LimitReached", error: "The channel has as many members as it may have", status: 4100 },
  failed: { type: "ServerError", error: "The subscription failed", status: 500 },
} as const satisfies Record<string, SubscriptionProblem>;
