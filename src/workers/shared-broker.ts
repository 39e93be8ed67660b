import type {
  Broker,
  BrokerListener,
  BrokerPublishOptions,
  Delivery,
  HistoryFilter,
  HistoryPage,
  PublishResult,
} from "../core/broker.ts";
import type { ChannelNotice } from "../core/channel-notice.ts";
import type { PublicationInit } from "../core/publication.ts";

/** Lets several nodes use one broker: each has a seat, which is a broker of its own to it. */
export class SharedBroker implements BrokerListener {
  readonly #broker: Broker;
  readonly #channels = new Map<string, SharedChannel>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** To be called once, before the first seat. */
  async start(): Promise<void> {
    await this.#broker.start(this);
  }

  /** A seat at the broker. */
  join(): BrokerSeat {
    return new BrokerSeat(this, this.#broker);
  }

  onPublication(channel: string, delivery: Delivery): void {
    for (const seat of this.#seatsOf(channel)) seat.listener?.onPublication(channel, delivery);
  }

  onNotice(channel: string, notice: ChannelNotice): void {
    for (const seat of this.#seatsOf(channel)) seat.listener?.onNotice(channel, notice);
  }

  /** Resolves to whether nobody was subscribed before. */
  async subscribe(channel: string, seat: BrokerSeat): Promise<boolean> {
    const shared = this.#channels.get(channel);
    if (shared !== undefined) {
      shared.seats.add(seat);
      await shared.ready;
      return false;
    }
    const first = { seats: new Set([seat]), ready: this.#broker.subscribe(channel) };
    this.#channels.set(channel, first);
    try {
      await first.ready;
    } catch (error) {
      if (this.#channels.get(channel) === first) this.#channels.delete(channel);
      throw error;
    }
    return true;
  }

  /** Resolves to whether nobody is subscribed any more. */
  async unsubscribe(channel: string, seat: BrokerSeat): Promise<boolean> {
    const seats = this.#channels.get(channel)?.seats;
    if (seats?.delete(seat) !== true || seats.size > 0) return false;
    this.#channels.delete(channel);
    await this.#broker.unsubscribe(channel);
    return true;
  }

  async close(): Promise<void> {
    await this.#broker.close();
  }

  #seatsOf(channel: string): ReadonlySet<BrokerSeat> {
    return this.#channels.get(channel)?.seats ?? NOBODY;
  }
}

/** A channel that somebody is subscribed to. */
interface SharedChannel {
  readonly seats: Set<BrokerSeat>;
  /** Settles when the broker has answered. */
  readonly ready: Promise<boolean>;
}

const NOBODY: ReadonlySet<BrokerSeat> = new Set();

/** One node's place at a shared broker. */
export class BrokerSeat implements Broker {
  readonly #shared: SharedBroker;
  readonly #broker: Broker;
  readonly #channels = new Set<string>();
  /** Undefined before the start and after the end. */
  listener: BrokerListener | undefined;

  constructor(shared: SharedBroker, broker: Broker) {
    this.#shared = shared;
    this.#broker = broker;
  }

  async start(listener: BrokerListener): Promise<void> {
    this.listener = listener;
  }

  publish(
    channel: string,
    publication: PublicationInit,
    options: BrokerPublishOptions,
  ): Promise<PublishResult> {
    return this.#broker.publish(channel, publication, options);
  }

  publishNotice(channel: string, notice: ChannelNotice): Promise<void> {
    return this.#broker.publishNotice(channel, notice);
  }

  history(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<HistoryPage> {
    return this.#broker.history(channel, filter, metaTtlMs);
  }

  removeHistory(channel: string): Promise<void> {
    return this.#broker.removeHistory(channel);
  }

  async subscribe(channel: string): Promise<boolean> {
    if (this.#channels.has(channel)) return false;
    this.#channels.add(channel);
    try {
      return await this.#shared.subscribe(channel, this);
    } catch (error) {
      this.#channels.delete(channel);
      throw error;
    }
  }

  async unsubscribe(channel: string): Promise<boolean> {
    if (!this.#channels.delete(channel)) return false;
    return this.#shared.unsubscribe(channel, this);
  }

  /** Leaves all channels; the broker itself stays. */
  async close(): Promise<void> {
    await this.leave();
  }

  /** Leaves all channels; resolves to those that nobody is subscribed to any more. */
  async leave(): Promise<readonly string[]> {
    this.listener = undefined;
    const vacated: string[] = [];
    for (const channel of this.#channels) {
      if (await this.#shared.unsubscribe(channel, this)) vacated.push(channel);
    }
    this.#channels.clear();
    return vacated;
  }
}
