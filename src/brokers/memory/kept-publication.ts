import { type ClientInfo, Publication, type PublicationInit } from "../../core/publication.ts";

/**
 * A publication at rest: as small as possible, and without a hold on the buffer its payload came in.
 *
 * The usual one, JSON with nothing besides, is no more than its payload: bytes, or a string of one character
 * per byte.
 */
export type KeptPublication = string | Uint8Array | Labelled;

/** One that has more to it than JSON. */
interface Labelled {
  readonly data: string | Uint8Array;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly info: ClientInfo | undefined;
  readonly version: bigint;
  readonly knownJson: boolean;
}

/**
 * Payloads up to this size are kept as strings. A typed array costs some 550 bytes besides its content, and
 * its memory is not on the heap that the garbage collector packs.
 */
const STRING_MAX_BYTES = 1024;

/** Makes publications fit to be kept. Holds on to the latest one, and to no other. */
export class PublicationKeeper {
  #latest: PublicationInit | undefined;
  #latestKept: KeptPublication = "";

  /** The publication as it is to be kept. A broadcast, one publication to many channels, is kept once for all. */
  keep(init: PublicationInit): KeptPublication {
    if (init !== this.#latest) {
      this.#latestKept = keepPublication(init);
      this.#latest = init;
    }
    return this.#latestKept;
  }
}

/** The publication as it was made. Offset and epoch are those of its place in the stream. */
export function restorePublication(kept: KeptPublication, offset: number, epoch: string): Publication {
  if (typeof kept === "string" || kept instanceof Uint8Array) {
    return new Publication({ data: restoreData(kept), knownJson: true }, offset, epoch);
  }
  return new Publication({ ...kept, data: restoreData(kept.data) }, offset, epoch);
}

function keepPublication(init: PublicationInit): KeptPublication {
  const { tags, info, version = 0n, knownJson = false } = init;
  const data = keepData(init.data);
  if (knownJson && tags === undefined && info === undefined && version === 0n) return data;
  return { data, tags, info, version, knownJson };
}

function keepData(data: Uint8Array): string | Uint8Array {
  const { buffer, byteOffset, byteLength } = data;
  if (byteLength <= STRING_MAX_BYTES) {
    return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
  }
  return byteLength * 2 < buffer.byteLength ? new Uint8Array(data) : data;
}

function restoreData(kept: string | Uint8Array): Uint8Array {
  return typeof kept === "string" ? Buffer.from(kept, "latin1") : kept;
}
