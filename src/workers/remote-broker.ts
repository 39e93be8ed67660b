import type {
  Broker,
  BrokerListener,
  BrokerPublishOptions,
  HistoryFilter,
  HistoryPage,
  PublishResult,
} from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import type { PublicationInit } from "../core/publication.ts";
import type { WorkerCalls } from "./calls.ts";
import { decodePlainDelivery } from "./plain-delivery.ts";
import { decodePublication } from "./wire.ts";
import type { PrimaryLink } from "./worker-link.ts";

/** The primary's broker, as a worker reaches it. */
export class RemoteBroker implements Broker {
  readonly #link: PrimaryLink;
  #listener: BrokerListener | undefined;

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  /** Takes what the primary delivers. */
  readonly deliveries: Pick<WorkerCalls, "deliver" | "notice"> = {
    deliver: (channel, wire, wirePrevious, excludeClient) => {
      const previous = wirePrevious === undefined ? undefined : decodePublication(wirePrevious);
      this.#listener?.onPublication(channel, {
        publication: decodePublication(wire),
        previous,
        excludeClient,
      });
    },
    notice: (channel, notice) => this.#listener?.onNotice(channel, notice),
  };

  /** Takes a delivery that came as bytes. */
  deliverPlain(frame: Buffer): void {
    const [channel, delivery] = decodePlainDelivery(frame);
    this.#listener?.onPublication(channel, delivery);
  }

  async start(listener: BrokerListener): Promise<void> {
    this.#listener = listener;
  }

  publish(channel: string, init: PublicationInit, options: BrokerPublishOptions): Promise<PublishResult> {
    const { data, tags, info, version = 0n, knownJson = false } = init;
    return this.#link.call("publish", channel, { data, tags, info, version, knownJson }, options);
  }

  publishNotice(channel: string, notice: ChannelNotice): Promise<void> {
    return this.#link.call("publishNotice", channel, notice);
  }

  async history(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<HistoryPage> {
    const { publications, position } = await this.#link.call("history", channel, filter, metaTtlMs);
    return { publications: publications.map(decodePublication), position };
  }

  removeHistory(channel: string): Promise<void> {
    return this.#link.call("removeHistory", channel);
  }

  subscribe(channel: string): Promise<boolean> {
    return this.#link.call("subscribe", channel);
  }

  unsubscribe(channel: string): Promise<boolean> {
    return this.#link.call("unsubscribe", channel);
  }

  /** The primary's broker stays. */
  async close(): Promise<void> {
    this.#listener = undefined;
  }
}
