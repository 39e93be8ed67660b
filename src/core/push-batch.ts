import type { EncodedPush } from "./encoded-push.ts";

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
