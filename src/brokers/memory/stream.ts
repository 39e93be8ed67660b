import type { HistoryFilter } from "../../core/broker.ts";
import type { Publication, StreamPosition } from "../../core/publication.ts";
import { type KeptPublication, restorePublication } from "./kept-publication.ts";

type Ring = (KeptPublication | undefined)[];

const EMPTY_RING: Ring = [];

/**
 * The stream of one channel: position, version and a window of the newest publications.
 *
 * There may be a million of these: the window is one array that grows with what it holds, in which a
 * publication's place follows from its offset.
 */
export class Stream {
  /** Name of this life of the stream. */
  readonly epoch: string;
  #top = 0;
  #version = 0n;
  #versionEpoch = "";
  #ring = EMPTY_RING;
  #count = 0;

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  get position(): StreamPosition {
    return { offset: this.#top, epoch: this.epoch };
  }

  /** Publications in the window. */
  get count(): number {
    return this.#count;
  }

  /** Whether a publication of this version would be new. Version 0 always is. */
  isNew(version: bigint, versionEpoch: string): boolean {
    if (version === 0n || version > this.#version) return true;
    return versionEpoch !== "" && versionEpoch !== this.#versionEpoch;
  }

  /** Remembers the newest version; 0 leaves the one that is there. */
  setVersion(version: bigint, versionEpoch: string): void {
    if (version === 0n) return;
    this.#version = version;
    this.#versionEpoch = versionEpoch;
  }

  /** Adds the next publication and drops what is beyond `size`; returns its offset. */
  append(publication: KeptPublication, size: number): number {
    while (this.#count >= size) this.#dropOldest();
    if (this.#count === this.#ring.length || this.#ring.length > size) {
      this.#resize(Math.min(size, Math.max(1, this.#count * 2)));
    }
    this.#top += 1;
    this.#count += 1;
    this.#ring[this.#top % this.#ring.length] = publication;
    return this.#top;
  }

  /** Drops the window; position and version stay. */
  clear(): void {
    this.#ring = EMPTY_RING;
    this.#count = 0;
  }

  /** The newest publication of the window. */
  newest(): Publication | undefined {
    return this.#count === 0 ? undefined : this.#at(this.#top);
  }

  /** The part of the window that a filter asks for; epochs are not compared. */
  select({ since, limit, reverse }: HistoryFilter): Publication[] {
    const wanted = limit < 0 ? this.#count : limit;
    const oldest = this.#top - this.#count + 1;
    if (reverse) {
      const to = since === undefined ? this.#top : Math.min(this.#top, since.offset - 1);
      return this.#range(Math.max(oldest, to - wanted + 1), to).toReversed();
    }
    const from = since === undefined ? oldest : Math.max(oldest, since.offset + 1);
    return this.#range(from, Math.min(this.#top, from + wanted - 1));
  }

  #range(from: number, to: number): Publication[] {
    const publications: Publication[] = [];
    for (let offset = from; offset <= to; offset++) {
      const publication = this.#at(offset);
      if (publication !== undefined) publications.push(publication);
    }
    return publications;
  }

  #at(offset: number): Publication | undefined {
    const kept = this.#ring[offset % this.#ring.length];
    return kept === undefined ? undefined : restorePublication(kept, offset, this.epoch);
  }

  #dropOldest(): void {
    this.#ring[(this.#top - this.#count + 1) % this.#ring.length] = undefined;
    this.#count -= 1;
  }

  #resize(capacity: number): void {
    const old = this.#ring;
    const ring: Ring = new Array<KeptPublication | undefined>(capacity).fill(undefined);
    for (let offset = this.#top - this.#count + 1; offset <= this.#top; offset++) {
      ring[offset % capacity] = old[offset % old.length];
    }
    this.#ring = ring;
  }
}
