import type { Delivery } from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import { type EncodedFrame, encodeNotification } from "../lib/link/message-link.ts";
import type { WorkerCalls } from "./calls.ts";
import { encodePlainDelivery } from "./plain-delivery.ts";
import { encodePublication } from "./wire.ts";

/** Encodes what goes to one worker after the other once for all of them. */
export class SharedEncoder {
  #last: { readonly of: object; readonly encoded: EncodedFrame } | undefined;

  delivery(channel: string, delivery: Delivery): EncodedFrame {
    if (this.#last?.of === delivery) return this.#last.encoded;
    const plain = encodePlainDelivery(channel, delivery);
    if (plain !== undefined) return this.#keep(delivery, [plain]);
    const { publication, previous, excludeClient } = delivery;
    return this.#keep(
      delivery,
      encodeNotification<WorkerCalls, "deliver">(
        "deliver",
        channel,
        encodePublication(publication),
        previous === undefined ? undefined : encodePublication(previous),
        excludeClient,
      ),
    );
  }

  notice(channel: string, notice: ChannelNotice): EncodedFrame {
    if (this.#last?.of === notice) return this.#last.encoded;
    return this.#keep(notice, encodeNotification<WorkerCalls, "notice">("notice", channel, notice));
  }

  #keep(of: object, encoded: EncodedFrame): EncodedFrame {
    this.#last = { of, encoded };
    return encoded;
  }
}
