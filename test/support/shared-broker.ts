import { MemoryBroker } from "../../src/brokers/memory/memory-broker.ts";
import { MemoryPresenceManager } from "../../src/brokers/memory/memory-presence-manager.ts";
import type { Broker, BrokerListener } from "../../src/core/broker.ts";
import { FakeClock } from "./fake-clock.ts";
import type { TestCluster } from "./test-node.ts";

/** One node at the shared broker. */
interface Member {
  readonly subscribed: Set<string>;
  listener: BrokerListener | undefined;
}

/** A memory broker and its presence manager for several nodes of one process: what is published reaches all of them. */
export class SharedBroker implements TestCluster {
  readonly clock: FakeClock = new FakeClock();
  readonly presence: MemoryPresenceManager = new MemoryPresenceManager();
  readonly #broker: MemoryBroker;
  readonly #members = new Set<Member>();

  private constructor() {
    this.#broker = new MemoryBroker({
      clock: this.clock,
      idempotencyTtlMs: 300_000,
      idempotencyMaxKeys: 1000,
    });
  }

  static async start(): Promise<SharedBroker> {
    const shared = new SharedBroker();
    await shared.#broker.start({
      onPublication: (channel, delivery) =>
        shared.#tell(channel, (listener) => listener.onPublication(channel, delivery)),
      onNotice: (channel, notice) => shared.#tell(channel, (listener) => listener.onNotice(channel, notice)),
    });
    return shared;
  }

  /** The broker as one more node sees it. */
  newBroker(): Broker {
    const broker = this.#broker;
    const member: Member = { subscribed: new Set(), listener: undefined };
    this.#members.add(member);
    return {
      async start(listener) {
        member.listener = listener;
      },
      publish: (channel, publication, options) => broker.publish(channel, publication, options),
      publishNotice: (channel, notice) => broker.publishNotice(channel, notice),
      history: (channel, filter, metaTtlMs) => broker.history(channel, filter, metaTtlMs),
      removeHistory: (channel) => broker.removeHistory(channel),
      subscribe: (channel) => {
        member.subscribed.add(channel);
        return broker.subscribe(channel);
      },
      unsubscribe: async (channel) => {
        member.subscribed.delete(channel);
        return this.#listenersOf(channel).length === 0 && broker.unsubscribe(channel);
      },
      close: async () => {
        this.#members.delete(member);
      },
    };
  }

  #tell(channel: string, tell: (listener: BrokerListener) => void): void {
    for (const listener of this.#listenersOf(channel)) tell(listener);
  }

  #listenersOf(channel: string): readonly BrokerListener[] {
    return [...this.#members].flatMap(({ subscribed, listener }) =>
      listener !== undefined && subscribed.has(channel) ? [listener] : [],
    );
  }
}
