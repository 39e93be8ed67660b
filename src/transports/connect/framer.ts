import type { Framer } from "../../core/wire-format.ts";

const PREFIX_BYTES = 5;

/** One envelope: a byte of flags, the length in four bytes, the message. Connect and gRPC-Web share it. */
export function envelope(flags: number, message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.byteLength);
  bytes[0] = flags;
  bytes.writeUInt32BE(message.byteLength, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}

/** The message of the first envelope of a request body; undefined when it is cut short or compressed. */
export function firstMessage(body: Buffer): Buffer | undefined {
  if (body.length < PREFIX_BYTES || body[0] !== 0) return undefined;
  const end = PREFIX_BYTES + body.readUInt32BE(1);
  return end <= body.length ? body.subarray(PREFIX_BYTES, end) : undefined;
}

export const envelopeFramer: Framer = {
  id: "envelope",
  frame: (message) => envelope(0, message),
  join: (frames) => Buffer.concat(frames),
};

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
