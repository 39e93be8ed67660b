import { disconnect } from "../core/disconnect.ts";
import type { ClientInfo, NoticeType, Publication, StreamPosition } from "../core/publication.ts";
import { EncodedPush, type Push, type PushBatch, type Subscriber } from "../core/push.ts";
import type { SubscriptionSource } from "../core/token-verifier.ts";
import { endOfGap } from "./position-gap.ts";
import type { Session } from "./session.ts";

/** What a push that is held counts besides its frame, which it may not have. */
const HELD_PUSH_BYTES = 64;

/** What a subscription does, once channel options, grant and request have been put together. */
export interface SubscriptionFeatures {
  /** Lost publications are noticed. */
  readonly positioned: boolean;
  /** The subscriber can be given what it missed. Implies `positioned`. */
  readonly recoverable: boolean;
  /** The subscriber is in the channel's presence. */
  readonly presence: boolean;
  /** Its coming and going is told to the channel. */
  readonly joinLeave: boolean;
  /** What it is told besides publications. */
  readonly notices: readonly NoticeType[];
  /** It gets differences instead of whole payloads. */
  readonly delta: boolean;
}

/** What a subscription is made with. */
export interface SubscriptionInit {
  readonly session: Session;
  readonly channel: string;
  readonly source: SubscriptionSource;
  /** Whom the channel knows the subscriber as; undefined for the session's user. */
  readonly user: string | undefined;
  /** Raw JSON about the subscriber that others in the channel may see. */
  readonly chanInfo: Uint8Array | undefined;
  readonly features: SubscriptionFeatures;
  /** When it ends, Unix seconds; undefined for never. */
  readonly expireAtSec: number | undefined;
  /** How long the channel's position is remembered when it is only read, milliseconds. */
  readonly metaTtlMs: number;
  /** More bytes held back than this disconnect the session as slow; 0 or less for no limit. */
  readonly heldMaxBytes: number;
}

/**
 * One session's subscription to one channel.
 *
 * It starts out holding what is published, so that nothing overtakes the push that tells the client of the
 * subscription; `release` lets it flow. With positions it delivers strictly offset after offset: what the
 * client has already is dropped, and a gap ends the session with 3010.
 */
export class Subscription implements Subscriber {
  // What every push needs stands first, and so together in memory.
  readonly session: Session;
  readonly features: SubscriptionFeatures;
  #held: EncodedPush[] | undefined = [];
  /** Offset the client has seen; -1 where positions are not kept track of. */
  #offset = -1;
  readonly channel: string;
  readonly source: SubscriptionSource;
  readonly chanInfo: Uint8Array | undefined;
  /** Whom the channel knows it as. */
  readonly user: string;
  expireAtSec: number | undefined;
  readonly metaTtlMs: number;
  readonly #heldMaxBytes: number;
  #heldBytes = 0;
  #epoch = "";
  /** A publication came in order since the last check. */
  #moved = true;
  #verifiedAtMs = 0;
  /** Offset of the publication that the client applies the next difference to; -1 while it has none, or no positions. */
  #baseOffset = -1;
  #hasEnded = false;
  /** The channel has been told that the subscriber came, and is to be told that it goes. */
  isAnnounced = false;

  constructor(init: SubscriptionInit) {
    this.session = init.session;
    this.channel = init.channel;
    this.source = init.source;
    this.chanInfo = init.chanInfo;
    this.user = init.user ?? init.session.user;
    this.features = shareFeatures(init.features);
    this.expireAtSec = init.expireAtSec;
    this.metaTtlMs = init.metaTtlMs;
    this.#heldMaxBytes = init.heldMaxBytes > 0 ? init.heldMaxBytes : Number.POSITIVE_INFINITY;
  }

  /** What the channel may know about the subscriber. */
  get info(): ClientInfo {
    const { id, identity } = this.session;
    return { user: this.user, client: id, connInfo: identity.info, chanInfo: this.chanInfo };
  }

