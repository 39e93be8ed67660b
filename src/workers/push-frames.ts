import type { BrokerListener, Delivery } from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import { FRAME_HEAD_BYTES, type EncodedFrame, headFrame } from "../lib/link/message-link.ts";
import { encodeDelivery, encodeNotice } from "../wire/push.ts";

/** Encodes what goes to one worker after the other once for all of them. */
export class PushFrames {
  #last: { readonly of: object; readonly frame: EncodedFrame } | undefined;

  delivery(channel: string, delivery: Delivery): EncodedFrame {
    if (this.#last?.of === delivery) return this.#last.frame;
    return this.#keep(delivery, encodeDelivery(channel, delivery, FRAME_HEAD_BYTES));
  }

  notice(channel: string, notice: ChannelNotice): EncodedFrame {
    if (this.#last?.of === notice) return this.#last.frame;
    return this.#keep(notice, encodeNotice(channel, notice, FRAME_HEAD_BYTES));
  }

  /** A listener that sends on what it is told. */
  listener(send: (frame: EncodedFrame) => void, onInterrupted: () => void): BrokerListener {
    return {
      onPublication: (channel, delivery) => send(this.delivery(channel, delivery)),
      onNotice: (channel, notice) => send(this.notice(channel, notice)),
      onInterrupted,
    };
  }

  #keep(of: object, bytes: Buffer): EncodedFrame {
    const frame = [headFrame(bytes)];
    this.#last = { of, frame };
    return frame;
  }
}
