import type { HistoryFilter, HistoryPage } from "../core/broker.ts";
import type { RecoveryMode } from "../core/channel-options.ts";
import type { Publication } from "../core/publication.ts";
import type { StreamPosition } from "../core/stream-position.ts";

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
