import type {
  Broker,
  BrokerListener,
  BrokerPublishOptions,
  Delivery,
  HistoryFilter,
  HistoryPage,
  PublishResult,
} from "../core/broker.ts";
import type { ChannelNotice, PublicationInit } from "../core/publication.ts";

/** Lets the processes of one machine use one broker: each is a member, which is a broker of its own to it. */
export class SharedBroker implements BrokerListener {
  readonly #broker: Broker;
  readonly #channels = new Map<string, SharedChannel>();
  readonly #members = new Set<BrokerMember>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get isReliable(): boolean {
    return this.#broker.isReliable;
  }

  /** To be called once, before the first member joins. */
  async start(): Promise<void> {
    await this.#broker.start(this);
  }

  join(): BrokerMember {
    const member = new BrokerMember(this, this.#broker);
    this.#members.add(member);
    return member;
  }

  onPublication(channel: string, delivery: Delivery): void {
    for (const member of this.#membersOf(channel)) member.listener?.onPublication(channel, delivery);
  }

  onNotice(channel: string, notice: ChannelNotice): void {
    for (const member of this.#membersOf(channel)) member.listener?.onNotice(channel, notice);
  }

  onInterrupted(): void {
    for (const member of this.#members) member.listener?.onInterrupted();
  }

  /** Subscribes the broker to those channels that nobody was subscribed to. */
  async subscribe(channels: readonly string[], member: BrokerMember): Promise<void> {
    const fresh = channels.filter((channel) => !this.#channels.has(channel));
    const subscribed = fresh.length > 0 ? this.#broker.subscribe(fresh) : Promise.resolve();
    const created = new Map<string, SharedChannel>();
    for (const channel of fresh) {
      const shared = { members: new Set<BrokerMember>(), ready: subscribed };
      created.set(channel, shared);
      this.#channels.set(channel, shared);
    }
    const shared = channels.flatMap((channel) => this.#channels.get(channel) ?? []);
    for (const { members } of shared) members.add(member);
    try {
      await Promise.all(shared.map(({ ready }) => ready));
    } catch (error) {
      for (const [channel, { ready }] of created) {
        if (this.#channels.get(channel)?.ready === ready) this.#channels.delete(channel);
      }
      throw error;
    }
  }

  /** Unsubscribes the broker from those channels that nobody else is subscribed to. */
  async unsubscribe(channels: readonly string[], member: BrokerMember): Promise<void> {
    const vacated = channels.filter((channel) => {
      const members = this.#channels.get(channel)?.members;
      return members?.delete(member) === true && members.size === 0;
    });
    for (const channel of vacated) this.#channels.delete(channel);
    if (vacated.length > 0) await this.#broker.unsubscribe(vacated);
  }

  leave(member: BrokerMember): void {
    this.#members.delete(member);
  }

  #membersOf(channel: string): ReadonlySet<BrokerMember> {
    return this.#channels.get(channel)?.members ?? NOBODY;
  }
}

/** A channel that somebody is subscribed to. */
interface SharedChannel {
  readonly members: Set<BrokerMember>;
  /** Settles when the broker has answered. */
  readonly ready: Promise<void>;
}

const NOBODY: ReadonlySet<BrokerMember> = new Set();

/** A shared broker as one of the processes uses it. */
export class BrokerMember implements Broker {
  readonly #shared: SharedBroker;
  readonly #broker: Broker;
  readonly #channels = new Set<string>();
  /** Undefined before the start and after the end. */
  listener: BrokerListener | undefined;

  constructor(shared: SharedBroker, broker: Broker) {
    this.#shared = shared;
    this.#broker = broker;
  }

  get isReliable(): boolean {
    return this.#broker.isReliable;
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

  async subscribe(channels: readonly string[]): Promise<void> {
    const fresh = channels.filter((channel) => !this.#channels.has(channel));
    for (const channel of fresh) this.#channels.add(channel);
    try {
      await this.#shared.subscribe(fresh, this);
    } catch (error) {
      for (const channel of fresh) this.#channels.delete(channel);
      throw error;
    }
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#shared.unsubscribe(
      channels.filter((channel) => this.#channels.delete(channel)),
      this,
    );
  }

  /** Leaves all channels; the broker itself stays. Idempotent. */
  async close(): Promise<void> {
    this.listener = undefined;
    this.#shared.leave(this);
    await this.unsubscribe([...this.#channels]);
  }
}
