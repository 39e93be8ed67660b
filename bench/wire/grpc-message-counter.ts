const PREFIX_BYTES = 5;

/** Counts the bytes of a stream's gRPC messages, prefixes included, but for empty ones: those are pings. */
export class GrpcMessageCounter {
  #prefixFill = 0;
  #messageBytes = 0;
  #bytesLeft = 0;

  /** Takes a piece of the stream; returns the bytes of all messages that end in it. */
  count(bytes: Uint8Array, start: number, end: number): number {
    let counted = 0;
    let at = start;
    while (at < end) {
      if (this.#prefixFill < PREFIX_BYTES) {
        // The flag in front of the length is 0 and shifted out.
        this.#messageBytes = ((this.#messageBytes << 8) | (bytes[at++] ?? 0)) >>> 0;
        this.#prefixFill += 1;
        this.#bytesLeft = this.#messageBytes;
      } else {
        const step = Math.min(this.#bytesLeft, end - at);
        at += step;
        this.#bytesLeft -= step;
      }
      if (this.#prefixFill < PREFIX_BYTES || this.#bytesLeft > 0) continue;
      if (this.#messageBytes > 0) counted += PREFIX_BYTES + this.#messageBytes;
      this.#prefixFill = 0;
      this.#messageBytes = 0;
    }
    return counted;
  }
}
