import type { Framer } from "../../core/wire-format.ts";

const PREFIX_BYTES = 4;

/**
 * One message behind its length. grpc-js frames messages itself, one by one, so this framing only keeps the
 * messages of a flush apart on their way to it.
 */
export const grpcFramer: Framer = {
  id: "grpc",
  frame(message) {
    const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.byteLength);
    frame.writeUInt32BE(message.byteLength);
    frame.set(message, PREFIX_BYTES);
    return frame;
  },
  join: (frames) => Buffer.concat(frames),
};

/** The messages in what the framer made. */
export function* messagesIn(bytes: Uint8Array): Generator<Buffer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < buffer.length) {
    const start = at + PREFIX_BYTES;
    at = start + buffer.readUInt32BE(at);
    yield buffer.subarray(start, at);
  }
}
