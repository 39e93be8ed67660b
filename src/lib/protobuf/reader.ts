/** Bits of a varint's byte that carry a value; the highest one says that more follow. */
const MORE = 0x80;
/** A 64-bit number takes so many bytes at most. */
const MAX_VARINT_BYTES = 10;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/**
 * Reads the fields of a protobuf message, one after the other.
 *
 * For the few messages that are read so often that the generic decoder is too slow. After `next` exactly one of the
 * methods for the field's value is to be called, `skip` for a field that is not known. All throw where the bytes end early.
 */
export class ProtobufReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  #wireType = VARINT;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = bytes.byteLength;
  }

  /** Number of the next field; 0 at the end of the message. */
  next(): number {
    if (this.#at >= this.#end) return 0;
    const tag = this.#varint();
    this.#wireType = tag & 7;
    return tag >>> 3;
  }

  /** A non-negative integer; exact up to 2^53. */
  varint(): number {
    this.#expect(VARINT);
    return this.#varint();
  }

  /** An unsigned integer of 64 bits. */
  bigVarint(): bigint {
    this.#expect(VARINT);
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte % MORE) << shift;
      if (byte < MORE) return BigInt.asUintN(64, value);
    }
    throw new RangeError("a varint of more than ten bytes");
  }

  /** The bytes of a field; a view of the message's. */
  data(): Buffer {
    const begin = this.#passDelimited();
    return this.#bytes.subarray(begin, this.#at);
  }

  /** A field of text. */
  text(): string {
    const begin = this.#passDelimited();
    return this.#bytes.toString("utf8", begin, this.#at);
  }

  /** Passes over the value of a field. */
  skip(): void {
    switch (this.#wireType) {
      case VARINT:
        this.bigVarint();
        return;
      case FIXED64:
        return this.#pass(8);
      case DELIMITED:
        this.#passDelimited();
        return;
      case FIXED32:
        return this.#pass(4);
      default:
        throw new RangeError(`wire type ${this.#wireType}`);
    }
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < MAX_VARINT_BYTES; count++) {
      const byte = this.#byte();
      value += (byte % MORE) * scale;
      if (byte < MORE) return value;
      scale *= MORE;
    }
    throw new RangeError("a varint of more than ten bytes");
  }

  #passDelimited(): number {
    this.#expect(DELIMITED);
    const length = this.#varint();
    const begin = this.#at;
    this.#pass(length);
    return begin;
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw new RangeError(`wire type ${this.#wireType} for ${wireType}`);
  }

  #pass(length: number): void {
    this.#at += length;
    if (this.#at > this.#end) throw new RangeError("a message that ends early");
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new RangeError("a message that ends early");
    return this.#bytes[this.#at++] ?? 0;
  }
}
