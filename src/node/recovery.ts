import type { Broker, HistoryFilter, HistoryPage } from "../core/broker.ts";
import type { RecoveryMode } from "../core/channel-options.ts";
import type { Publication, StreamPosition } from "../core/publication.ts";

/** Reads a channel's history. */
export type HistoryReader = (filter: HistoryFilter) => Promise<HistoryPage>;

/** What a returning subscriber gets. */
export interface Recovery {
  /** Where the stream stood when it was read. */
  readonly top: StreamPosition;
  /** Whether the subscriber is up to date with what follows. */
  readonly recovered: boolean;
  /** What it missed, in order; never a part of it. */
  readonly publications: readonly Publication[];
}

/**
 * Finds what a subscriber missed since a position (docs/protocols/channels.md §3.4).
 *
 * In stream mode that is everything, up to `limit` publications (negative for any number), and an empty epoch matches
 * any; in cache mode the latest publication, unless position and epoch are those of the top.
 */
export function recover(
  read: HistoryReader,
  mode: RecoveryMode,
  since: StreamPosition,
  limit: number,
): Promise<Recovery> {
  return mode === "cache" ? recoverCache(read, since) : recoverStream(read, since, limit);
}

async function recoverStream(read: HistoryReader, since: StreamPosition, limit: number): Promise<Recovery> {
  // An epoch here would make a mismatch an error; it is an ordinary outcome.
  const page = await read({ since: { offset: since.offset, epoch: "" }, limit, reverse: false });
  const { publications, position: top } = page;
  const first = publications[0];
  const last = publications.at(-1);
  const isComplete =
    first === undefined || last === undefined
      ? top.offset === since.offset
      : first.offset === since.offset + 1 && last.offset === top.offset;
  const recovered = isComplete && (since.epoch === "" || since.epoch === top.epoch);
  return { top, recovered, publications: recovered ? publications : [] };
}

async function recoverCache(read: HistoryReader, since: StreamPosition): Promise<Recovery> {
  const { publications, position: top } = await read({ limit: 1, reverse: true });
  const latest = publications[0];
  const isThere = since.offset > 0 && since.offset === top.offset && since.epoch === top.epoch;
  const recovered = latest === undefined ? isThere : latest.offset === top.offset;
  return { top, recovered, publications: latest !== undefined && recovered && !isThere ? [latest] : [] };
}

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
