const FIN = 0x80;
const OPCODE = 0x0f;
/** Opcodes from here on are of control frames, which may stand between the fragments of a message. */
const FIRST_CONTROL = 0x08;
const LENGTH = 0x7f;
const MASK_BYTES = 4;
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;
const MAX_HEADER_BYTES = 14;

/** Follows where frames and messages of one client end (RFC 6455 §5.2), in whatever pieces they come. */
export class FrameBoundaries {
  /** Of the frame that has begun. */
  readonly #header = Buffer.alloc(MAX_HEADER_BYTES);
  #headerBytes = 0;
  /** Bytes of the payload that are still to come. */
  #payloadBytes = 0;
  #isInMessage = false;

  /** Whether the next byte begins a message, or a control frame between messages. */
  get isAtRest(): boolean {
    return this.#headerBytes === 0 && this.#payloadBytes === 0 && !this.#isInMessage;
  }

  /** Follows the next bytes of the client. */
  advance(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#payloadBytes > 0) {
        const skipped = Math.min(this.#payloadBytes, bytes.length - at);
        this.#payloadBytes -= skipped;
        at += skipped;
      } else {
        this.#header[this.#headerBytes] = bytes[at] ?? 0;
        this.#headerBytes += 1;
        at += 1;
        if (this.#headerBytes === headerLength(this.#header)) this.#endHeader();
      }
    }
  }

  #endHeader(): void {
    const first = this.#header[0] ?? 0;
    this.#payloadBytes = payloadLength(this.#header);
    this.#headerBytes = 0;
    this.#header[1] = 0;
    if ((first & OPCODE) < FIRST_CONTROL) this.#isInMessage = (first & FIN) === 0;
  }
}

/** Bytes of the header of a masked frame. Its second byte tells; at least 6. */
function headerLength(header: Buffer): number {
  const length = (header[1] ?? 0) & LENGTH;
  const lengthBytes = length === LENGTH_IN_8_BYTES ? 8 : length === LENGTH_IN_2_BYTES ? 2 : 0;
  return 2 + lengthBytes + MASK_BYTES;
}

function payloadLength(header: Buffer): number {
  const length = (header[1] ?? 0) & LENGTH;
  if (length === LENGTH_IN_8_BYTES) return Number(header.readBigUInt64BE(2));
  return length === LENGTH_IN_2_BYTES ? header.readUInt16BE(2) : length;
}
