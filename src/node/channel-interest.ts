/** What the interest needs of a broker. */
export interface ChannelSource {
  /** Resolves to whether nobody else was subscribed. */
  subscribe(channel: string): Promise<boolean>;
  /** Resolves to whether nobody else is subscribed now. */
  unsubscribe(channel: string): Promise<boolean>;
}

/** Is told of a channel's first and last listener among all. */
export interface OccupancyListener {
  onOccupied(channel: string): void;
  onVacated(channel: string): void;
}

interface Interest {
  /** Settles when the broker has answered the latest call for the channel. */
  ready: Promise<void>;
  wanted: boolean;
}

/**
 * Keeps the broker subscribed to exactly the channels somebody on this node listens to.
 *
 * Calls for one channel reach the broker one after the other, in the order of the changes, so that a quick
 * leave and return can never end with the channel unsubscribed.
 */
export class ChannelInterest {
  readonly #source: ChannelSource;
  readonly #listener: OccupancyListener;
  readonly #interests = new Map<string, Interest>();

  constructor(source: ChannelSource, listener: OccupancyListener) {
    this.#source = source;
    this.#listener = listener;
  }

  /** Resolves once the channel's publications arrive; rejects, and forgets the channel, when the broker refuses. */
  acquire(channel: string): Promise<void> {
    const current = this.#interests.get(channel);
    if (current?.wanted === true) return current.ready;
    const before = current?.ready.catch(ignoreEarlierFailure);
    const subscribe = async (): Promise<void> => {
      if (await this.#source.subscribe(channel)) this.#listener.onOccupied(channel);
    };
    const interest: Interest = {
      wanted: true,
      ready: before === undefined ? subscribe() : before.then(subscribe),
    };
    this.#interests.set(channel, interest);
    interest.ready.catch(() => this.#forget(channel, interest));
    return interest.ready;
  }

  /** The channel's last listener on this node is gone. Rejects when the broker fails to unsubscribe. */
  release(channel: string): Promise<void> {
    const current = this.#interests.get(channel);
    if (current?.wanted !== true) return Promise.resolve();
    const unsubscribe = async (): Promise<void> => {
      if (await this.#source.unsubscribe(channel)) this.#listener.onVacated(channel);
    };
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

/** The caller whose call failed has been told; those queued behind it only wait for it to be over. */
function ignoreEarlierFailure(): void {}
