import type {
  Broker,
  BrokerListener,
  BrokerPublishOptions,
  Delivery,
  HistoryFilter,
  HistoryPage,
  PublishResult,
} from "../core/broker.ts";
import { BoundBy, type Counter, type MessageType, type Metrics } from "../core/metrics.ts";
import type { ChannelNotice, NoticeType, PublicationInit } from "../core/publication.ts";

const NOTICE_TYPES: Readonly<Record<NoticeType, MessageType>> = {
  join: "join",
  leave: "leave",
  memberAdded: "member_added",
  memberRemoved: "member_removed",
  subscriptionCount: "subscription_count",
};

/** A broker that counts what it publishes and delivers. */
export class CountedBroker implements Broker {
  readonly #broker: Broker;
  readonly #metrics: Metrics;
  readonly #published: Counter;
  readonly #notices: BoundBy<NoticeType, Counter>;

  constructor(broker: Broker, metrics: Metrics) {
    this.#broker = broker;
    this.#metrics = metrics;
    this.#published = metrics.counter("node_messages_sent_count", { type: "publication" });
    this.#notices = new BoundBy((type) =>
      metrics.counter("node_messages_sent_count", { type: NOTICE_TYPES[type] }),
    );
  }

  get isReliable(): boolean {
    return this.#broker.isReliable;
  }

  start(listener: BrokerListener): Promise<void> {
    return this.#broker.start(new CountingListener(listener, this.#metrics));
  }

  publish(
    channel: string,
    publication: PublicationInit,
    options: BrokerPublishOptions,
  ): Promise<PublishResult> {
    this.#published.add(1);
    return this.#broker.publish(channel, publication, options);
  }

  publishNotice(channel: string, notice: ChannelNotice): Promise<void> {
    this.#notices.of(notice.type).add(1);
    return this.#broker.publishNotice(channel, notice);
  }

  history(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<HistoryPage> {
    return this.#broker.history(channel, filter, metaTtlMs);
  }

  removeHistory(channel: string): Promise<void> {
    return this.#broker.removeHistory(channel);
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#broker.subscribe(channels);
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#broker.unsubscribe(channels);
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}

class CountingListener implements BrokerListener {
  readonly #listener: BrokerListener;
  readonly #delivered: Counter;
  readonly #notices: BoundBy<NoticeType, Counter>;
  readonly #interruptions: Counter;

  constructor(listener: BrokerListener, metrics: Metrics) {
    this.#listener = listener;
    this.#delivered = metrics.counter("node_messages_received_count", { type: "publication" });
    this.#notices = new BoundBy((type) =>
      metrics.counter("node_messages_received_count", { type: NOTICE_TYPES[type] }),
    );
    this.#interruptions = metrics.counter("broker_interruptions_total", {});
  }

  onPublication(channel: string, delivery: Delivery): void {
    this.#delivered.add(1);
    this.#listener.onPublication(channel, delivery);
  }

  onNotice(channel: string, notice: ChannelNotice): void {
    this.#notices.of(notice.type).add(1);
    this.#listener.onNotice(channel, notice);
  }

  onInterrupted(): void {
    this.#interruptions.add(1);
    this.#listener.onInterrupted();
  }
}
