import { Code, ConnectError } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Compression } from "@connectrpc/connect/protocol";

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
