/** Bits of a varint's byte that carry a value; the highest one says that more follow. */
const PAYLOAD = 0x80;
const PAYLOAD_BITS = 7;

/** How values follow a tag: a varint, or a length and as many bytes. */
const VARINT = 0;
const DELIMITED = 2;

/** Bytes that a non-negative integer takes as a varint. Exact for all that a number can be exactly, and for bigints. */
export function varintSize(value: number | bigint): number {
  if (typeof value === "bigint") return Math.ceil(value.toString(2).length / PAYLOAD_BITS);
  let size = 1;
  for (let rest = value; rest >= PAYLOAD; rest /= PAYLOAD) size++;
  return size;
}

/** Bytes of a field that holds a varint. */
export function varintFieldSize(field: number, value: number | bigint): number {
  return varintSize(field << 3) + varintSize(value);
}

/** Bytes of a field of so many bytes: a string, `bytes` or a message. */
export function delimitedFieldSize(field: number, length: number): number {
  return varintSize(field << 3) + varintSize(length) + length;
}

/**
 * Writes the fields of a protobuf message, one after the other, into bytes of a size that is known beforehand.
 *
 * For the few messages that are written so often that the generic encoder is too slow. Fields are written as
 * told: which ones are left out, and their order, is the caller's to know.
 */
export class ProtobufWriter {
  readonly bytes: Buffer;
  #at: number;

  /** `reserved` bytes in front of the message are left to the caller. */
  constructor(size: number, reserved = 0) {
    this.bytes = Buffer.allocUnsafe(reserved + size);
    this.#at = reserved;
  }

  /** A non-negative integer. */
  varint(field: number, value: number | bigint): void {
    this.#varint((field << 3) | VARINT);
    if (typeof value === "bigint") this.#bigVarint(value);
    else this.#varint(value);
  }

  /** The beginning of a message of so many bytes; its fields are to follow. */
  message(field: number, length: number): void {
    this.#varint((field << 3) | DELIMITED);
    this.#varint(length);
  }

  data(field: number, data: Uint8Array): void {
    this.message(field, data.length);
    this.bytes.set(data, this.#at);
    this.#at += data.length;
  }

  /** Text with the length that it has in UTF-8. Halves of surrogate pairs become U+FFFD. */
  text(field: number, text: string, length: number): void {
    this.message(field, length);
    // As long in bytes as in characters it is ASCII, which needs no encoding.
    const encoding = length === text.length ? "latin1" : "utf8";
    this.#at += this.bytes.write(text, this.#at, encoding);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= PAYLOAD) {
      this.bytes[this.#at++] = (rest % PAYLOAD) | PAYLOAD;
      rest = Math.floor(rest / PAYLOAD);
    }
    this.bytes[this.#at++] = rest;
  }

  #bigVarint(value: bigint): void {
    let rest = value;
    for (; rest > Number.MAX_SAFE_INTEGER; rest >>= BigInt(PAYLOAD_BITS)) {
      this.bytes[this.#at++] = Number(rest & BigInt(PAYLOAD - 1)) | PAYLOAD;
    }
    this.#varint(Number(rest));
  }
}
