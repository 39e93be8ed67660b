/** Bytes in front of each frame: its length. */
export const LENGTH_BYTES = 4;
/** Bytes at the front of a frame that tell what it is: 0 for bytes of the user's own, anything else for a message. */
export const FRAME_MARK_BYTES = 1;

/** Cuts a stream of bytes into frames, each behind its length (32 bits, little-endian). */
export class LinkReader {
  readonly #onFrame: (frame: Buffer) => void;
  /** Chunks of which no frame has been made yet. */
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes that the next frame needs, its length included; while that is unknown, those of the length. */
  #needed = LENGTH_BYTES;

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  /** Takes the next bytes of the stream. A frame is valid for good: it is never written to again. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered < this.#needed) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    for (;;) {
      this.#needed = bytes.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + bytes.readUInt32LE(0);
      if (bytes.length < this.#needed) break;
      this.#onFrame(bytes.subarray(LENGTH_BYTES, this.#needed));
      bytes = bytes.subarray(this.#needed);
    }
    this.#chunks = bytes.length === 0 ? [] : [bytes];
    this.#buffered = bytes.length;
  }
}
