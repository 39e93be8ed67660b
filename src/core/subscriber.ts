import type { EncodedPush } from "./encoded-push.ts";
import type { PushBatch } from "./push-batch.ts";

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
