import type { Broker } from "../core/broker.ts";

/** What the interest needs of a broker. */
export type ChannelSource = Pick<Broker, "subscribe" | "unsubscribe">;

interface Interest {
  /** Settles when the broker has answered the latest call for the channel. */
  ready: Promise<void>;
  wanted: boolean;
}

/**
 * Keeps the broker subscribed to exactly the channels somebody on this node listens to.
 *
 * Calls for one channel reach the broker one after the other, in the order of the changes, so that a quick leave and
 * return can never end with the channel unsubscribed. Channels that come or go in one turn do so in one call.
 */
export class ChannelInterest {
  readonly #interests = new Map<string, Interest>();
  readonly #subscribing: CallsOfOneTurn;
  readonly #unsubscribing: CallsOfOneTurn;

  constructor(source: ChannelSource) {
    this.#subscribing = new CallsOfOneTurn((channels) => source.subscribe(channels));
    this.#unsubscribing = new CallsOfOneTurn((channels) => source.unsubscribe(channels));
  }

  /** Resolves once the channel's publications arrive; rejects, and forgets the channel, when the broker refuses. */
  acquire(channel: string): Promise<void> {
    const current = this.#interests.get(channel);
    if (current?.wanted === true) return current.ready;
    const before = current?.ready.catch(ignoreEarlierFailure);
    const subscribe = (): Promise<void> => this.#subscribing.add(channel);
    const interest: Interest = { wanted: true, ready: before?.then(subscribe) ?? subscribe() };
    this.#interests.set(channel, interest);
    interest.ready.catch(() => this.#forget(channel, interest));
    return interest.ready;
  }

  /** The channel's last listener on this node is gone. Rejects when the broker fails to unsubscribe. */
  release(channel: string): Promise<void> {
    const current = this.#interests.get(channel);
    if (current?.wanted !== true) return Promise.resolve();
    const unsubscribe = (): Promise<void> => this.#unsubscribing.add(channel);
    const interest: Interest = {
      wanted: false,
      ready: current.ready.catch(ignoreEarlierFailure).then(unsubscribe),
    };
    this.#interests.set(channel, interest);
    const forget = (): void => this.#forget(channel, interest);
    interest.ready.then(forget, forget);
    return interest.ready;
  }

  #forget(channel: string, interest: Interest): void {
    if (this.#interests.get(channel) === interest) this.#interests.delete(channel);
  }
}

/** Makes one call of all that is to be called with in one turn. */
class CallsOfOneTurn {
  readonly #call: (channels: readonly string[]) => Promise<void>;
  #channels: string[] = [];
  #called: Promise<void> = Promise.resolve();

  constructor(call: (channels: readonly string[]) => Promise<void>) {
    this.#call = call;
  }

  add(channel: string): Promise<void> {
    if (this.#channels.push(channel) === 1) {
      this.#called = Promise.resolve().then(() => {
        const channels = this.#channels;
        this.#channels = [];
        return this.#call(channels);
      });
    }
    return this.#called;
  }
}

/** The caller whose call failed has been told; those queued behind it only wait for it to be over. */
function ignoreEarlierFailure(): void {}
