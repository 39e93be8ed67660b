import type { Delivery } from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import { type EncodedNotification, encodeNotification } from "../lib/link/message-link.ts";
import type { WorkerCalls } from "./calls.ts";
import { encodePublication } from "./wire.ts";

/** Encodes what goes to one worker after the other once for all of them. */
export class SharedEncoder {
  #last: { readonly of: object; readonly encoded: EncodedNotification } | undefined;

  delivery(channel: string, delivery: Delivery): EncodedNotification {
    if (this.#last?.of === delivery) return this.#last.encoded;
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

  notice(channel: string, notice: ChannelNotice): EncodedNotification {
    if (this.#last?.of === notice) return this.#last.encoded;
    return this.#keep(notice, encodeNotification<WorkerCalls, "notice">("notice", channel, notice));
  }

  #keep(of: object, encoded: EncodedNotification): EncodedNotification {
    this.#last = { of, encoded };
    return encoded;
  }
}
