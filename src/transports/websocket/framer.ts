import { constants, deflateRawSync } from "node:zlib";
import type { Framer } from "../../core/wire-format.ts";

/** FIN and the text opcode (RFC 6455 §5.2). */
const TEXT = 0x81;
/** RSV1: the payload is compressed (RFC 7692 §6). */
const COMPRESSED = 0x40;
const LF = Buffer.from("\n");
/** How many pushes one WebSocket message carries at most when pushes are joined. */
const MAX_JOINED = 16;
/** The level that Go has, and zlib a strategy, for Huffman coding alone. */
const HUFFMAN_ONLY = -2;

/** How payloads become frames. */
export interface TextFramerOptions {
  /** Puts pushes of one flush into one message, divided by line breaks. */
  readonly joinMessages: boolean;
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
 * One push as one unmasked text message.
 *
 * Compression is without context takeover, so a compressed frame too is made once for all sessions.
 */
export function createTextFramer({ joinMessages, deflate }: TextFramerOptions): Framer {
  const pack = (payload: Uint8Array): Uint8Array => textFrame(payload, deflate);
  const id = `websocket${joinMessages ? "+joined" : ""}${deflate === undefined ? "" : "+deflate"}`;
  if (!joinMessages) return { id, frame: pack, join: (frames) => Buffer.concat(frames) };
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
      const messages = joinPayloads(frames.map((frame) => payloads.get(frame) ?? frame));
      return Buffer.concat(messages.map(pack));
    },
  };
}

/** Messages of up to 16 pushes each, divided by line breaks. */
function joinPayloads(payloads: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let from = 0; from < payloads.length; from += MAX_JOINED) {
    const group = payloads.slice(from, from + MAX_JOINED);
    messages.push(
      Buffer.concat(group.flatMap((payload, index) => (index === 0 ? [payload] : [LF, payload]))),
    );
  }
  return messages;
}

/** A final text frame (RFC 6455 §5.2), compressed where that is wanted. */
function textFrame(payload: Uint8Array, options: DeflateOptions | undefined): Buffer {
  if (options === undefined || payload.byteLength <= options.minBytes) return dataFrame(TEXT, payload);
  return dataFrame(TEXT | COMPRESSED, deflatePayload(payload, options.level));
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
