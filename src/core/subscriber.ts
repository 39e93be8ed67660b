import type { EncodedPush } from "./encoded-push.ts";

/** One subscription of one session as the hub sees it. */
export interface Subscriber {
  /** Takes a push of the channel; queues, never blocks, never throws. */
  deliver(push: EncodedPush): void;
  /** Takes a join or leave of the channel, if it is one for it. */
  deliverJoinLeave(push: EncodedPush): void;
}
