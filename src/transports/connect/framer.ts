import type { Framer } from "../../core/wire-format.ts";
import { envelope, ENVELOPE_PREFIX_BYTES } from "../../grpc/envelope.ts";

/** The message of the first envelope of a request body; undefined when it is cut short or compressed. */
export function firstMessage(body: Buffer): Buffer | undefined {
  if (body.length < ENVELOPE_PREFIX_BYTES || body[0] !== 0) return undefined;
  const end = ENVELOPE_PREFIX_BYTES + body.readUInt32BE(1);
  return end <= body.length ? body.subarray(ENVELOPE_PREFIX_BYTES, end) : undefined;
}

/** Each envelope in base64 of its own, as gRPC-Web's text form wants it. */
export const envelopeTextFramer: Framer = {
  id: "envelope-base64",
  frame: (message) => inBase64(envelope(0, message)),
  join: (frames) => Buffer.concat(frames),
};

/** The bytes in base64, with padding. */
export function inBase64(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("base64"), "latin1");
}
