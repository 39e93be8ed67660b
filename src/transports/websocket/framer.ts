import { constants, deflateRawSync } from "node:zlib";
import type { Framer } from "../../core/wire-format.ts";

/** FIN and the opcode of a data frame (RFC 6455 §5.2). */
const FIRST_BYTE = { text: 0x81, binary: 0x82 } as const;
/** RSV1: the payload is compressed (RFC 7692 §6). */
const COMPRESSED = 0x40;
/** How many pushes one WebSocket message carries at most when pushes are joined. */
const MAX_JOINED = 16;
/** The level that Go has, and zlib a strategy, for Huffman coding alone. */
const HUFFMAN_ONLY = -2;

/** How payloads become frames. */
export interface MessageFramerOptions {
  readonly messages: "text" | "binary";
  /** Puts pushes of one flush into one message, with this between them; undefined for a message each. */
  readonly separator: Uint8Array | undefined;
  /** Compresses payloads; undefined sends them as they are. */
  readonly deflate: DeflateOptions | undefined;
}

export interface DeflateOptions {
  /** zlib level, -1 to 9; -2 for Huffman coding alone. */
  readonly level: number;
  /** Payloads of at most this many bytes are not compressed. */
  readonly minBytes: number;
}

/**
 * One push as one unmasked message.
 *
 * Compression is without context takeover, so a compressed frame too is made once for all sessions.
 */
export function createMessageFramer({ messages, separator, deflate }: MessageFramerOptions): Framer {
  const firstByte = FIRST_BYTE[messages];
  const pack = (payload: Uint8Array): Uint8Array => messageFrame(firstByte, payload, deflate);
  const isJoined = separator === undefined ? "" : "+joined";
  const id = `websocket-${messages}${isJoined}${deflate === undefined ? "" : "+deflate"}`;
  if (separator === undefined) return { id, frame: pack, join: (frames) => Buffer.concat(frames) };
  // Joining needs the payloads behind the frames.
  const payloads = new WeakMap<Uint8Array, Uint8Array>();
  return {
    id,
    frame(message) {
      const frame = pack(message);
      payloads.set(frame, message);
      return frame;
    },
    join(frames) {
      const joined = joinPayloads(
        frames.map((frame) => payloads.get(frame) ?? frame),
        separator,
      );
      return Buffer.concat(joined.map(pack));
    },
  };
}

/** Messages of up to 16 pushes each. */
function joinPayloads(payloads: readonly Uint8Array[], separator: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let from = 0; from < payloads.length; from += MAX_JOINED) {
    const group = payloads.slice(from, from + MAX_JOINED);
    messages.push(
      Buffer.concat(group.flatMap((payload, index) => (index === 0 ? [payload] : [separator, payload]))),
    );
  }
  return messages;
}

/** A final frame (RFC 6455 §5.2), compressed where that is wanted. */
function messageFrame(firstByte: number, payload: Uint8Array, options: DeflateOptions | undefined): Buffer {
  if (options === undefined || payload.byteLength <= options.minBytes) return dataFrame(firstByte, payload);
  return dataFrame(firstByte | COMPRESSED, deflatePayload(payload, options.level));
}

function dataFrame(firstByte: number, payload: Uint8Array): Buffer {
  const length = payload.byteLength;
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame[0] = firstByte;
  if (headerBytes === 2) {
    frame[1] = length;
  } else if (headerBytes === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(payload, headerBytes);
  return frame;
}

/** Raw deflate, flushed to a byte boundary, without the four bytes that the receiver puts back (RFC 7692 §7.2.1). */
function deflatePayload(payload: Uint8Array, level: number): Uint8Array {
  const effort = level === HUFFMAN_ONLY ? { strategy: constants.Z_HUFFMAN_ONLY } : { level };
  return deflateRawSync(payload, { ...effort, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}
