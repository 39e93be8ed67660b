/** Control frames of a server (RFC 6455 §5.5): final, not masked, at most 125 bytes of payload. */
const CLOSE = 0x88;
const PING = 0x89;
const PONG = 0x8a;
/** What a reason of a close frame may take besides its code. */
const MAX_REASON_BYTES = 123;
/** "No code was there", which stands in no frame (RFC 6455 §7.4.1). */
const NO_CODE = 1005;

/** A PING without payload. */
export const PING_FRAME: Uint8Array = Buffer.from([PING, 0]);

/** The answer to a PING. */
export function pongFrame(payload: Buffer): Buffer {
  return controlFrame(PONG, payload);
}

/** A close frame; without payload for code 1005. Of a reason that is too long it has as much as fits. */
export function closeFrame(code: number, reason = ""): Buffer {
  if (code === NO_CODE) return controlFrame(CLOSE, Buffer.alloc(0));
  const payload = Buffer.from(`  ${cutReason(reason)}`);
  payload.writeUInt16BE(code, 0);
  return controlFrame(CLOSE, payload);
}

/** Whether a close frame can carry all of a reason. */
export function fitsCloseFrame(reason: string): boolean {
  return Buffer.byteLength(reason) <= MAX_REASON_BYTES;
}

/** Whether some bytes are an empty PONG and nothing else: the usual answer to a heartbeat. */
export function isEmptyPong(bytes: Uint8Array): boolean {
  return bytes.length === 6 && bytes[0] === PONG && bytes[1] === 0x80;
}

function controlFrame(firstByte: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([firstByte, payload.length]), payload]);
}

/** As much of a reason as a close frame can carry; characters stay whole. */
function cutReason(reason: string): string {
  if (fitsCloseFrame(reason)) return reason;
  const bytes = Buffer.from(reason);
  let end = MAX_REASON_BYTES;
  while (isContinuation(bytes[end])) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/** Whether a byte of UTF-8 is not the first of its character. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
