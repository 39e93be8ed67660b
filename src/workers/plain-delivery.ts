import type { Delivery } from "../core/broker.ts";
import { Publication } from "../core/publication.ts";
import { FRAME_MARK_BYTES, LENGTH_BYTES } from "../lib/link/frame-reader.ts";

/**
 * The usual delivery, with nothing but a payload, as bytes; undefined for any other. A third of what structured cloning
 * costs (docs/workers.md).
 *
 * Behind the length of the frame and its mark: three texts, each behind its length (32 bits), which are channel, epoch
 * and excluded client; the offset (64 bits, floating); 1 where the payload is known to be JSON; the payload.
 */
export function encodePlainDelivery(channel: string, delivery: Delivery): Buffer | undefined {
  const { publication, previous, excludeClient } = delivery;
  const { data, tags, info, version, offset, epoch, knownJson } = publication;
  if (previous !== undefined || tags !== undefined || info !== undefined || version !== 0n) return undefined;
  const texts = [channel, epoch, excludeClient];
  let size = LENGTH_BYTES + FRAME_MARK_BYTES + OFFSET_BYTES + 1 + data.length;
  for (const text of texts) size += TEXT_LENGTH_BYTES + Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(size);
  let at = frame.writeUInt32LE(size - LENGTH_BYTES, 0);
  at = frame.writeUInt8(0, at);
  for (const text of texts) {
    const length = frame.write(text, at + TEXT_LENGTH_BYTES);
    at = frame.writeUInt32LE(length, at) + length;
  }
  at = frame.writeDoubleLE(offset, at);
  at = frame.writeUInt8(knownJson ? 1 : 0, at);
  frame.set(data, at);
  return frame;
}

/** The delivery again; its payload is a part of the frame. */
export function decodePlainDelivery(frame: Buffer): readonly [channel: string, delivery: Delivery] {
  let at = FRAME_MARK_BYTES;
  const nextText = (): string => {
    const begin = at + TEXT_LENGTH_BYTES;
    at = begin + frame.readUInt32LE(at);
    return frame.toString("utf8", begin, at);
  };
  const [channel, epoch, excludeClient] = [nextText(), nextText(), nextText()];
  const offset = frame.readDoubleLE(at);
  const knownJson = frame.readUInt8(at + OFFSET_BYTES) === 1;
  const data = frame.subarray(at + OFFSET_BYTES + 1);
  const publication = new Publication({ data, tags: undefined, info: undefined, knownJson }, offset, epoch);
  return [channel, { publication, previous: undefined, excludeClient }];
}

const TEXT_LENGTH_BYTES = 4;
const OFFSET_BYTES = 8;
