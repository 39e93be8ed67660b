import type { ClientInfo } from "../../core/client-info.ts";
import { Publication, type PublicationInit } from "../../core/publication.ts";

/**
 * Payloads up to this size are kept as strings of one character per byte. A typed array costs some 550 bytes
 * besides its content, and its memory is not on the heap that the garbage collector moves and packs.
 */
const PACKED_MAX_BYTES = 1024;

/** A publication at rest: as small as possible, and without a hold on the buffer its payload came in. */
export class KeptPublication {
  readonly #data: string | Uint8Array;
  readonly #tags: Readonly<Record<string, string>> | undefined;
  readonly #info: ClientInfo | undefined;
  readonly #knownJson: boolean;

  constructor(init: PublicationInit) {
    this.#data = keep(init.data);
    this.#tags = init.tags;
    this.#info = init.info;
    this.#knownJson = init.knownJson === true;
  }

  /** The publication as it was made. Offset and epoch are those of its place in the stream. */
  restore(offset: number, epoch: string): Publication {
    const data = typeof this.#data === "string" ? Buffer.from(this.#data, "latin1") : this.#data;
    const init = { data, tags: this.#tags, info: this.#info, knownJson: this.#knownJson };
    return new Publication(init, offset, epoch);
  }
}

function keep(data: Uint8Array): string | Uint8Array {
  const { buffer, byteOffset, byteLength } = data;
  if (byteLength <= PACKED_MAX_BYTES) {
    return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
  }
  return byteLength * 2 < buffer.byteLength ? new Uint8Array(data) : data;
}