  /** Whether the client has been told of it, and it goes on. */
  get isActive(): boolean {
    return this.#held === undefined && !this.#hasEnded;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Where the client stands once it has what has been published so far, which is delivered now; undefined where
   * positions are not kept track of, or not yet.
   */
  get position(): StreamPosition | undefined {
    this.session.flushPending();
    return this.#offset < 0 ? undefined : { offset: this.#offset, epoch: this.#epoch };
  }

  /**
   * Starts keeping track of positions: this is where the client stands once it has been told of the subscription.
   * `hasBase` tells that the client gets the publication there with it.
   */
  startAt({ offset, epoch }: StreamPosition, hasBase: boolean): void {
    this.#offset = offset;
    this.#epoch = epoch;
    this.#baseOffset = hasBase ? offset : -1;
  }

  /** Goes on where another one to the channel stands, with what it holds back and what the channel knows, and ends it. */
  takeOver(before: Subscription): void {
    this.#held = before.#held ?? [];
    this.#heldBytes = before.#heldBytes;
    this.isAnnounced = before.isAnnounced;
    const { position } = before;
    if (this.features.positioned && position !== undefined) this.startAt(position, false);
    before.end();
  }

  deliver(push: EncodedPush): void {
    if (this.#held !== undefined) return this.#hold(push, this.#held);
    if (this.#offset >= 0 && !this.#advance(push)) return;
    if (this.features.recoverable) this.session.sendEventId();
    if (this.features.delta) this.#sendDelta(push);
    else this.session.send(push);
  }

  deliverBatch(batch: PushBatch): void {
    if (this.#takesWhole(batch) && this.session.sendBatch(batch)) {
      if (this.#offset >= 0 && batch.lastOffset > 0) this.#moveTo(batch.lastOffset, batch.epoch);
    } else {
      for (const push of batch.pushes) this.deliver(push);
    }
  }

  /** Sends the next publication that the client missed, in front of everything that is held. */
  sendMissed(publication: Publication): void {
    const { offset, epoch } = publication;
    this.startAt({ offset, epoch }, true);
    if (this.features.recoverable) this.session.sendEventId();
    const { format, deltaFormats } = this.session.transport;
    const push = new EncodedPush({ type: "publication", channel: this.channel, publication });
    this.session.sendAs(push, this.features.delta ? (deltaFormats?.whole ?? format) : format);
  }

  deliverNotice(push: EncodedPush): void {
    const { notices } = this.features;
    if (notices.length === 0 || !this.#wants(push.push)) return;
    if (this.#held === undefined) this.session.send(push);
    else this.#hold(push, this.#held);
  }

  skip(push: EncodedPush): void {
    if (this.#held === undefined && this.#offset >= 0) this.#advance(push);
  }

  /** Sends what was held and `isNew` to the client, in order, and everything from now on as it comes. */
  release(isNew: (push: Push) => boolean = () => true): void {
    // What is pending comes behind what is held.
    this.session.flushPending();
    const held = this.#held;
    this.#held = undefined;
    for (const push of held ?? []) if (isNew(push.push)) this.deliver(push);
  }

  /** Nothing more is delivered, and what is held is forgotten. */
  end(): void {
    this.#hasEnded = true;
    this.#held = undefined;
  }

  /**
   * Compares with where the stream stood at some moment since the client stood at `sinceOffset`. False means that
   * publications have been lost, for somebody who still listens.
   */
  isInOrder(top: StreamPosition, sinceOffset: number = this.#offset): boolean {
    const { position } = this;
    if (position === undefined || this.#hasEnded) return true;
    return sinceOffset <= top.offset && top.offset <= position.offset && this.#agreesOn(top.epoch);
  }

  /**
   * Whether the position has not been known to be right for longer than the delay; asking restarts the delay.
   *
   * A publication that came in order is as good as a check.
   */
  isCheckDue(nowMs: number, delayMs: number): boolean {
    if (this.#offset < 0) return false;
    const isDue = !this.#moved && nowMs - this.#verifiedAtMs > delayMs;
    if (this.#moved || isDue) this.#verifiedAtMs = nowMs;
    this.#moved = false;
    return isDue;
  }

  /** Its own user is in the channel for as long as it is: nothing is said of that. */
  #wants(push: Push): boolean {
    if (!this.features.notices.some((type) => type === push.type)) return false;
    const isOfMember = push.type === "memberAdded" || push.type === "memberRemoved";
    return !isOfMember || push.info.user !== this.user;
  }

  /** Whether the client is to get all of the batch, as it is and without a word between. */
  #takesWhole({ firstOffset, epoch, isContiguous }: PushBatch): boolean {
    const { delta, recoverable } = this.features;
    if (this.#held !== undefined || delta || !isContiguous) return false;
    if (recoverable && this.session.transport.eventIds !== undefined) return false;
    if (this.#offset < 0 || firstOffset === 0) return true;
    return firstOffset === this.#offset + 1 && this.#agreesOn(epoch);
  }

  #moveTo(offset: number, epoch: string): void {
    this.#epoch = epoch;
    this.#offset = offset;
    this.#moved = true;
  }

  /** Whether the push is the next one for the client; ends the session when one between is missing. */
  #advance({ push }: EncodedPush): boolean {
    if (push.type !== "publication" || push.publication.offset === 0) return true;
    const { offset, epoch } = push.publication;
    const agrees = this.#agreesOn(epoch);
    if (agrees && offset === this.#offset + 1) {
      this.#offset = offset;
      this.#moved = true;
      return true;
    }
    if (!agrees || offset > this.#offset) this.session.disconnect(endOfGap("publication"));
    return false;
  }

  /** An unknown epoch adopts the first that it meets. */
  #agreesOn(epoch: string): boolean {
    if (this.#epoch === "") this.#epoch = epoch;
    return this.#epoch === epoch;
  }

  #sendDelta(push: EncodedPush): void {
    const { format, deltaFormats } = this.session.transport;
    if (push.push.type !== "publication" || deltaFormats === undefined)
      return this.session.sendAs(push, format);
    const { publication, previous } = push.push;
    const hasBase = previous !== undefined && previous.offset === this.#baseOffset;
    this.session.sendAs(push, hasBase ? deltaFormats.patch : deltaFormats.whole);
    // The next one in the stream is no difference to what went past it, nor to what may have been lost.
    this.#baseOffset = publication.offset === 0 || this.#offset < 0 ? -1 : publication.offset;
  }

  #hold(push: EncodedPush, held: EncodedPush[]): void {
    const frame = push.frameFor(this.session.transport.format);
    this.#heldBytes += HELD_PUSH_BYTES + (frame?.byteLength ?? 0);
    if (this.#heldBytes > this.#heldMaxBytes) this.session.abort(disconnect("slow"));
    else held.push(push);
  }
}

/** More combinations than there are switches for are not worth comparing with. */
const MAX_KEPT = 64;

const kept: SubscriptionFeatures[] = [];

/** The same features as one object for all subscriptions that have them. */
function shareFeatures(features: SubscriptionFeatures): SubscriptionFeatures {
  const same = kept.find((other) => areEqual(other, features));
  if (same === undefined && kept.length < MAX_KEPT) kept.push(features);
  return same ?? features;
}

function areEqual(a: SubscriptionFeatures, b: SubscriptionFeatures): boolean {
  return (
    a.positioned === b.positioned &&
    a.recoverable === b.recoverable &&
    a.presence === b.presence &&
    a.joinLeave === b.joinLeave &&
    a.delta === b.delta &&
    a.notices.length === b.notices.length &&
    a.notices.every((type, at) => type === b.notices[at])
  );
}
