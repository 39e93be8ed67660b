import type { ChannelNotice, Publication, StreamPosition } from "./publication.ts";
import type { WireFormat } from "./wire-format.ts";

/** What one connection receives. Protocol codecs turn it into bytes. */
export type Push =
  | { readonly type: "ping" }
  | { readonly type: "connect"; readonly connect: ConnectResult }
  | {
      readonly type: "publication";
      readonly channel: string;
      readonly publication: Publication;
      /** The one before, where somebody may want the difference. */
      readonly previous?: Publication | undefined;
    }
  | (ChannelNotice & { readonly channel: string })
  | { readonly type: "subscribe"; readonly channel: string; readonly subscribe: SubscribeResult }
  | { readonly type: "unsubscribe"; readonly channel: string; readonly code: number; readonly reason: string }
  | { readonly type: "refresh"; readonly expires: boolean; readonly ttlSec: number }
  | { readonly type: "disconnect"; readonly code: number; readonly reason: string };

/** The first push of every accepted connection. */
export interface ConnectResult {
  /** Client id: public, a UUID. */
  readonly client: string;
  /** Session id: private to the client and the server API, a UUID. */
  readonly session: string;
  /** Server version and edition. */
  readonly version: string;
  /** What the backend has to say to the client; undefined when it has nothing. */
  readonly data: Uint8Array | undefined;
  /** Server-side subscriptions that were made while connecting. */
  readonly subs: ReadonlyMap<string, SubscribeResult>;
  /** Seconds until the connection expires; unset when it does not. */
  readonly ttlSec: number | undefined;
  /** Seconds between pings; 0 when there are none. */
  readonly pingSec: number;
  /** Server time, Unix milliseconds; unset unless configured. */
  readonly timeMs: number | undefined;
}

/** How one subscription of a session began. */
export interface SubscribeResult {
  /** Where the client stands in the channel's stream; undefined where positions are not kept track of. */
  readonly position: StreamPosition | undefined;
  /** The client may ask for recovery from its position later. */
  readonly recoverable: boolean;
  /** The client asked for recovery, or got it unasked, whether or not the channel can recover. */
  readonly wasRecovering: boolean;
  /** Everything the client missed follows; `position` is then the one it asked from. */
  readonly recovered: boolean;
  /** What the client missed, in order. */
  readonly publications: readonly Publication[];
  /** Payloads come as differences to the one before, where that is shorter. */
  readonly delta: boolean;
  /** Raw JSON for the subscriber; undefined when there is none. */
  readonly data: Uint8Array | undefined;
}

/** The result of a subscription to a channel without positions. */
export const PLAIN_SUBSCRIBE_RESULT: SubscribeResult = {
  position: undefined,
  recoverable: false,
  wasRecovering: false,
  recovered: false,
  publications: [],
  delta: false,
  data: undefined,
};

/**
 * A push with its framed bytes, computed for a wire format on first demand and shared by all sessions of it.
 *
 * A server has a handful of formats, so a short list with its last hit in front beats a map.
 */
export class EncodedPush {
  readonly push: Push;
  #lastFormat: WireFormat | undefined;
  #lastFrame: Uint8Array | undefined;
  #formats: WireFormat[] | undefined;
  #frames: (Uint8Array | undefined)[] | undefined;

  constructor(push: Push) {
    this.push = push;
  }

  /** The frame for a format; `NOTHING` where there is nothing to be said, undefined when its encoding cannot carry the push. */
  frameFor(format: WireFormat): Uint8Array | undefined {
    if (this.#lastFormat === format) return this.#lastFrame;
    return this.#switchTo(format);
  }

  #switchTo(format: WireFormat): Uint8Array | undefined {
    this.#formats ??= [];
    this.#frames ??= [];
    let at = this.#formats.indexOf(format);
    if (at < 0) {
      at = this.#formats.push(format) - 1;
      this.#frames.push(format.encode(this.push));
    }
    this.#lastFormat = format;
    this.#lastFrame = this.#frames[at];
    return this.#lastFrame;
  }
}

/**
 * Publications of one channel that were made one after the other, to be delivered together.
 *
 * Most subscribers take all of them or none, and then a burst costs each of them as much as one publication.
 */
export class PushBatch {
  readonly pushes: EncodedPush[] = [];
  /** Offset of the first one; 0 where none of them has one. */
  firstOffset = 0;
  lastOffset = 0;
  epoch = "";
  /** The offsets follow each other in one epoch, or there are none. */
  isContiguous = true;

  /** Adds the next publication. */
  add(push: EncodedPush): void {
    const isFirst = this.pushes.push(push) === 1;
    const { offset, epoch } = push.push.type === "publication" ? push.push.publication : NO_PLACE;
    if (isFirst) {
      this.firstOffset = offset;
      this.epoch = epoch;
    } else {
      const expected = this.lastOffset === 0 ? 0 : this.lastOffset + 1;
      if (offset !== expected || epoch !== this.epoch) this.isContiguous = false;
    }
    this.lastOffset = offset;
  }
}

const NO_PLACE = { offset: 0, epoch: "" };

/** Owner of deliveries that can wait until the turn of the event loop is over, or something else is to be sent. */
export interface PendingDeliveries {
  /** Makes them now. Does nothing where there are none. */
  flushPending(): void;
}

/** Place where deliveries are deferred to, which has them made in time. */
export interface DeliverySchedule {
  /** There are some, as of now. */
  defer(pending: PendingDeliveries): void;
}

/** One subscription of one session as the hub sees it. */
export interface Subscriber {
  /** Takes a push of the channel; queues, never blocks, never throws. */
  deliver(push: EncodedPush): void;
  /** Takes several pushes of the channel, one after the other. */
  deliverBatch(batch: PushBatch): void;
  /** Takes a notice of the channel, if it wants notices of its type. */
  deliverNotice(push: EncodedPush): void;
  /** A publication went past it: it is not to get this one. */
  skip(push: EncodedPush): void;
}
