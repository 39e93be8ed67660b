import { Code, ConnectError } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Compression } from "@connectrpc/connect/protocol";
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

/** Compressions that requests on the HTTP port may have. */
export const COMPRESSIONS: Compression[] = [compressionGzip, compressionBrotli];
/** Their names, as headers list them. */
export const ACCEPTED_ENCODINGS: string = COMPRESSIONS.map(({ name }) => name).join();

/** What stands for no limit where a limit is wanted. */
export const UNLIMITED_BYTES = 0xffff_ffff;

/**
 * Decompresses a message of `maxBytes` at most.
 *
 * Rejects with ConnectError: RESOURCE_EXHAUSTED for a larger one, INVALID_ARGUMENT for what was not compressed so.
 */
export async function decompress(
  compression: Compression,
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array> {
  try {
    return await compression.decompress(bytes, maxBytes);
  } catch (error) {
    const known = ConnectError.from(error);
    if (known.code === Code.ResourceExhausted) throw known;
    throw new ConnectError(`the message is no ${compression.name}`, Code.InvalidArgument);
  }
}
