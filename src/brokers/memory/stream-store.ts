import type { HistoryOptions } from "../../core/channel-options.ts";
import type { Clock } from "../../core/clock.ts";
import { type Expiring, ExpiryQueue } from "./expiry-queue.ts";
import type { KeptPublication } from "./kept-publication.ts";
import { Stream } from "./stream.ts";

const EPOCH_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const EPOCH_LENGTH = 8;

/** A stream in the store, with its times. */
class StoredStream extends Stream implements Expiring<StoredStream> {
  readonly channel: string;
  /** When the window is dropped; without meaning while it is empty. */
  keptUntilMs: number;
  /** When position and version are forgotten. */
  knownUntilMs: number;
  previous: StoredStream | undefined = undefined;
  next: StoredStream | undefined = undefined;
  list = -1;
  dueTick = 0;

  constructor(channel: string, epoch: string, nowMs: number) {
    super(epoch);
    this.channel = channel;
    this.keptUntilMs = nowMs;
    this.knownUntilMs = nowMs;
  }

  /** When it next has something to lose. */
  get expireAtMs(): number {
    return this.count > 0 ? Math.min(this.keptUntilMs, this.knownUntilMs) : this.knownUntilMs;
  }
}

/**
 * The streams of all channels, each for as long as it lives.
 *
 * What has expired is gone for whoever asks, at that very millisecond. Its memory is freed by sweeps, which
 * somebody has to order every now and then.
 *
 * Streams are begun by reading, too, and so by whoever listens to channels that strangers make up. Of those that never
 * had a publication there are only so many: a further one takes the place of the one that has been unused for longest.
 */
export class StreamStore {
  readonly #streams = new Map<string, StoredStream>();
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #maxUnpublished: number;
  /** The longest unused first. */
  readonly #unpublished = new Set<StoredStream>();
  /** What it has passed is gone: a new one would have to pass over all of that. */
  #longestUnused: SetIterator<StoredStream> = this.#unpublished.values();
  readonly #expiry: ExpiryQueue<StoredStream> = new ExpiryQueue((stream, nowMs) =>
    this.#review(stream, nowMs),
  );

  constructor(clock: Clock, random: () => number, maxUnpublished: number) {
    this.#clock = clock;
    this.#random = random;
    this.#maxUnpublished = maxUnpublished;
  }

  /** Streams in memory, among them expired ones that wait for the sweep. */
  get size(): number {
    return this.#streams.size;
  }

  /** The channel's stream as it is at this moment; undefined where there is none. */
  find(channel: string): Stream | undefined {
    return this.#find(channel, this.#clock.monotonicMs());
  }

  /** The channel's stream, begun where there is none. It lives for another `metaTtlMs`. */
  touch(channel: string, metaTtlMs: number): Stream {
    const nowMs = this.#clock.monotonicMs();
    const stream = this.#find(channel, nowMs) ?? this.#begin(channel, nowMs);
    if (this.#unpublished.delete(stream)) this.#unpublished.add(stream);
    stream.knownUntilMs = nowMs + metaTtlMs;
    this.#expiry.schedule(stream, stream.expireAtMs, nowMs);
    return stream;
  }

  /** Adds to the channel's stream, begun where there is none; its times start anew. Returns the stream. */
  append(channel: string, publication: KeptPublication, { size, ttlMs, metaTtlMs }: HistoryOptions): Stream {
    const nowMs = this.#clock.monotonicMs();
    const stream = this.#find(channel, nowMs) ?? this.#begin(channel, nowMs);
    if (stream.append(publication, size) === 1) this.#unpublished.delete(stream);
    stream.keptUntilMs = nowMs + ttlMs;
    stream.knownUntilMs = nowMs + metaTtlMs;
    this.#expiry.schedule(stream, stream.expireAtMs, nowMs);
    return stream;
  }

  /** Frees what has expired, `maxStreams` at most; the rest waits for the next sweep. */
  sweep(maxStreams: number): void {
    this.#expiry.sweep(this.#clock.monotonicMs(), maxStreams);
  }

  clear(): void {
    this.#streams.clear();
    this.#expiry.clear();
    this.#unpublished.clear();
  }

  #find(channel: string, nowMs: number): StoredStream | undefined {
    const stream = this.#streams.get(channel);
    if (stream === undefined || nowMs < stream.expireAtMs) return stream;
    if (nowMs < stream.knownUntilMs) {
      stream.clear();
      return stream;
    }
    this.#forget(stream);
    return undefined;
  }

  #begin(channel: string, nowMs: number): StoredStream {
    while (this.#unpublished.size >= this.#maxUnpublished) this.#forgetLongestUnused();
    const stream = new StoredStream(channel, this.#newEpoch(), nowMs);
    this.#streams.set(channel, stream);
    this.#unpublished.add(stream);
    return stream;
  }

  #forget(stream: StoredStream): void {
    this.#expiry.cancel(stream);
    this.#streams.delete(stream.channel);
    this.#unpublished.delete(stream);
  }

  #forgetLongestUnused(): void {
    const { value: stream } = this.#longestUnused.next();
    if (stream === undefined) this.#longestUnused = this.#unpublished.values();
    else this.#forget(stream);
  }

  #review(stream: StoredStream, nowMs: number): number | undefined {
    return this.#find(stream.channel, nowMs)?.expireAtMs;
  }

  #newEpoch(): string {
    let epoch = "";
    for (let length = 0; length < EPOCH_LENGTH; length++) {
      epoch += EPOCH_LETTERS.charAt(Math.floor(this.#random() * EPOCH_LETTERS.length));
    }
    return epoch;
  }
}
