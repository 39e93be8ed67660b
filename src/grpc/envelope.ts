import type { Framer } from "../core/wire-format.ts";

/** What gRPC allows a message to have when nothing is said. */
export const DEFAULT_MAX_MESSAGE_BYTES: number = 4 * 1024 * 1024;

/** Bytes in front of a message: one of flags, four of length. */
export const ENVELOPE_PREFIX_BYTES = 5;

/** A message as gRPC, gRPC-Web and Connect streams carry it: flags, length, bytes. */
export function envelope(flags: number, message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(ENVELOPE_PREFIX_BYTES + message.byteLength);
  bytes[0] = flags;
  bytes.writeUInt32BE(message.byteLength, 1);
  bytes.set(message, ENVELOPE_PREFIX_BYTES);
  return bytes;
}

/** Uncompressed messages. */
export const envelopeFramer: Framer = {
  id: "envelope",
  frame: (message) => envelope(0, message),
  join: (frames) => Buffer.concat(frames),
};
