import { BoundBy, type Counter, type FrameType, type Metrics, NO_METRICS } from "../core/metrics.ts";
import type { FrameKind, FrameSequence } from "./frame-sequence.ts";

const FRAME_TYPES: Readonly<Record<FrameKind, FrameType>> = {
  ping: "server_ping",
  connect: "push_connect",
  publication: "push_publication",
  join: "push_join",
  leave: "push_leave",
  memberAdded: "push_member_added",
  memberRemoved: "push_member_removed",
  subscriptionCount: "push_subscription_count",
  subscribe: "push_subscribe",
  unsubscribe: "push_unsubscribe",
  refresh: "push_refresh",
  disconnect: "push_disconnect",
  reply: "reply",
  eventId: "event_id",
};

/** Counters of one kind of frame over one transport. */
interface FrameCounters {
  readonly messages: Counter;
  readonly bytes: Counter;
}

/** Messages and bytes that have been written, by transport and what is in them. */
export class Traffic {
  readonly #transports: BoundBy<string, BoundBy<FrameKind, FrameCounters>>;

  constructor(metrics: Metrics) {
    const bindFrames = (transport: string, kind: FrameKind): FrameCounters => {
      const labels = { transport, frame_type: FRAME_TYPES[kind] };
      return {
        messages: metrics.counter("transport_messages_sent", labels),
        bytes: metrics.counter("transport_messages_sent_size", labels),
      };
    };
    this.#transports = new BoundBy((transport) => new BoundBy((kind) => bindFrames(transport, kind)));
  }

  /** Counts the frames of a sequence as often as it has been written. */
  count(sequence: FrameSequence, transport: string): void {
    const counters = this.#transports.of(transport);
    const { writeCount } = sequence;
    sequence.forEach((frame, kind) => {
      const { messages, bytes } = counters.of(kind);
      messages.add(writeCount);
      bytes.add(writeCount * frame.byteLength);
    });
  }
}

/** What is written, where anybody looks at it. */
export function trafficOf(metrics: Metrics): Traffic | undefined {
  return metrics === NO_METRICS ? undefined : new Traffic(metrics);
}
