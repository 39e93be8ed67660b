import type {
  Broker,
  BrokerListener,
  BrokerPublishOptions,
  HistoryFilter,
  HistoryPage,
  PublishResult,
} from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import { Publication, type PublicationInit } from "../core/publication.ts";
import { decodePublication, encodePublication } from "../wire/publication.ts";
import { decodePush, encodeNotice } from "../wire/push.ts";
import type { PrimaryLink } from "./worker-link.ts";

/** The primary's broker, as a worker reaches it. */
export class RemoteBroker implements Broker {
  /** Known when the worker begins. */
  isReliable = false;
  readonly #link: PrimaryLink;
  #listener: BrokerListener | undefined;

  constructor(link: PrimaryLink) {
    this.#link = link;
  }

  /** Takes what the primary delivers. */
  onPush(bytes: Uint8Array): void {
    const push = decodePush(bytes);
    if (push.type === "delivery") this.#listener?.onPublication(push.channel, push.delivery);
    else this.#listener?.onNotice(push.channel, push.notice);
  }

  onInterrupted(): void {
    this.#listener?.onInterrupted();
  }

  async start(listener: BrokerListener): Promise<void> {
    this.#listener = listener;
  }

  publish(channel: string, init: PublicationInit, options: BrokerPublishOptions): Promise<PublishResult> {
    return this.#link.call("publish", channel, encodePublication(new Publication(init)), options);
  }

  publishNotice(channel: string, notice: ChannelNotice): Promise<void> {
    return this.#link.call("publishNotice", encodeNotice(channel, notice));
  }

  async history(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<HistoryPage> {
    const { publications, position } = await this.#link.call("history", channel, filter, metaTtlMs);
    return { publications: publications.map((bytes) => decodePublication(bytes).publication), position };
  }

  removeHistory(channel: string): Promise<void> {
    return this.#link.call("removeHistory", channel);
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#link.call("subscribe", channels);
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#link.call("unsubscribe", channels);
  }

  /** The primary's broker stays. */
  async close(): Promise<void> {
    this.#listener = undefined;
  }
}
