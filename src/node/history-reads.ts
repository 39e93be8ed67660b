import type { Broker, HistoryFilter, HistoryPage } from "../core/broker.ts";

interface Read {
  readonly channel: string;
  readonly filter: HistoryFilter;
  readonly metaTtlMs: number;
  readonly resolve: (page: Promise<HistoryPage>) => void;
  readonly page: Promise<HistoryPage>;
}

/**
 * Reads of histories, of which many are the same when many clients come back at once.
 *
 * Those of one turn of the event loop that ask for the same share one answer. It is asked for when the turn is over,
 * after whatever each of them has done before: what is published from then on is delivered to whoever has subscribed.
 */
export class HistoryReads {
  readonly #broker: Pick<Broker, "history">;
  #waiting = new Map<string, Read>();
  readonly #readAll = (): void => {
    const reads = this.#waiting;
    this.#waiting = new Map();
    for (const { channel, filter, metaTtlMs, resolve } of reads.values()) {
      resolve(this.#broker.history(channel, filter, metaTtlMs));
    }
  };

  constructor(broker: Pick<Broker, "history">) {
    this.#broker = broker;
  }

  /** A page of a channel's history, as `Broker.history` has it. Nobody may change it. */
  read(channel: string, filter: HistoryFilter, metaTtlMs: number): Promise<HistoryPage> {
    const { since, limit, reverse } = filter;
    const key = `${since?.offset ?? ""} ${since?.epoch ?? ""} ${limit} ${reverse} ${metaTtlMs} ${channel}`;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting.page;
    if (this.#waiting.size === 0) setImmediate(this.#readAll);
    const { promise: page, resolve } = Promise.withResolvers<HistoryPage>();
    this.#waiting.set(key, { channel, filter, metaTtlMs, resolve, page });
    return page;
  }
}
